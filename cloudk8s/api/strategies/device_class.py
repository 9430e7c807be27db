"""DeviceClasses."""

from __future__ import annotations

from cloudk8s.api.resource import Object
from cloudk8s.api.strategies.builtin import BuiltinStrategy, spec_of


class DeviceClassStrategy(BuiltinStrategy):
    """The DeviceClass kind."""

    namespaced = False
    has_generation = True

    def set_defaults(self, obj: Object) -> None:
        spec_of(obj)
