"""CSIDrivers."""

from __future__ import annotations

from cloudk8s.api.resource import Object
from cloudk8s.api.strategies.builtin import BuiltinStrategy, spec_of

_DEFAULTS = (
    ("attachRequired", True),
    ("podInfoOnMount", False),
    ("storageCapacity", False),
    ("fsGroupPolicy", "ReadWriteOnceWithFSType"),
    ("requiresRepublish", False),
    ("seLinuxMount", False),
)


class CSIDriverStrategy(BuiltinStrategy):
    """The CSIDriver kind: it has no generation until its spec changes for the first time."""

    namespaced = False
    allow_unconditional_update = False

    def set_defaults(self, obj: Object) -> None:
        spec = spec_of(obj)
        for key, value in _DEFAULTS:
            spec.setdefault(key, value)
        if not spec.get("volumeLifecycleModes"):
            spec["volumeLifecycleModes"] = ["Persistent"]

    def prepare_update(self, new: Object, old: Object, subresource: str = "") -> None:
        if self.spec_changed(new, old):
            new["metadata"]["generation"] = old["metadata"].get("generation", 0) + 1
