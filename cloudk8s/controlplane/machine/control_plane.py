"""A machine of the control plane: API server, controllers, scheduler, DNS, cloud controllers, and a node of its own."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any

from cloudk8s.apiserver import kubeconfig
from cloudk8s.apiserver.kubeconfig import Access
from cloudk8s.apiserver.pki.profile import Profile
from cloudk8s.client.informer import Informers
from cloudk8s.client.interface import Client
from cloudk8s.client.resources import CONFIG_MAPS, NODES
from cloudk8s.cloud.controllers.assembly import SERVICE
from cloudk8s.cloud.controllers.node_reference import EXCLUDE
from cloudk8s.cloud.settings import CloudControllerSettings
from cloudk8s.controlplane.api_server import RunningApiServer, running_api_server
from cloudk8s.controlplane.background import background
from cloudk8s.controlplane.child import keep_running
from cloudk8s.controlplane.clouds import running_clouds
from cloudk8s.controlplane.controllers import running_controllers
from cloudk8s.controlplane.host.network import running_policies
from cloudk8s.controlplane.loop import settle
from cloudk8s.controlplane.machine.discovery import cluster_info
from cloudk8s.controlplane.machine.handover import Handover, take_over
from cloudk8s.controlplane.machine.manager import NAME as MANAGER
from cloudk8s.controlplane.machine.manager import keep_managing
from cloudk8s.controlplane.machine.node import agent_directory, node_settings, parts, proxy_options
from cloudk8s.controlplane.machine.rules import ensure_rules
from cloudk8s.controlplane.machine.seed import Seed
from cloudk8s.controlplane.machine.settings import ControlPlaneSettings, JoinConfiguration
from cloudk8s.controlplane.scheduler import running_scheduler
from cloudk8s.controlplane.signals import until_stopped
from cloudk8s.errors import AlreadyExists, NotFound
from cloudk8s.kernel.addresses import outgoing_address
from cloudk8s.machinery.clock import Clock, SystemClock
from cloudk8s.network.dns.assembly import DnsOptions, running_dns
from cloudk8s.network.dns.publication import Publication, cluster_ip_of, keep_published, publish
from cloudk8s.network.neighbours import KernelRoutes, Neighbours
from cloudk8s.network.proxy.assembly import RunningProxy, running_proxy
from cloudk8s.plugin.clouds import CloudEntry, CloudsFile
from cloudk8s.settings import ClusterSettings

CONTROL_PLANE_LABEL = "node-role.kubernetes.io/control-plane"
CONTROLLERS = ("*", "bootstrap-signer-controller", "token-cleaner-controller")


async def run_control_plane(settings: ControlPlaneSettings, directory: Path, *, report: Callable[[str], None]) -> None:
    """Run until SIGINT or SIGTERM, or until another machine takes over; this one then does nothing but wait."""
    clock, handover = SystemClock(), Handover(directory)
    stopped = asyncio.create_task(until_stopped(), name="signals")
    seed = Seed(bytes.fromhex(settings.seed))
    await asyncio.to_thread(seed.write, directory / "pki")
    if settings.predecessor:
        report(f"waiting for {settings.predecessor} to hand over")
        taking = asyncio.create_task(take_over(settings.predecessor, seed, settings.cluster, directory, clock=clock))
        await asyncio.wait({stopped, taking}, return_when=asyncio.FIRST_COMPLETED)
        if stopped.done():
            taking.cancel()
            return
        taking.result()
    asked = asyncio.create_task(handover.asked.wait(), name="handover")
    async with AsyncExitStack() as stack:
        async with running_control_plane(settings, directory, clock=clock) as server:
            await stack.enter_async_context(handover.listening())
            settle()
            report(f"control plane of {settings.cluster} runs at {settings.endpoint or server.url}")
            await asyncio.wait({stopped, asked}, return_when=asyncio.FIRST_COMPLETED)
            report("stopping")
        handover.closed.set()
        if not stopped.done():
            report("another machine is the control plane now")
        await stopped


@asynccontextmanager
async def running_control_plane(
    settings: ControlPlaneSettings, directory: Path, *, clock: Clock
) -> AsyncIterator[RunningApiServer]:
    """Start everything, in the order of what needs what."""
    own, joined = outgoing_address() or "127.0.0.1", joined_by(settings)
    async with AsyncExitStack() as stack:
        server = await stack.enter_async_context(
            running_api_server(cluster_settings(settings, directory, own), clock=clock)
        )
        administrator = await introduced(server, settings, own)
        changes = {"allocate_node_cidrs": True}
        context = await stack.enter_async_context(
            running_controllers(server, CONTROLLERS, clock=clock, changes=changes)
        )
        await stack.enter_async_context(running_scheduler(server, context.informers, clock=clock))
        publication = await stack.enter_async_context(dns_here(context.informers, settings, own, clock=clock))
        await publish(administrator, publication)
        kept = keep_published(administrator, publication, clock=clock)
        await stack.enter_async_context(background(kept, names=("dns service",)))
        proxy = await stack.enter_async_context(network_here(context.informers, settings, joined, clock=clock))
        clouds = clouds_of(settings, directory, proxy.health_port)
        if clouds.clouds:
            which = ("*",) if settings.clouds else (SERVICE,)
            await stack.enter_async_context(running_clouds(server, context, clouds, controllers=which))
        await stack.enter_async_context(node_here(server, settings, joined, directory, clock=clock))
        if settings.manages is not None:
            managing = keep_managing(settings, directory)
            await stack.enter_async_context(background(managing, names=(MANAGER,)))
        yield server


def joined_by(settings: ControlPlaneSettings) -> JoinConfiguration:
    """What this machine's node has to know, as the API would tell a worker."""
    dns_address = cluster_ip_of(parts(settings.service_cidr)[0])
    return JoinConfiguration(**settings.model_dump(include=set(JoinConfiguration.model_fields)), dns=dns_address)


