"""ResourceQuotas."""

from __future__ import annotations

from cloudk8s.api.field_errors import FieldError
from cloudk8s.api.resource import Object
from cloudk8s.api.strategies.builtin import BuiltinStrategy, spec_of
from cloudk8s.api.strategies.pod.resource_defaults import round_up
from cloudk8s.api.validation.core.quota import check_quota_spec, check_quota_status, check_scopes_kept


class ResourceQuotaStrategy(BuiltinStrategy):
    """The ResourceQuota kind."""

    has_status = True

    def set_defaults(self, obj: Object) -> None:
        round_up(spec_of(obj).get("hard"))
        self.default_status(obj)
        for key in ("hard", "used"):
            round_up(obj["status"].get(key))

    def check_create(self, obj: Object) -> list[FieldError]:
        errors = super().check_create(obj)
        check_quota_status(errors, obj.get("status") or {})
        return errors

    def check_body(self, errors: list[FieldError], obj: Object, old: Object | None) -> None:
        check_quota_spec(errors, obj["spec"])

    def check_changes(self, errors: list[FieldError], new: Object, old: Object) -> None:
        check_scopes_kept(errors, new["spec"], old["spec"])

    def check_status(self, errors: list[FieldError], new: Object, old: Object) -> None:
        check_quota_status(errors, new.get("status") or {})
