"""What can be set about controllers; names and defaults are those of kube-controller-manager's flags."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta

from pydantic import BaseModel, ConfigDict, Field


class ControllerSettings(BaseModel):
    """Settings of all controllers; each reads what concerns it."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    controllers: tuple[str, ...] = ("*",)
    """Which controllers run: `*` all that are on by default, `name` this one, `-name` not this one."""
    root_ca: str = ""
    """PEM certificates that pods trust the API server by; published in every namespace as `kube-root-ca.crt`."""
    service_account_key: str = Field(default="", repr=False)
    """PEM private key that tokens in Secrets are signed with; without it none are made."""
    cluster_signing_certificate: str = ""
    """PEM certificate of the authority that certificate requests are signed with; without it none are."""
    cluster_signing_key: str = Field(default="", repr=False)
    """Its PEM private key."""
    signing_authorities: Mapping[str, tuple[str, str]] = Field(default_factory=dict, repr=False)
    """Certificate and key, both PEM, of signers that have an authority of their own, by the signer's name."""
    cluster_signing_duration: timedelta = timedelta(days=365)
    """How long a signed certificate is good for at most."""
    namespace_deletion_delay: timedelta = timedelta(0)
    """How long after a namespace's deletion its content goes; with several API servers give them 5 s to notice."""
    node_monitor_grace_period: timedelta = timedelta(seconds=50)
    """How long a node may be silent before it counts as not healthy."""
    node_monitor_period: timedelta = timedelta(seconds=5)
    """How often silent nodes are looked for."""
    node_startup_grace_period: timedelta = timedelta(seconds=60)
    """How long a new node may be silent."""
    node_eviction_rate: float = 0.1
    """Nodes per second whose pods are evicted while the zone is healthy."""
    secondary_node_eviction_rate: float = 0.01
    """The same in a large zone that is not healthy; small ones then evict nothing."""
    large_cluster_size_threshold: int = 50
    """Zones of at most this many nodes count as small."""
    unhealthy_zone_threshold: float = 0.55
    """Share of nodes not ready from which a zone (of more than two such nodes) counts as not healthy."""
    terminated_pod_gc_threshold: int = 12500
    """How many finished pods may stay before the oldest are deleted; 0 is any number."""
    pvclaimbinder_sync_period: timedelta = timedelta(seconds=15)
    """How often claims without a volume, and volumes to be reclaimed, are looked at again."""
    allocate_node_cidrs: bool = False
    """Whether nodes get their pod ranges here, out of the cluster's."""
    node_cidr_mask_size: int = 0
    """How large a node's range is, where the cluster has one family of addresses; 0 leaves it to the next two."""
    node_cidr_mask_size_ipv4: int = 24
    """How large a node's range is."""
    node_cidr_mask_size_ipv6: int = 64
    """The same for IPv6."""
    enable_dynamic_provisioning: bool = True
    """Whether volumes are asked for where a claim has a class."""
    hpa_sync_period: timedelta = timedelta(seconds=15)
    """How often autoscalers are looked at."""
    hpa_downscale_stabilization: timedelta = timedelta(minutes=5)
    """How long an autoscaler without rules keeps the highest size that was called for."""
    hpa_tolerance: float = 0.1
    """The share by which a metric may miss its target before a size is changed."""
    hpa_cpu_initialization_period: timedelta = timedelta(minutes=5)
    """How long after its start a pod's use of CPU may be left out."""
    hpa_initial_readiness_delay: timedelta = timedelta(seconds=30)
    """How long after its start a pod's changes of readiness count as its first."""
    resource_quota_sync_period: timedelta = timedelta(minutes=5)
    """How often every quota is counted afresh, whatever happened."""
    disable_force_detach_on_timeout: bool = False
    """Whether volumes stay attached to a node that is not healthy, however long it does not say that it is done."""
    legacy_service_account_token_clean_up_period: timedelta = timedelta(days=365)
    """How long a token that came with its account may go unused before it is taken back."""
    enable_garbage_collector: bool = True
    """Whether objects go with their owners."""
    max_endpoints_per_slice: int = 100
    """How many endpoints an EndpointSlice has at most."""
    endpoint_updates_batch_period: timedelta = timedelta(0)
    """How long changes of pods are collected before Endpoints are written."""
    endpointslice_updates_batch_period: timedelta = timedelta(0)
    """The same for EndpointSlices."""
    mirroring_endpointslice_updates_batch_period: timedelta = timedelta(0)
    """The same for slices of Endpoints that are kept by hand."""
    mirroring_max_endpoints_per_subset: int = 1000
    """How many addresses of each of their subsets are mirrored at most."""
    concurrent_cron_job_syncs: int = 5
    """How many CronJobs are worked on at once."""
    concurrent_daemonset_syncs: int = 2
    """How many DaemonSets are worked on at once."""
    concurrent_deployment_syncs: int = 5
    """How many Deployments are worked on at once."""
    concurrent_device_taint_eviction_syncs: int = 8
    """How many users of tainted devices are worked on at once."""
    concurrent_endpoint_syncs: int = 5
    """How many Services' Endpoints are worked on at once."""
    concurrent_ephemeralvolume_syncs: int = 5
    """How many pods with ephemeral volumes are worked on at once."""
    concurrent_gc_syncs: int = 20
    """How many objects are looked at at once because an owner of theirs is gone."""
    concurrent_horizontal_pod_autoscaler_syncs: int = 5
    """How many autoscalers are worked on at once."""
    concurrent_job_syncs: int = 5
    """How many Jobs are worked on at once."""
    concurrent_namespace_syncs: int = 10
    """How many namespaces are emptied at once."""
    concurrent_rc_syncs: int = 5
    """How many ReplicationControllers are worked on at once."""
    concurrent_replicaset_syncs: int = 5
    """How many ReplicaSets are worked on at once."""
    concurrent_resource_claim_syncs: int = 50
    """How many pods, and how many claims, of dynamic resources are worked on at once."""
    concurrent_resource_quota_syncs: int = 5
    """How many quotas are counted at once."""
    concurrent_service_endpoint_syncs: int = 5
    """How many Services' EndpointSlices are worked on at once."""
    concurrent_serviceaccount_token_syncs: int = 5
    """How many tokens in Secrets are worked on at once."""
    concurrent_statefulset_syncs: int = 5
    """How many StatefulSets are worked on at once."""
    concurrent_ttl_after_finished_syncs: int = 5
    """How many finished Jobs are looked at at once."""
    concurrent_validating_admission_policy_status_syncs: int = 5
    """How many admission policies are looked at at once."""
    mirroring_concurrent_service_endpoint_syncs: int = 5
    """How many Endpoints are mirrored at once."""
    concurrent_syncs: int = 5
    """How many objects each of the other controllers works on at once."""
    controller_start_interval: timedelta = timedelta(0)
    """How long after one controller the next is started."""
