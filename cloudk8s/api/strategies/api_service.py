"""APIServices."""

from __future__ import annotations

from cloudk8s.api.field_errors import FieldError
from cloudk8s.api.resource import Object
from cloudk8s.api.strategies.builtin import BuiltinStrategy, spec_of
from cloudk8s.api.validation import metadata
from cloudk8s.api.validation.api_service import api_service_name, check_api_service_spec


class APIServiceStrategy(BuiltinStrategy):
    """The APIService kind."""

    namespaced = False
    allow_unconditional_update = False
    has_status = True
    status_keeps = "metadata"

    def set_defaults(self, obj: Object) -> None:
        if (service := spec_of(obj).get("service")) is not None:
            service.setdefault("port", 443)
        self.default_status(obj)

    def check_metadata(self, obj: Object) -> list[FieldError]:
        rule = api_service_name(obj["spec"])
        return metadata.validate(obj["metadata"], namespaced=False, name_rule=rule)

    def check_update(self, new: Object, old: Object) -> list[FieldError]:
        return metadata.validate_update(new["metadata"], old["metadata"]) + self.check_create(new)

    def check_body(self, errors: list[FieldError], obj: Object, old: Object | None) -> None:
        check_api_service_spec(errors, obj["spec"])
