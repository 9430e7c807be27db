"""The controllers' settings as `/configz` shows them: upstream's KubeControllerManagerConfiguration.

https://kubernetes.io/docs/reference/config-api/kube-controller-manager-config.v1alpha1/
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, Final

from cloudk8s.client.leader_election import LeaderElection
from cloudk8s.controllers.settings import ControllerSettings
from cloudk8s.controlplane.diagnostics.settings import ServingSettings
from cloudk8s.machinery.times import format_duration
from cloudk8s.settings import ClusterSettings

# Upstream's section and field: ours.
_FIELDS: Final[Mapping[str, Mapping[str, str]]] = {
    "AttachDetachController": {"disableForceDetachOnTimeout": "disable_force_detach_on_timeout"},
    "CSRSigningController": {"ClusterSigningDuration": "cluster_signing_duration"},
    "CronJobController": {"ConcurrentCronJobSyncs": "concurrent_cron_job_syncs"},
    "DaemonSetController": {"ConcurrentDaemonSetSyncs": "concurrent_daemonset_syncs"},
    "DeploymentController": {"ConcurrentDeploymentSyncs": "concurrent_deployment_syncs"},
    "DeviceTaintEvictionController": {"ConcurrentSyncs": "concurrent_device_taint_eviction_syncs"},
    "EndpointController": {
        "ConcurrentEndpointSyncs": "concurrent_endpoint_syncs",
        "EndpointUpdatesBatchPeriod": "endpoint_updates_batch_period",
    },
    "EndpointSliceController": {
        "ConcurrentServiceEndpointSyncs": "concurrent_service_endpoint_syncs",
        "MaxEndpointsPerSlice": "max_endpoints_per_slice",
        "EndpointUpdatesBatchPeriod": "endpointslice_updates_batch_period",
    },
    "EndpointSliceMirroringController": {
        "MirroringConcurrentServiceEndpointSyncs": "mirroring_concurrent_service_endpoint_syncs",
        "MirroringMaxEndpointsPerSubset": "mirroring_max_endpoints_per_subset",
        "MirroringEndpointUpdatesBatchPeriod": "mirroring_endpointslice_updates_batch_period",
    },
    "EphemeralVolumeController": {"ConcurrentEphemeralVolumeSyncs": "concurrent_ephemeralvolume_syncs"},
    "GarbageCollectorController": {
        "EnableGarbageCollector": "enable_garbage_collector",
        "ConcurrentGCSyncs": "concurrent_gc_syncs",
    },
    "HPAController": {
        "ConcurrentHorizontalPodAutoscalerSyncs": "concurrent_horizontal_pod_autoscaler_syncs",
        "HorizontalPodAutoscalerSyncPeriod": "hpa_sync_period",
        "HorizontalPodAutoscalerDownscaleStabilizationWindow": "hpa_downscale_stabilization",
        "HorizontalPodAutoscalerTolerance": "hpa_tolerance",
        "HorizontalPodAutoscalerCPUInitializationPeriod": "hpa_cpu_initialization_period",
        "HorizontalPodAutoscalerInitialReadinessDelay": "hpa_initial_readiness_delay",
    },
    "JobController": {"ConcurrentJobSyncs": "concurrent_job_syncs"},
    "LegacySATokenCleaner": {"CleanUpPeriod": "legacy_service_account_token_clean_up_period"},
    "NamespaceController": {"ConcurrentNamespaceSyncs": "concurrent_namespace_syncs"},
    "NodeIPAMController": {
        "NodeCIDRMaskSize": "node_cidr_mask_size",
        "NodeCIDRMaskSizeIPv4": "node_cidr_mask_size_ipv4",
        "NodeCIDRMaskSizeIPv6": "node_cidr_mask_size_ipv6",
    },
    "NodeLifecycleController": {
        "NodeEvictionRate": "node_eviction_rate",
        "SecondaryNodeEvictionRate": "secondary_node_eviction_rate",
        "NodeStartupGracePeriod": "node_startup_grace_period",
        "NodeMonitorGracePeriod": "node_monitor_grace_period",
        "LargeClusterSizeThreshold": "large_cluster_size_threshold",
        "UnhealthyZoneThreshold": "unhealthy_zone_threshold",
    },
    "PersistentVolumeBinderController": {"PVClaimBinderSyncPeriod": "pvclaimbinder_sync_period"},
    "PodGCController": {"TerminatedPodGCThreshold": "terminated_pod_gc_threshold"},
    "ReplicaSetController": {"ConcurrentRSSyncs": "concurrent_replicaset_syncs"},
    "ReplicationController": {"ConcurrentRCSyncs": "concurrent_rc_syncs"},
    "ResourceClaimController": {"ConcurrentSyncs": "concurrent_resource_claim_syncs"},
    "ResourceQuotaController": {
        "ResourceQuotaSyncPeriod": "resource_quota_sync_period",
        "ConcurrentResourceQuotaSyncs": "concurrent_resource_quota_syncs",
    },
    "SAController": {"ConcurrentSATokenSyncs": "concurrent_serviceaccount_token_syncs"},
    "StatefulSetController": {"ConcurrentStatefulSetSyncs": "concurrent_statefulset_syncs"},
    "TTLAfterFinishedController": {"ConcurrentTTLSyncs": "concurrent_ttl_after_finished_syncs"},
    "ValidatingAdmissionPolicyStatusController": {
        "ConcurrentPolicySyncs": "concurrent_validating_admission_policy_status_syncs"
    },
}
_SIGNERS: Final = {
    "KubeletServingSignerConfiguration": "kubelet-serving",
    "KubeletClientSignerConfiguration": "kubelet-client",
    "KubeAPIServerClientSignerConfiguration": "kube-apiserver-client",
    "LegacyUnknownSignerConfiguration": "legacy-unknown",
}


@dataclass(frozen=True, slots=True)
class ControllerConfiguration:
    """Everything that is said about a controller manager. What it is given as a file, it shows by the file's name."""

    controllers: ControllerSettings
    cluster: ClusterSettings | None = None
    serving: ServingSettings = field(default_factory=ServingSettings)
    election: LeaderElection | None = None
    flags: Mapping[str, str] = field(default_factory=dict)
    uses_service_account_credentials: bool = False
    qps: float = 0.0
    burst: int = 100

    def shown(self) -> Mapping[str, Any]:
        """As JSON."""
        settings = self.controllers.model_dump()
        sections: dict[str, dict[str, Any]] = {
            section: {name: _value(settings[ours]) for name, ours in fields.items()}
            for section, fields in _FIELDS.items()
        }
        sections["CSRSigningController"] |= self._signing()
        sections["NodeIPAMController"] |= self._service_ranges()
        sections["PersistentVolumeBinderController"]["VolumeConfiguration"] = {
            "EnableDynamicProvisioning": self.controllers.enable_dynamic_provisioning
        }
        sections["SAController"] |= {
            "ServiceAccountKeyFile": self._flag("service-account-private-key-file"),
            "RootCAFile": self._flag("root-ca-file"),
        }
        return {
            "kind": "KubeControllerManagerConfiguration",
            "apiVersion": "kubecontrollermanager.config.k8s.io/v1alpha1",
            "Generic": self._generic(),
            "KubeCloudShared": self._shared(),
            **sections,
        }

    def _generic(self) -> Mapping[str, Any]:
        return {
            "Port": self.serving.secure_port,
            "Address": self.serving.bind_address,
            "ClientConnection": {
                "kubeconfig": self._flag("kubeconfig"),
                "acceptContentTypes": "",
                "contentType": "application/json",
                "qps": self.qps,
                "burst": self.burst,
            },
            "ControllerStartInterval": format_duration(self.controllers.controller_start_interval),
            "LeaderElection": _election(self.election),
            "Controllers": list(self.controllers.controllers),
            "Debugging": {"enableProfiling": False, "enableContentionProfiling": False},
        }

    def _shared(self) -> Mapping[str, Any]:
        return {
            "UseServiceAccountCredentials": self.uses_service_account_credentials,
            "NodeMonitorPeriod": format_duration(self.controllers.node_monitor_period),
            "ClusterCIDR": self.cluster.cluster_cidr if self.cluster else "",
            "AllocateNodeCIDRs": self.controllers.allocate_node_cidrs,
            "CIDRAllocatorType": "RangeAllocator",
        }

    def _signing(self) -> Mapping[str, Any]:
        own = {
            name: {
                "CertFile": self._flag(f"cluster-signing-{signer}-cert-file"),
                "KeyFile": self._flag(f"cluster-signing-{signer}-key-file"),
            }
            for name, signer in _SIGNERS.items()
        }
        return {
            "ClusterSigningCertFile": self._flag("cluster-signing-cert-file"),
            "ClusterSigningKeyFile": self._flag("cluster-signing-key-file"),
            **own,
        }

    def _service_ranges(self) -> Mapping[str, str]:
        first, _, second = (self.cluster.service_cluster_ip_range if self.cluster else "").partition(",")
        return {"ServiceCIDR": first, "SecondaryServiceCIDR": second}

    def _flag(self, name: str) -> str:
        return self.flags.get(name, "")


def _election(election: LeaderElection | None) -> Mapping[str, Any]:
    if election is None:
        return {"leaderElect": False}
    return {
        "leaderElect": True,
        "leaseDuration": format_duration(election.lease_duration),
        "renewDeadline": format_duration(election.renew_deadline),
        "retryPeriod": format_duration(election.retry_period),
        "resourceLock": "leases",
        "resourceName": election.name,
        "resourceNamespace": election.namespace,
    }


def _value(found: Any) -> Any:
    return format_duration(found) if isinstance(found, timedelta) else found
