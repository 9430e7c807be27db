"""What node agent, service proxy and routes of a machine are told."""

from __future__ import annotations

from pathlib import Path

from cloudk8s.controlplane.machine.settings import JoinConfiguration
from cloudk8s.kernel.addresses import outgoing_address
from cloudk8s.network.proxy.assembly import ProxyOptions
from cloudk8s.network.proxy.model import Family
from cloudk8s.node.settings import NodeSettings


def agent_directory(directory: Path, name: str) -> Path:
    """Where the agent keeps its files; `purging.purge(directory)` finds it there."""
    return directory / "nodes" / name


def node_settings(cluster: JoinConfiguration, name: str, directory: Path, authority: Path) -> NodeSettings:
    """The node agent's settings."""
    node, address = cluster.node, outgoing_address()
    return NodeSettings(
        node_name=name, root_dir=agent_directory(directory, name), node_ip=address, address=address or "0.0.0.0",
        client_ca_file=authority, cluster_dns=(cluster.dns,) if cluster.dns else (), cluster_domain=cluster.domain,
        cluster_cidr=cluster.pod_cidr, node_labels=node.labels, register_with_taints=node.taints,
        cloud_provider=node.cloud_provider, kubernetes_version=f"v{cluster.minor}.0",
    )  # fmt: skip


def proxy_options(cluster: JoinConfiguration, name: str) -> ProxyOptions:
    """The service proxy's options."""
    own = tuple(address for address in (outgoing_address(), "127.0.0.1") if address)
    return ProxyOptions(
        nodes=frozenset([name]), node_addresses=own, pod_ranges=parts(cluster.pod_cidr), families=families(cluster),
        health_addresses=own,
    )  # fmt: skip


def families(cluster: JoinConfiguration) -> tuple[Family, ...]:
    """Those of Services."""
    return tuple("IPv6" if ":" in text else "IPv4" for text in parts(cluster.service_cidr))


def parts(text: str) -> tuple[str, ...]:
    """The ranges of a comma-separated list."""
    return tuple(part.strip() for part in text.split(",") if part.strip())
