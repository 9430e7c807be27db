"""Which settings of controllers are flags of `controller-manager`, by upstream's names."""

from __future__ import annotations

from typing import Final

from cloudk8s.controllers.settings import ControllerSettings

_RENAMED: Final = {
    "hpa_sync_period": "horizontal-pod-autoscaler-sync-period",
    "hpa_downscale_stabilization": "horizontal-pod-autoscaler-downscale-stabilization",
    "hpa_tolerance": "horizontal-pod-autoscaler-tolerance",
    "hpa_cpu_initialization_period": "horizontal-pod-autoscaler-cpu-initialization-period",
    "hpa_initial_readiness_delay": "horizontal-pod-autoscaler-initial-readiness-delay",
}
_NO_FLAGS: Final = {
    # read from the files that flags name, or from a flag that is more than its setting
    "controllers", "root_ca", "service_account_key",
    "cluster_signing_certificate", "cluster_signing_key", "signing_authorities",
    # ours alone
    "namespace_deletion_delay",
}  # fmt: skip

FLAGS: Final = {
    field: _RENAMED.get(field, field.replace("_", "-"))
    for field in sorted(ControllerSettings.model_fields)
    if field not in _NO_FLAGS
}
"""Field of `ControllerSettings`: name of its flag."""
