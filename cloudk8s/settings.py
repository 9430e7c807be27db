"""Settings that more than one component reads, with their defaults."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Final

KUBERNETES_VERSION: Final = "1.37"


@dataclass(frozen=True, slots=True, kw_only=True)
class ClusterSettings:
    """One cluster on this host: what `cloudk8s up` was asked for."""

    name: str = "default"
    """The cluster's name; it names the data directory and the kubeconfig context."""
    data_dir: Path
    """Where certificates, the store and logs live; readable by its owner only."""
    bind: str = "127.0.0.1"
    """Address the API server listens on."""
    port: int = 6443
    """TCP port of the API server; 0 picks a free one."""
    kubernetes_version: str = KUBERNETES_VERSION
    """Minor version of the Kubernetes API that is served."""
    feature_gates: str = ""
    """Features of the API to turn on or off, as in Name=true,Other=false."""
    store: str = ""
    """Store URL; empty is SQLite inside the data directory."""
    service_cluster_ip_range: str = "10.96.0.0/16"
    """Range that Service addresses come from; two, comma-separated, for dual stack."""
    service_node_port_range: str = "30000-32767"
    """Ports that node ports come from, inclusive."""
    cluster_cidr: str = "10.244.0.0/16"
    """Range that node pod ranges come from."""
    load_balancer_range: str = "198.18.0.0/24"
    """Range that load balancers on this host get addresses from."""
    host_range: str = "198.19.0.0/24"
    """Range that nodes on hosts within this host get addresses from."""
    asked_ranges: tuple[str, ...] = ()
    """Which of these four were asked for; others that are the usual ones may be replaced by free ones."""
    certificate_hosts: tuple[str, ...] = ()
    """More names and addresses that the API server is called by."""
    advertise_address: str = ""
    """Where pods reach the API server; empty is its address, or this host's own if it listens on loopback."""
    cluster_domain: str = "cluster.local"
    """DNS domain of the cluster."""
    cloud: str = ""
    """Default cloud provider; empty is none."""
    csi_endpoints: tuple[str, ...] = ()
    """Sockets of CSI drivers whose controller side runs here, as in unix:///run/csi/driver.sock."""
    disabled_plugins: tuple[str, ...] = ()
    """Entry points that are not loaded."""
