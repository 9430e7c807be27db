"""The one place that puts the cloud controllers together."""

from __future__ import annotations

import ipaddress
import logging
from collections import Counter
from collections.abc import Mapping, Sequence
from concurrent.futures import Executor
from dataclasses import replace
from functools import partial

from cloudk8s.cloud.calls import CallLimits, Calls
from cloudk8s.cloud.controllers.node import CloudNodeController
from cloudk8s.cloud.controllers.node_lifecycle import CloudNodeLifecycleController
from cloudk8s.cloud.controllers.route import RouteController
from cloudk8s.cloud.controllers.service import ServiceController
from cloudk8s.cloud.directory import AttachedCloud, CloudController, CloudDirectory
from cloudk8s.cloud.interface import Instances, LoadBalancers, Routes
from cloudk8s.cloud.lookup import InstanceLookup
from cloudk8s.cloud.metrics import CloudMetrics, NoMetrics
from cloudk8s.cloud.settings import CloudControllerSettings
from cloudk8s.controllers.interface import Controller, ControllerContext
from cloudk8s.controllers.node_ipam.controller import NodeIPAMController
from cloudk8s.controllers.registry import ControllerFactory, Registration
from cloudk8s.errors import SettingsError
from cloudk8s.machinery.clock import Clock

NODE = "cloud-node-controller"
NODE_LIFECYCLE = "cloud-node-lifecycle-controller"
ROUTE = "node-route-controller"
SERVICE = "service-lb-controller"
IPAM = "node-ipam-controller"
ALIASES = {
    "cloud-node": NODE, "cloud-node-lifecycle": NODE_LIFECYCLE, "route": ROUTE, "service": SERVICE, "nodeipam": IPAM,
}  # fmt: skip
"""Upstream's older names, accepted by `--controllers`."""

SERVICE_ACCOUNTS = {
    NODE: "node-controller", NODE_LIFECYCLE: "node-controller", ROUTE: "route-controller",
    SERVICE: "service-controller", IPAM: "node-controller",
}  # fmt: skip
"""The account in `kube-system` that each works as, with `--use-service-account-credentials`; what providers bring
keeps the identity of the process."""

log = logging.getLogger(__name__)


def attach(
    name: str, provider: str, *, clock: Clock, settings: CloudControllerSettings, instances: Instances | None = None,
    routes: Routes | None = None, load_balancers: LoadBalancers | None = None, executor: Executor | None = None,
    metrics: CloudMetrics | None = None, controllers: Sequence[CloudController] = (),
) -> AttachedCloud:  # fmt: skip
    """A cloud ready to be called. `executor` runs its calls; None makes threads as needed."""
    limits = CallLimits(settings.call_concurrency, settings.call_deadline.total_seconds(), settings.calls_per_second)
    calls = Calls(name, limits, clock=clock, executor=executor, metrics=metrics)
    return AttachedCloud(name, provider, calls, instances, routes, load_balancers, tuple(controllers))


def build(
    context: ControllerContext, clouds: Sequence[AttachedCloud], settings: CloudControllerSettings
) -> Mapping[str, Controller]:
    """The controllers that these clouds have work for, by upstream's names, ready to `run`.

    Build them before the informers start. What no cloud offers is left out, with a line in the log. Raises
    SettingsError where the cluster's ranges can't be routed.
    """
    wanted = registrations(clouds, settings, clock=context.clock)
    return {registration.name: registration.factory(context) for registration in wanted}


