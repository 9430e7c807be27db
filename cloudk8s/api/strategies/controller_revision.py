"""ControllerRevisions."""

from __future__ import annotations

from cloudk8s.api.resource import Object
from cloudk8s.api.strategies.builtin import BuiltinStrategy


class ControllerRevisionStrategy(BuiltinStrategy):
    """The ControllerRevision kind: its data never changes."""

    def set_defaults(self, obj: Object) -> None:
        obj.setdefault("revision", 0)