async def introduced(server: RunningApiServer, settings: ControlPlaneSettings, own: str) -> Client:
    """An administrator's client, once machines can find the cluster and have their rules."""
    administrator = server.client("cloudk8s-machine", "system:masters")
    await ensure_rules(administrator)
    await _publish_cluster_info(administrator, server, settings.endpoint or f"{own}:{server.port}")
    return administrator


@asynccontextmanager
async def network_here(
    informers: Informers, settings: ControlPlaneSettings, joined: JoinConfiguration, *, clock: Clock
) -> AsyncIterator[RunningProxy]:
    """Services, policies and routes of this machine."""
    options = proxy_options(joined, settings.name)
    async with AsyncExitStack() as stack:
        proxy = await stack.enter_async_context(running_proxy(informers, options, clock=clock))
        await stack.enter_async_context(running_policies(options, informers, clock=clock))
        if settings.routes == "machines":
            routes = Neighbours(informers, KernelRoutes(), own=settings.name, clock=clock)
            await stack.enter_async_context(background(routes.run(), names=("routes",)))
        yield proxy


@asynccontextmanager
async def node_here(
    server: RunningApiServer,
    settings: ControlPlaneSettings,
    joined: JoinConfiguration,
    directory: Path,
    *,
    clock: Clock,
) -> AsyncIterator[None]:
    """This machine as a node, with its role."""
    agent = keep_running(_agent(server, joined, settings.name, directory), directory / "agent.log")
    administrator = server.client("cloudk8s-machine", "system:masters")
    marking = _mark(administrator, settings, clock=clock)
    async with background(agent, marking, names=("node agent", "node role")):
        yield


def cluster_settings(settings: ControlPlaneSettings, directory: Path, own: str) -> ClusterSettings:
    """Those of the API server on this machine."""
    hosts = [settings.name, own, settings.endpoint.rpartition(":")[0].strip("[]")]
    return ClusterSettings(
        name=settings.cluster, data_dir=directory, bind="0.0.0.0", port=settings.port, cluster_domain=settings.domain,
        kubernetes_version=settings.minor, service_cluster_ip_range=settings.service_cidr,
        cluster_cidr=settings.pod_cidr, certificate_hosts=tuple(dict.fromkeys(host for host in hosts if host)),
    )  # fmt: skip


