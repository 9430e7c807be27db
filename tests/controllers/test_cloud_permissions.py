"""The cloud controllers as the service accounts that upstream gives them, with no more rights than upstream's roles."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

from cloudk8s.client.events import EventRecorder
from cloudk8s.client.informer import Informers
from cloudk8s.client.interface import Client
from cloudk8s.client.resources import CORE_EVENTS, NODES, SERVICES
from cloudk8s.cloud.controllers.assembly import SERVICE_ACCOUNTS, attach, registrations
from cloudk8s.cloud.model.instance import Instance, NodeAddress
from cloudk8s.cloud.settings import CloudControllerSettings
from cloudk8s.controllers.interface import ControllerContext
from cloudk8s.controllers.runtime import run_controllers
from cloudk8s.controlplane.api_server import running_api_server
from cloudk8s.errors import NotFound
from cloudk8s.machinery.clock import SystemClock
from cloudk8s.settings import ClusterSettings
from cloudk8s.testing.cloud_harness import make_node, make_service
from cloudk8s.testing.recording_cloud import RecordingInstances, RecordingLoadBalancers, RecordingRoutes
from tests.controllers.test_permissions import Watchful, until

TAINT = {"key": "node.cloudprovider.kubernetes.io/uninitialized", "value": "true", "effect": "NoSchedule"}
QUICK = {
    "cluster_cidrs": ("10.244.0.0/16",), "allocate_node_cidrs": True, "newborn_grace": "0s",
    "node_monitor_period": "200ms", "route_reconciliation_period": "200ms",
}  # fmt: skip


async def test_upstreams_roles_are_enough_for_the_life_of_a_node_and_of_a_service(tmp_path: Path) -> None:
    refused: list[str] = []
    async with running_api_server(ClusterSettings(data_dir=tmp_path, port=0, store="memory://")) as server:
        client, root = server.client("system:test", "system:masters"), server.client("system:ccm", "system:masters")

        def client_of(name: str) -> Any:
            groups = ("system:serviceaccounts", "system:serviceaccounts:kube-system")
            account = SERVICE_ACCOUNTS[name]
            return Watchful(server.client(f"system:serviceaccount:kube-system:{account}", *groups), account, refused)

        clock, settings = SystemClock(), CloudControllerSettings.model_validate(QUICK)
        instances = RecordingInstances({"n1": Instance("present", "fake://1", addresses=(ADDRESS,))})
        contracts = {"instances": instances, "routes": RecordingRoutes(), "load_balancers": RecordingLoadBalancers()}
        clouds = [attach("fake", "fake", clock=clock, settings=settings, **contracts)]  # type: ignore[arg-type]
        events = EventRecorder(root, "cloud-controller-manager", clock=clock)
        async with Informers(root, clock=clock) as informers:
            context = ControllerContext(root, informers, events, clock, server.settings)
            work = run_controllers(context, registrations(clouds, settings, clock=clock), client_of=client_of)
            tasks = [asyncio.create_task(work), asyncio.create_task(events.run())]
            await live(client, instances)
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
        clouds[0].calls.close()
    assert sorted(set(refused)) == []


ADDRESS = NodeAddress("InternalIP", "10.0.0.1")


async def live(client: Client, instances: RecordingInstances) -> None:
    """A node is described, goes off and is deleted; a Service gets a load balancer and goes."""
    await client.create(NODES, make_node("n1", taints=[TAINT], ready=None))
    await client.create(SERVICES, make_service(), namespace="default")
    await until(lambda: shows(client, "RouteCreated"))
    await until(lambda: has_address(client))
    instances.instances["n1"] = Instance("shutdown")
    await until(lambda: shows(client, "cloudprovider.kubernetes.io/shutdown"))
    instances.instances["n1"] = Instance("gone")
    await client.delete(SERVICES, "web", namespace="default")
    await until(lambda: is_gone(client))
    await until(lambda: told(client, "DeletedLoadBalancer"))


async def shows(client: Client, word: str) -> bool:
    return word in str(await client.get(NODES, "n1"))


async def has_address(client: Client) -> bool:
    service = await client.get(SERVICES, "web", namespace="default")
    return bool(service["status"]["loadBalancer"].get("ingress"))


async def is_gone(client: Client) -> bool:
    try:
        await client.get(SERVICES, "web", namespace="default")
    except NotFound:
        return not (await client.list(NODES)).items
    return False


async def told(client: Client, reason: str) -> bool:
    return any(event["reason"] == reason for event in (await client.list(CORE_EVENTS)).items)
