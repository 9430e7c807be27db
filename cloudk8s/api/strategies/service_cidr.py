"""ServiceCIDRs."""

from __future__ import annotations

from cloudk8s.api.field_errors import FieldError
from cloudk8s.api.resource import Object
from cloudk8s.api.strategies.builtin import BuiltinStrategy, spec_of
from cloudk8s.api.validation.network.address_ranges import check_ranges, check_ranges_kept


class ServiceCIDRStrategy(BuiltinStrategy):
    """The ServiceCIDR kind."""

    namespaced = False
    has_status = True

    def set_defaults(self, obj: Object) -> None:
        spec_of(obj)
        self.default_status(obj)

    def check_create(self, obj: Object) -> list[FieldError]:
        errors = self.check_metadata(obj)
        check_ranges(errors, obj["spec"])
        return errors

    def check_changes(self, errors: list[FieldError], new: Object, old: Object) -> None:
        check_ranges_kept(errors, new["spec"], old["spec"])
