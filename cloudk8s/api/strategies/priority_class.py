"""PriorityClasses."""

from __future__ import annotations

from cloudk8s.api.resource import Object
from cloudk8s.api.strategies.builtin import BuiltinStrategy


class PriorityClassStrategy(BuiltinStrategy):
    """The PriorityClass kind: its generation never grows, as nothing that matters may change."""

    namespaced = False
    has_generation = True

    def set_defaults(self, obj: Object) -> None:
        obj.setdefault("value", 0)
        obj.setdefault("preemptionPolicy", "PreemptLowerPriority")

    def spec_changed(self, new: Object, old: Object) -> bool:
        return False
