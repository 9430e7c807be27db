"""What the service controller would do now, and what no Service owns any more: `lb plan` and `lb gc`.

Both only read until they are told to apply. They work on any cluster, beside a running controller.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from cloudk8s.client.interface import Client, ListOptions, Object, Resource
from cloudk8s.client.objects import finalizers_of, is_deleting, key_of, name_of, namespace_of, uid_of
from cloudk8s.client.resources import ENDPOINT_SLICES, NODES, SERVICES
from cloudk8s.cloud.controllers.node_reference import node_ref
from cloudk8s.cloud.controllers.service_calls import ServiceCalls
from cloudk8s.cloud.controllers.service_nodes import Selector, select
from cloudk8s.cloud.controllers.service_request import FINALIZER, service_key, wants_load_balancer
from cloudk8s.cloud.controllers.service_targets import pod_targets, services_of
from cloudk8s.cloud.directory import AttachedCloud, CloudDirectory
from cloudk8s.cloud.interface import PlansLoadBalancers
from cloudk8s.cloud.lookup import InstanceLookup
from cloudk8s.cloud.model.instance import NodeRef
from cloudk8s.cloud.model.load_balancer import LoadBalancerState, PodTarget, ServiceKey
from cloudk8s.cloud.stack.plan import Plan
from cloudk8s.errors import CloudError

PAGE = 500


@dataclass(frozen=True, slots=True)
class ServicePlan:
    """What would be done for one Service. One of `plan`, `note` and `error` says it."""

    service: ServiceKey
    cloud: str = ""
    plan: Plan | None = None
    note: str = ""
    error: str = ""

    @property
    def has_changes(self) -> bool:
        """Whether anything would be changed, as far as the provider can say."""
        return bool(self.plan and not self.plan.is_empty) or self.note.startswith("would")

    def as_dict(self) -> dict[str, Any]:
        """The JSON form, for `--output json`."""
        service = {"namespace": self.service.namespace, "name": self.service.name, "uid": self.service.uid}
        entry: dict[str, Any] = {"service": service, "cloud": self.cloud, "changes": self.has_changes}
        if self.plan is not None:
            entry["plan"] = self.plan.as_dict()
        return entry | {name: text for name in ("note", "error") if (text := getattr(self, name))}

    def __str__(self) -> str:
        return str(self.plan) if self.plan else f"{self.service}: {self.error or self.note}"


@dataclass(frozen=True, slots=True)
class Orphan:
    """Something that a cloud holds for a Service that does not exist, or wants no load balancer."""

    cloud: str
    state: LoadBalancerState
    reason: str

    def as_dict(self) -> dict[str, Any]:
        service = self.state.service
        return {
            "cloud": self.cloud, "reason": self.reason, "parts": list(self.state.leftovers),
            "service": {"namespace": service.namespace, "name": service.name, "uid": service.uid},
            "ingress": [entry.hostname or entry.ip for entry in self.state.status.ingress],
        }  # fmt: skip

    def __str__(self) -> str:
        where = ", ".join(entry.hostname or entry.ip for entry in self.state.status.ingress)
        what = where or ", ".join(self.state.leftovers) or "a load balancer"
        return f"{self.cloud}: {what} of {self.state.service} ({self.state.service.uid}): {self.reason}"


async def plan_load_balancers(
    client: Client, directory: CloudDirectory, lookup: InstanceLookup, *, cluster: str, namespace: str = "",
    name: str = "",
) -> Sequence[ServicePlan]:  # fmt: skip
    """A plan for every Service that wants a load balancer (of a namespace, or one), ordered by name. Reads only."""
    services = [
        service
        for service in await _all(client, SERVICES, namespace)
        if wants_load_balancer(service) and not is_deleting(service) and name in ("", name_of(service))
    ]
    targets = await _Targets.read(client, directory, lookup)
    calls = ServiceCalls(targets, cluster=cluster)
    plans = await asyncio.gather(*(_plan(service, directory, calls) for service in sorted(services, key=key_of)))
    return list(plans)


async def find_orphans(client: Client, directory: CloudDirectory) -> Sequence[Orphan]:
    """What clouds hold for nobody. Clouds are asked first: what they hold then had its Service before that.

    Raises CloudError where a cloud can't be read: nothing can be said then.
    """
    able = [cloud for cloud in directory.clouds if cloud.load_balancers is not None]
    owned = await asyncio.gather(*(_owned(cloud) for cloud in able))
    services = {uid_of(service): service for service in await _all(client, SERVICES)}
    return [
        Orphan(cloud.name, state, reason)
        for cloud, states in zip(able, owned, strict=True)
        for state in states
        if (reason := _why_orphan(services.get(state.service.uid)))
    ]


async def remove_orphans(directory: CloudDirectory, orphans: Sequence[Orphan]) -> Mapping[str, CloudError]:
    """Delete what was found; errors by Service UID. Safe to repeat."""
    failed: dict[str, CloudError] = {}

    async def one(orphan: Orphan) -> None:
        cloud = directory.get(orphan.cloud)
        assert cloud is not None
        assert cloud.load_balancers is not None
        key = orphan.state.service
        try:
            await cloud.calls.run(("service", key.uid), cloud.load_balancers.delete, key)
        except CloudError as error:
            failed[key.uid] = error

    await asyncio.gather(*(one(orphan) for orphan in orphans))
    return failed


async def _plan(service: Object, directory: CloudDirectory, calls: ServiceCalls) -> ServicePlan:
    key = service_key(service)
    cloud_name = ""
    try:
        cloud = directory.for_service(service)
        if cloud is None:
            return ServicePlan(key, note="another controller's, by its loadBalancerClass")
        cloud_name = cloud.name
        request = await calls.request(service, cloud)
        planner: object = cloud.load_balancers
        if isinstance(planner, PlansLoadBalancers):
            plan = await cloud.calls.run(("service", key.uid), planner.plan, request)
            return ServicePlan(key, cloud_name, plan)
        state = (await calls.describe(cloud, [key])).get(key.uid)
    except CloudError as error:
        return ServicePlan(key, cloud_name, error=str(error))
    if state is None:
        return ServicePlan(key, cloud_name, note="would be made")
    same = (state.digest, state.targets_digest) == (request.digest, request.targets_digest)
    return ServicePlan(key, cloud_name, note="nothing to do" if same else "would be ensured")


async def _owned(cloud: AttachedCloud) -> Sequence[LoadBalancerState]:
    assert cloud.load_balancers is not None
    return await cloud.calls.run(None, cloud.load_balancers.list_owned)


def _why_orphan(service: Object | None) -> str:
    """Why nobody owns it; empty where somebody does. A finalizer means that a controller is at it."""
    if service is None:
        return "the Service does not exist"
    if not wants_load_balancer(service) and FINALIZER not in finalizers_of(service):
        return "the Service is not of type LoadBalancer"
    return ""


async def _all(client: Client, resource: Resource, namespace: str = "") -> list[Object]:
    found: list[Object] = []
    token = ""
    while True:
        options = ListOptions(limit=PAGE, continue_token=token)
        page = await client.list(resource, namespace=namespace, options=options)
        found += page.items
        token = page.continue_token
        if not token:
            return found


@dataclass(frozen=True, slots=True)
class _Targets:
    """Members from one reading of the API."""

    owned: Mapping[str, Sequence[Object]]
    slices: Mapping[str, Sequence[Object]] = field(default_factory=dict)

    @staticmethod
    async def read(client: Client, directory: CloudDirectory, lookup: InstanceLookup) -> _Targets:
        nodes = await _all(client, NODES)
        by_service: dict[str, list[Object]] = {}
        for entry in await _all(client, ENDPOINT_SLICES):
            for name in services_of(entry):
                by_service.setdefault(name, []).append(entry)
        if len(directory.clouds) == 1:
            return _Targets({directory.clouds[0].name: nodes}, by_service)
        owners = await lookup.clouds_of([node_ref(node) for node in nodes])
        names = [cloud.name for cloud in directory.clouds]
        return _Targets({n: [node for node in nodes if owners.get(name_of(node)) == n] for n in names}, by_service)

    async def nodes(self, cloud: AttachedCloud, selector: Selector) -> tuple[NodeRef, ...]:
        return select(self.owned[cloud.name], selector)

    def pods(self, service: Object) -> tuple[PodTarget, ...]:
        slices = self.slices.get(f"{namespace_of(service)}/{name_of(service)}", ())
        return tuple(sorted(set(pod_targets(slices)), key=lambda pod: (pod.service_port, pod.address, pod.port)))