def registrations(
    clouds: Sequence[AttachedCloud], settings: CloudControllerSettings, *, clock: Clock,
    metrics: CloudMetrics | None = None,
) -> Sequence[Registration]:  # fmt: skip
    """The same as `build`, for `cloudk8s.controllers.runtime.run_controllers`."""
    directory = CloudDirectory(clouds, default=settings.default_cloud)
    lookup = InstanceLookup(directory, clock=clock, window=settings.lookup_window)
    count = metrics or NoMetrics()
    found: dict[str, ControllerFactory] = {}
    if any(cloud.instances is not None for cloud in clouds):
        found[NODE] = lambda context: CloudNodeController(context, lookup, settings, metrics=count)
        found[NODE_LIFECYCLE] = lambda context: CloudNodeLifecycleController(context, lookup, directory, settings)
    if settings.configure_cloud_routes and any(cloud.routes is not None for cloud in clouds):
        check_cluster_cidrs(settings.cluster_cidrs)
        found[ROUTE] = lambda context: RouteController(context, lookup, directory, settings, metrics=count)
    if any(cloud.load_balancers is not None for cloud in clouds):
        found[SERVICE] = lambda context: ServiceController(context, lookup, directory, settings, metrics=count)
    if settings.allocate_node_cidrs:
        check_cluster_cidrs(settings.cluster_cidrs)
        found[IPAM] = lambda context: NodeIPAMController(allocating(context, settings))
    for name in (NODE, NODE_LIFECYCLE, ROUTE, SERVICE):
        if name not in found:
            log.info("%s does not run: no configured cloud has what it needs", name)
    return [Registration(name, factory) for name, factory in {**found, **brought(clouds)}.items()]


def brought(clouds: Sequence[AttachedCloud]) -> Mapping[str, ControllerFactory]:
    """What providers bring along; where two clouds bring the same, each name carries its cloud's."""
    pairs = [(cloud, entry) for cloud in clouds for entry in cloud.controllers]
    times = Counter(entry.name for _, entry in pairs)
    return {
        f"{entry.name}-{cloud.name}" if times[entry.name] > 1 else entry.name: partial(_bring, cloud, entry)
        for cloud, entry in pairs
    }


def _bring(cloud: AttachedCloud, entry: CloudController, context: ControllerContext) -> Controller:
    return entry.make(context, cloud.calls)


def allocating(context: ControllerContext, settings: CloudControllerSettings) -> ControllerContext:
    """The context in which node ranges are given out, in the controller manager's terms."""
    options = context.options.model_copy(
        update={
            "allocate_node_cidrs": True,
            "node_cidr_mask_size_ipv4": settings.node_cidr_mask_size_ipv4,
            "node_cidr_mask_size_ipv6": settings.node_cidr_mask_size_ipv6,
        }
    )
    pods, services = ",".join(settings.cluster_cidrs), ",".join(settings.service_cidrs)
    cluster = replace(context.settings, cluster_cidr=pods, service_cluster_ip_range=services)
    return replace(context, options=options, settings=cluster)


def check_cluster_cidrs(cidrs: Sequence[str]) -> None:
    """Raise SettingsError unless there is one range, or two of different families."""
    try:
        versions = [ipaddress.ip_network(cidr, strict=False).version for cidr in cidrs]
    except ValueError as error:
        raise SettingsError(f"cluster_cidrs: {error}") from error
    if len(versions) not in (1, 2) or len(set(versions)) < len(versions):
        raise SettingsError("cluster_cidrs: routes and node ranges need one range, or one of each address family")


def selected(found: Sequence[Registration], names: Sequence[str]) -> Sequence[Registration]:
    """What `--controllers` asks for: `*`, `name`, `-name`, the first match wins; older names are accepted."""
    wanted = [_canonical(name) for name in names]
    there = dict.fromkeys([*ALIASES.values(), *(registration.name for registration in found)])
    if unknown := [name for name in wanted if name.lstrip("-") not in (*there, "*")]:
        known = ", ".join(there)
        raise SettingsError(f"--controllers: there is no controller {unknown[0].lstrip('-')!r}; there is {known}")
    return [registration for registration in found if _is_selected(registration.name, wanted)]


def _is_selected(name: str, wanted: Sequence[str]) -> bool:
    for entry in wanted:
        if entry == name or entry == f"-{name}":
            return not entry.startswith("-")
    return "*" in wanted


def _canonical(name: str) -> str:
    sign = "-" if name.startswith("-") else ""
    bare = name.lstrip("-").strip()
    return sign + ALIASES.get(bare, bare)
