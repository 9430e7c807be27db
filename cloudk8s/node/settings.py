"""Settings of one node's agent."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path


@dataclass(frozen=True, slots=True, kw_only=True)
class NodeSettings:
    """What `cloudk8s kubelet` was asked for; names follow upstream's KubeletConfiguration."""

    node_name: str
    """The node's name."""
    root_dir: Path
    """Where pods' directories, volumes and the runtime's state live."""
    log_dir: Path | None = None
    """Where container logs live; the root directory's `logs` where unset."""
    node_ip: str = ""
    """The node's address; found by itself where empty. Two, comma-separated, for dual stack."""
    address: str = "0.0.0.0"
    """Address that the serving side listens on."""
    port: int = 10250
    """Port of the serving side; 0 picks a free one."""
    listen_fd: int = -1
    """A socket that listens already, by its descriptor, in place of address and port; -1 is none."""
    client_ca_file: Path | None = None
    """CA of the clients that may present certificates to the serving side; the API server's is among them."""
    tls_cert_file: Path | None = None
    """Certificate of the serving side; the node makes its own where unset."""
    tls_private_key_file: Path | None = None
    """Key of that certificate."""
    cluster_dns: tuple[str, ...] = ()
    """Addresses of the cluster DNS; empty gives pods the host's own."""
    cluster_domain: str = "cluster.local"
    """DNS domain of the cluster."""
    resolv_conf: Path = Path("/etc/resolv.conf")
    """The host's resolver configuration."""
    max_pods: int = 110
    """How many pods the node takes."""
    pod_cidr: str = ""
    """Range of pod addresses that the node registers with; two, comma-separated, for dual stack."""
    cluster_cidr: str = ""
    """Ranges of all nodes' pods; what a pod sends there keeps its address."""
    node_labels: dict[str, str] = field(default_factory=dict)
    """Labels that the node registers with."""
    register_with_taints: tuple[dict[str, str], ...] = ()
    """Taints that the node registers with."""
    provider_id: str = ""
    """The cloud's name for this machine."""
    cloud_provider: str = ""
    """`external` where a cloud controller initializes the node."""
    static_pod_path: Path | None = None
    """Directory of manifests that run without the API."""
    kubernetes_version: str = "v1.37.0"
    """The version that the node reports."""
    status_update_seconds: float = 10.0
    """How often the node looks at itself."""
    status_report_seconds: float = 300.0
    """How often the node's status is written though nothing changed."""
    lease_seconds: int = 40
    """How long the node's lease holds; it is renewed after a quarter of it."""
    sync_seconds: float = 60.0
    """How often a pod is looked at though nothing happened."""
    container_log_max_bytes: int = 10 * 1024 * 1024
    """Size at which a container's log is rotated."""
    container_log_max_files: int = 5
    """How many files of a container's log are kept."""
    image_gc_high_percent: int = 85
    """Use of the image file system at which images are removed."""
    image_gc_low_percent: int = 80
    """Use of the image file system down to which they are removed."""
    image_maximum_age_seconds: float = 0.0
    """How long an image is kept that nothing uses; 0 is for as long as there is room."""
    serialize_image_pulls: bool = False
    """Pull one image at a time."""
    max_parallel_image_pulls: int = 4
    """How many images are pulled at once."""
    image_credential_provider_config: Path | None = None
    """A CredentialProviderConfig: programs that tell logins to registries."""
    image_credential_provider_bin_dir: Path | None = None
    """Where those programs are."""
    pod_pids_limit: int = 0
    """How many processes a pod may have; 0 is no limit."""
    users_per_pod: int = 65_536
    """How many users and groups a pod has that has its own (`hostUsers: false`); a multiple of 65,536."""
    seccomp_default: bool = False
    """Whether containers that say nothing get the runtime's seccomp profile."""
    allowed_unsafe_sysctls: tuple[str, ...] = ()
    """Kernel parameters that pods may set besides the safe ones; a name may end with `*`."""
    eviction_hard: str = ""
    """Marks below which pods are evicted at once, `memory.available<100Mi,…`; upstream's defaults where empty."""
    eviction_soft: str = ""
    """Marks that the node may be below of for a while."""
    eviction_soft_grace_period: str = ""
    """How long for each of them, `memory.available=1m,…`."""
    eviction_max_pod_grace_seconds: int = 0
    """How long a pod may take to end at most that a soft mark evicts."""
    eviction_pressure_transition_seconds: float = 300.0
    """How long a node stays under pressure after it is above the marks again."""
    system_reserved: dict[str, str] = field(default_factory=dict)
    """Resources kept for the host."""
    enforce_node_allocatable: tuple[str, ...] = ("pods",)
    """`pods` keeps what is reserved from all pods together; without it they may use the whole machine."""
    shutdown_grace_seconds: int = 0
    """How long pods may take to end when the node shuts down; 0 leaves them alone."""
    shutdown_grace_critical_seconds: int = 0
    """The part of it, at its end, that only critical pods have."""
    shutdown_grace_by_priority: tuple[tuple[int, int], ...] = ()
    """In place of both: seconds for pods from this priority on, the least important ones first."""
    shutdown_on_sigterm: bool = False
    """Whether the end of the agent is that of the node; else its containers go on."""

    @property
    def pods_dir(self) -> Path:
        """Directories of pods, by UID."""
        return self.root_dir / "pods"

    @property
    def logs_dir(self) -> Path:
        """Directories of pods' logs."""
        return self.log_dir or self.root_dir / "logs"
