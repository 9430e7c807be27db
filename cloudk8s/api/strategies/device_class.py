"""DeviceClasses."""

from __future__ import annotations

from cloudk8s.api.field_errors import FieldError
from cloudk8s.api.resource import Object
from cloudk8s.api.strategies.builtin import BuiltinStrategy, spec_of
from cloudk8s.api.validation.devices.claims import check_device_class_spec


class DeviceClassStrategy(BuiltinStrategy):
    """The DeviceClass kind."""

    namespaced = False
    has_generation = True

    def set_defaults(self, obj: Object) -> None:
        spec_of(obj)

    def check_body(self, errors: list[FieldError], obj: Object, old: Object | None) -> None:
        check_device_class_spec(errors, obj["spec"])
