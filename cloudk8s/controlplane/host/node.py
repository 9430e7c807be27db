"""A node of this host: the agent in a process of its own, started, watched and stopped with the cluster.

The agent is a second process because it needs other privileges than the API server, and because its work then uses
another core. Containers outlive it, so that it may crash or be replaced; `cloudk8s down` ends them.
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator, Coroutine, Sequence
from contextlib import asynccontextmanager
from ipaddress import ip_address, ip_network
from pathlib import Path
from typing import Any, Final

from cloudk8s.apiserver import kubeconfig
from cloudk8s.apiserver.kubeconfig import Access
from cloudk8s.apiserver.pki.profile import Profile
from cloudk8s.controlplane.api_server import RunningApiServer
from cloudk8s.controlplane.background import background
from cloudk8s.controlplane.child import keep_running
from cloudk8s.controlplane.host.agent_options import AgentOptions
from cloudk8s.controlplane.host.local_cloud import local_provider_id
from cloudk8s.controlplane.host.places import Place
from cloudk8s.controlplane.host.ranges import service_ranges
from cloudk8s.controlplane.host.rootless import kubelet_socket
from cloudk8s.network.dns.publication import cluster_ip_of
from cloudk8s.network.hosts import enter
from cloudk8s.network.privileges import may_listen
from cloudk8s.network.rootless.host import RootlessHost

AGENT: Final = "the node agent"


@asynccontextmanager
async def running_nodes(server: RunningApiServer, where: Sequence[Place], options: AgentOptions) -> AsyncIterator[None]:
    """Keep an agent running for each node; they stop at the same time, for each may have pods to end."""
    loops = [await _agent(server, index, place, options) for index, place in enumerate(where)]
    async with background(*loops, names=[f"node {place.node}" for place in where]):
        yield


async def _agent(
    server: RunningApiServer, index: int, place: Place, options: AgentOptions
) -> Coroutine[Any, Any, None]:
    """Make ready what one agent needs; returns its loop."""
    name = place.node
    directory = server.settings.data_dir / "nodes" / name
    await asyncio.to_thread(directory.mkdir, mode=0o700, parents=True, exist_ok=True)
    access = _write_access(server, place, directory)
    arguments = _arguments(server, place, directory, access)
    arguments += [*_pod_range(server, index), *options.flags()]
    log = directory / "agent.log"
    patience = options.stop_seconds
    if place.within is None:
        return keep_running(enter.command(place.namespace, arguments), log, name=AGENT, patience=patience)
    return _keep_running_within(place, place.within, arguments, log, patience)


def _write_access(server: RunningApiServer, place: Place, directory: Path) -> Path:
    """A kubeconfig with the node's own identity, which Node authorization restricts to its pods."""
    name = place.node
    url = server.url_from_hosts if place.namespace or place.within else server.url
    profile = Profile(f"node-{name}", f"system:node:{name}", ("system:nodes",))
    pair = server.pki.issue(profile)
    path = directory / "kubelet.conf"
    authority = server.pki.ca.certificate.read_bytes()
    access = Access(name, url, authority, pair.certificate.read_bytes(), pair.key.read_bytes())
    kubeconfig.write(path, access)
    return path


def _arguments(server: RunningApiServer, place: Place, directory: Path, access: Path) -> list[str]:
    options = {
        "kubeconfig": access,
        "root-dir": directory,
        "hostname-override": place.node,
        "node-ip": ",".join(place.addresses),
        "address": place.address,
        "port": 0,
        "client-ca-file": server.pki.ca.certificate,
        "provider-id": local_provider_id(server.settings, place.node),
        "cluster-cidr": server.settings.cluster_cidr,
        "cluster-dns": _cluster_dns(server, place),
        "cluster-domain": server.settings.cluster_domain,
        "kubernetes-version": server.settings.kubernetes_version,
    }
    flags = [f"--{key}={value}" for key, value in options.items()] + ["--stop-with-input"]
    return [sys.executable, "-m", "cloudk8s", "kubelet", *flags]


def _cluster_dns(server: RunningApiServer, place: Place) -> str:
    """The address of the cluster's DNS, where pods can reach its port; else they have the host's resolvers."""
    return cluster_ip_of(service_ranges(server.settings)[0]) if place.within or may_listen(53) else ""


def _pod_range(server: RunningApiServer, index: int) -> list[str]:
    """The node's part of the cluster's pod range: a /24 (IPv6: /64) for each node, in their order."""
    parts = []
    for cidr in server.settings.cluster_cidr.split(","):
        network = ip_network(cidr.strip())
        length = max(network.prefixlen, 24 if network.version == 4 else 64)
        first = int(network.network_address) + (index << (network.max_prefixlen - length))
        parts.append(f"{ip_address(first)}/{length}")
    return [f"--pod-cidr={','.join(parts)}"]


async def _keep_running_within(
    place: Place, host: RootlessHost, arguments: list[str], log: Path, patience: float
) -> None:
    """The agent becomes a process of the host within, but listens on a socket of this one."""
    with await kubelet_socket(place.address) as listener:
        number = listener.fileno()
        command = host.command([*arguments, f"--listen-fd={number}"])
        await keep_running(command, log, name=AGENT, descriptors=(number,), patience=patience)
