"""IPAddresses."""

from __future__ import annotations

from collections.abc import Callable

from cloudk8s.api.field_errors import FieldError
from cloudk8s.api.resource import Object
from cloudk8s.api.strategies.builtin import BuiltinStrategy, spec_of
from cloudk8s.api.validation.network.address_ranges import address_name, check_parent, check_parent_kept


class IPAddressStrategy(BuiltinStrategy):
    """The IPAddress kind."""

    namespaced = False

    def set_defaults(self, obj: Object) -> None:
        spec_of(obj)

    def validate_name(self) -> Callable[[str], list[str]]:
        return address_name

    def check_create(self, obj: Object) -> list[FieldError]:
        errors = self.check_metadata(obj)
        check_parent(errors, obj["spec"])
        return errors

    def check_changes(self, errors: list[FieldError], new: Object, old: Object) -> None:
        check_parent_kept(errors, new["spec"], old["spec"])