async def _publish_cluster_info(client: Client, server: RunningApiServer, endpoint: str) -> None:
    authority = await asyncio.to_thread(server.pki.ca.certificate.read_bytes)
    info = cluster_info(f"https://{endpoint}", authority)
    try:
        await client.create(CONFIG_MAPS, info, namespace=info["metadata"]["namespace"])
    except AlreadyExists:
        name, namespace = info["metadata"]["name"], info["metadata"]["namespace"]
        await client.patch(CONFIG_MAPS, name, {"data": info["data"]}, namespace=namespace)


@asynccontextmanager
async def dns_here(
    informers: Informers, settings: ControlPlaneSettings, own: str, *, port: int = 0, clock: Clock
) -> AsyncIterator[Publication]:
    """The cluster's names, for machines and pods; tells where."""
    ranges = (*parts(settings.pod_cidr), *parts(settings.service_cidr), settings.machine_cidr, f"{own}/32")
    options = DnsOptions(address=own, port=port, domain=settings.domain, clients=(*ranges, "127.0.0.0/8"))
    async with running_dns(informers, options, clock=clock) as dns:
        yield Publication(cluster_ip_of(parts(settings.service_cidr)[0]), own, dns.port)


def clouds_of(settings: ControlPlaneSettings, directory: Path, health_port: int | None) -> CloudsFile:
    """The clouds of user data; a machine that provides load balancers itself is one."""
    entries = [CloudEntry.model_validate(entry) for entry in settings.clouds]
    if settings.load_balancer_range:
        state = Path(settings.load_balancer_state or directory / "cloud" / "local.json")
        own: dict[str, Any] = {"load_balancer_range": settings.load_balancer_range, "state_file": state}
        own |= {"health_port": health_port} if health_port else {}
        entries.append(CloudEntry(name="local", provider="local", settings=own))
    controllers = CloudControllerSettings(cluster=settings.cluster, cluster_cidrs=parts(settings.pod_cidr))
    return CloudsFile(clouds=tuple(entries), controllers=controllers)


def _agent(server: RunningApiServer, cluster: JoinConfiguration, name: str, directory: Path) -> list[str]:
    """The command line of the node agent, which acts as this node and no more."""
    pair = server.pki.issue(Profile(f"node-{name}", f"system:node:{name}", ("system:nodes",)))
    authority = server.pki.ca.certificate
    access = Access(name, server.url, authority.read_bytes(), pair.certificate.read_bytes(), pair.key.read_bytes())
    path = agent_directory(directory, name) / "kubelet.conf"
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    kubeconfig.write(path, access)
    node = node_settings(cluster, name, directory, authority)
    taints = [f"{taint['key']}={taint.get('value', '')}:{taint['effect']}" for taint in node.register_with_taints]
    options: Mapping[str, object] = {
        "kubeconfig": path, "root-dir": node.root_dir, "hostname-override": name, "node-ip": node.node_ip,
        "address": node.address, "port": node.port, "client-ca-file": authority, "cluster-cidr": node.cluster_cidr,
        "cluster-dns": ",".join(node.cluster_dns), "cluster-domain": node.cluster_domain,
        "runtime": cluster.node.runtime,
        "kubernetes-version": cluster.minor, "cloud-provider": node.cloud_provider,
        "node-labels": ",".join(f"{key}={value}" for key, value in node.node_labels.items()),
        "register-with-taints": ",".join(taints),
    }  # fmt: skip
    flags = [f"--{key}={value}" for key, value in options.items() if value != ""]
    return [sys.executable, "-m", "cloudk8s", "kubelet", *flags, "--stop-with-input"]


async def _mark(client: Client, settings: ControlPlaneSettings, *, clock: Clock) -> None:
    """Give the node its role, which it may not give itself; one that is tainted takes no traffic for others."""
    labels = {CONTROL_PLANE_LABEL: "", **({EXCLUDE: ""} if settings.node.taints else {})}
    while True:
        try:
            await client.patch(NODES, settings.name, {"metadata": {"labels": labels}})
        except NotFound:
            await clock.sleep(0.5)
        else:
            return
