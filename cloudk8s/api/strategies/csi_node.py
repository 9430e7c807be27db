"""CSINodes."""

from __future__ import annotations

from cloudk8s.api.resource import Object
from cloudk8s.api.strategies.builtin import BuiltinStrategy, spec_of


class CSINodeStrategy(BuiltinStrategy):
    """The CSINode kind."""

    namespaced = False
    allow_unconditional_update = False

    def set_defaults(self, obj: Object) -> None:
        drivers = spec_of(obj).setdefault("drivers", None)
        for driver in drivers or ():
            driver.setdefault("topologyKeys", None)
