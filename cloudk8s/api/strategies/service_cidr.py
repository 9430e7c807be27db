"""ServiceCIDRs."""

from __future__ import annotations

from cloudk8s.api.resource import Object
from cloudk8s.api.strategies.builtin import BuiltinStrategy, spec_of


class ServiceCIDRStrategy(BuiltinStrategy):
    """The ServiceCIDR kind."""

    namespaced = False
    has_status = True

    def set_defaults(self, obj: Object) -> None:
        spec_of(obj)
        self.default_status(obj)
