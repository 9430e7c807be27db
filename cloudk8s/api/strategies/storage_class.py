"""StorageClasses."""

from __future__ import annotations

from cloudk8s.api.resource import Object
from cloudk8s.api.strategies.builtin import BuiltinStrategy


class StorageClassStrategy(BuiltinStrategy):
    """The StorageClass kind."""

    namespaced = False

    def set_defaults(self, obj: Object) -> None:
        obj.setdefault("reclaimPolicy", "Delete")
        obj.setdefault("volumeBindingMode", "Immediate")
