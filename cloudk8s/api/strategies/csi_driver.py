"""CSIDrivers."""

from __future__ import annotations

from cloudk8s.api.features import FeatureGates
from cloudk8s.api.field_errors import FieldError
from cloudk8s.api.resource import Object
from cloudk8s.api.strategies.builtin import BuiltinStrategy, spec_of
from cloudk8s.api.validation.storage.drivers import check_driver_changes, check_driver_spec
from cloudk8s.api.validation.volume_sources import check_driver_name

_DEFAULTS = (
    ("attachRequired", True),
    ("podInfoOnMount", False),
    ("storageCapacity", False),
    ("fsGroupPolicy", "ReadWriteOnceWithFSType"),
    ("requiresRepublish", False),
)

_TOKENS = (
    "spec.serviceAccountTokenInSecrets is unset; if supported by this CSI driver, set to true to prevent possible "
    "logging of tokens in volume attributes"
)


class CSIDriverStrategy(BuiltinStrategy):
    """The CSIDriver kind: it has no generation until its spec changes for the first time."""

    namespaced = False
    allow_unconditional_update = False

    def __init__(self, features: FeatureGates) -> None:
        self._has_selinux_mount = features.is_on("SELinuxMountReadWriteOncePod")

    def set_defaults(self, obj: Object) -> None:
        spec = spec_of(obj)
        for key, value in _DEFAULTS:
            spec.setdefault(key, value)
        if self._has_selinux_mount:
            spec.setdefault("seLinuxMount", False)
        if not spec.get("volumeLifecycleModes"):
            spec["volumeLifecycleModes"] = ["Persistent"]

    def prepare_update(self, new: Object, old: Object, subresource: str = "") -> None:
        if self.spec_changed(new, old):
            new["metadata"]["generation"] = old["metadata"].get("generation", 0) + 1

    def check_create(self, obj: Object) -> list[FieldError]:
        errors = self.check_metadata(obj)
        check_driver_name(errors, "name", obj["metadata"].get("name") or "")
        check_driver_spec(errors, obj["spec"])
        return errors

    def check_changes(self, errors: list[FieldError], new: Object, old: Object) -> None:
        check_driver_changes(errors, new["spec"], old["spec"])

    def warnings(self, new: Object, old: Object | None) -> list[str]:
        spec = new["spec"]
        if spec.get("tokenRequests") and spec.get("serviceAccountTokenInSecrets") is None:
            return [_TOKENS]
        return []
