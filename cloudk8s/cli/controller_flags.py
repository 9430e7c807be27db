"""Which settings of controllers are flags of `controller-manager`, by upstream's names."""

from __future__ import annotations

from typing import Final

_RENAMED: Final = {
    "hpa_sync_period": "horizontal-pod-autoscaler-sync-period",
    "hpa_downscale_stabilization": "horizontal-pod-autoscaler-downscale-stabilization",
    "hpa_tolerance": "horizontal-pod-autoscaler-tolerance",
    "hpa_cpu_initialization_period": "horizontal-pod-autoscaler-cpu-initialization-period",
    "hpa_initial_readiness_delay": "horizontal-pod-autoscaler-initial-readiness-delay",
}
_SAME: Final = (
    "allocate_node_cidrs",
    "cluster_signing_duration",
    "concurrent_cron_job_syncs",
    "concurrent_daemonset_syncs",
    "concurrent_deployment_syncs",
    "concurrent_device_taint_eviction_syncs",
    "concurrent_endpoint_syncs",
    "concurrent_ephemeralvolume_syncs",
    "concurrent_gc_syncs",
    "concurrent_horizontal_pod_autoscaler_syncs",
    "concurrent_job_syncs",
    "concurrent_namespace_syncs",
    "concurrent_rc_syncs",
    "concurrent_replicaset_syncs",
    "concurrent_resource_claim_syncs",
    "concurrent_resource_quota_syncs",
    "concurrent_service_endpoint_syncs",
    "concurrent_serviceaccount_token_syncs",
    "concurrent_statefulset_syncs",
    "concurrent_syncs",
    "concurrent_ttl_after_finished_syncs",
    "concurrent_validating_admission_policy_status_syncs",
    "controller_start_interval",
    "disable_force_detach_on_timeout",
    "enable_dynamic_provisioning",
    "enable_garbage_collector",
    "endpoint_updates_batch_period",
    "endpointslice_updates_batch_period",
    "large_cluster_size_threshold",
    "legacy_service_account_token_clean_up_period",
    "max_endpoints_per_slice",
    "mirroring_concurrent_service_endpoint_syncs",
    "mirroring_endpointslice_updates_batch_period",
    "mirroring_max_endpoints_per_subset",
    "node_cidr_mask_size",
    "node_cidr_mask_size_ipv4",
    "node_cidr_mask_size_ipv6",
    "node_eviction_rate",
    "node_monitor_grace_period",
    "node_monitor_period",
    "node_startup_grace_period",
    "pvclaimbinder_sync_period",
    "resource_quota_sync_period",
    "secondary_node_eviction_rate",
    "terminated_pod_gc_threshold",
    "unhealthy_zone_threshold",
)

FLAGS: Final = {field: field.replace("_", "-") for field in _SAME} | _RENAMED
"""Field of `ControllerSettings`: name of its flag."""
