"""The scheduler with a real API server: in its process, and in processes of its own."""

from __future__ import annotations

import asyncio
import os
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from cloudk8s.apiserver import kubeconfig
from cloudk8s.client.interface import Client, Object
from cloudk8s.client.objects import condition, spec_of
from cloudk8s.client.resources import (
    DEVICE_CLASSES,
    EVENTS,
    LEASES,
    NODES,
    PODS,
    PRIORITY_CLASSES,
    RESOURCE_CLAIMS,
    RESOURCE_SLICES,
    SERVICE_ACCOUNTS,
)
from cloudk8s.controlplane.api_server import RunningApiServer, running_api_server
from cloudk8s.controlplane.controllers import running_controllers
from cloudk8s.controlplane.scheduler import running_scheduler
from cloudk8s.errors import NotFound
from cloudk8s.machinery.clock import SystemClock
from cloudk8s.settings import ClusterSettings

ROOT = Path(__file__).parents[2]
TIMINGS = (
    "--leader-elect-lease-duration=3s", "--leader-elect-renew-deadline=2s", "--leader-elect-retry-period=500ms",
)  # fmt: skip


@dataclass(frozen=True)
class Server:
    running: RunningApiServer
    client: Client
    kubeconfig: Path


@pytest.fixture
async def server(tmp_path: Path) -> AsyncIterator[Server]:
    settings = ClusterSettings(data_dir=tmp_path / "data", port=0, store="memory://")
    async with running_api_server(settings) as running:
        path = tmp_path / "admin.conf"
        kubeconfig.write(path, running.access())
        client = running.client("system:test", "system:masters")
        await client.create(SERVICE_ACCOUNTS, {"metadata": {"name": "default"}}, namespace="default")
        yield Server(running, client, path)


@asynccontextmanager
async def in_process(server: Server) -> AsyncIterator[None]:
    clock = SystemClock()
    async with (
        running_controllers(server.running, ["serviceaccount"], clock=clock) as context,
        running_scheduler(server.running, context.informers, clock=clock),
    ):
        yield


@asynccontextmanager
async def process(server: Server, *flags: str) -> AsyncIterator[asyncio.subprocess.Process]:
    path = os.pathsep.join(map(str, (ROOT, ROOT / "providers", ROOT / "plugins")))
    command = [
        sys.executable,
        "-m",
        "cloudk8s",
        "scheduler",
        "--kubeconfig",
        str(server.kubeconfig),
        "--secure-port",
        "0",
        *flags,
    ]
    child = await asyncio.create_subprocess_exec(
        *command, env=os.environ | {"PYTHONPATH": path}, stderr=asyncio.subprocess.PIPE
    )
    try:
        yield child
    finally:
        if child.returncode is None:
            child.kill()
        await child.wait()


async def add_node(client: Client, name: str, cpu: str = "4") -> None:
    amounts = {"cpu": cpu, "memory": "8Gi", "pods": "110"}
    await client.create(NODES, {"metadata": {"name": name, "labels": {"kubernetes.io/hostname": name}}})
    await client.patch(NODES, name, {"status": {"allocatable": amounts, "capacity": amounts}}, subresource="status")
    await client.patch(NODES, name, {"spec": {"taints": None}})


def pod(name: str, cpu: str = "100m", **spec: object) -> Object:
    container = {"name": "c", "image": "i", "resources": {"requests": {"cpu": cpu}}}
    return {"metadata": {"name": name}, "spec": {"containers": [container], "terminationGracePeriodSeconds": 0, **spec}}


async def until_bound(client: Client, *names: str) -> dict[str, str]:
    async with asyncio.timeout(30):
        while True:
            items = (await client.list(PODS, namespace="default")).items
            found = {item["metadata"]["name"]: spec_of(item).get("nodeName") for item in items}
            if all(found.get(name) for name in names):
                return {name: str(found[name]) for name in names}
            await asyncio.sleep(0.02)


async def holder(client: Client) -> str:
    try:
        lease = await client.get(LEASES, "kube-scheduler", namespace="kube-system")
    except NotFound:
        return ""
    return str(spec_of(lease).get("holderIdentity") or "")


async def test_pods_are_bound_by_the_schedulers_own_identity(server: Server) -> None:
    await add_node(server.client, "a")
    async with in_process(server):
        await server.client.create(PODS, pod("p"), namespace="default")
        assert await until_bound(server.client, "p") == {"p": "a"}
        found = await server.client.get(PODS, "p", namespace="default")
        assert (condition(found, "PodScheduled") or {})["status"] == "True"
        async with asyncio.timeout(10):
            while not (events := (await server.client.list(EVENTS, namespace="default")).items):
                await asyncio.sleep(0.02)
        assert (events[0]["reason"], events[0]["reportingController"]) == ("Scheduled", "default-scheduler")


async def test_parts_and_shares_of_devices_are_given_out(server: Server) -> None:
    client = server.client
    await add_node(client, "a")
    pool = {"name": "p", "generation": 1, "resourceSliceCount": 2}
    there: Object = {"driver": "x.example", "pool": pool, "nodeName": "a"}
    memory: Object = {"memory": {"value": "40Gi"}}
    part: Object = {"consumesCounters": [{"counterSet": "gpu", "counters": memory}]}
    card: Object = {
        "name": "card", "allowMultipleAllocations": True,
        "capacity": {"bandwidth": {"value": "10", "requestPolicy": {"default": "1", "validRange": {"min": "1"}}}},
    }  # fmt: skip
    counters = {**there, "sharedCounters": [{"name": "gpu", "counters": memory}]}
    devices = {**there, "devices": [{"name": "one", **part}, {"name": "two", **part}, card]}
    for name, spec in (("counters", counters), ("devices", devices)):
        await client.create(RESOURCE_SLICES, {"metadata": {"name": name}, "spec": spec})
    await client.create(DEVICE_CLASSES, {"metadata": {"name": "x"}, "spec": {}})
    wanted: Object = {
        "part": {"selectors": [{"cel": {"expression": "!device.allowMultipleAllocations"}}]},
        "share": {"capacity": {"requests": {"bandwidth": "4"}}, "selectors": [
            {"cel": {"expression": "device.allowMultipleAllocations"}}
        ]},
    }  # fmt: skip
    async with in_process(server):
        for name in ("part-1", "part-2", "share-1", "share-2", "share-3"):
            exactly = {"deviceClassName": "x", **wanted[name.partition("-")[0]]}
            spec = {"devices": {"requests": [{"name": "r", "exactly": exactly}]}}
            await client.create(RESOURCE_CLAIMS, {"metadata": {"name": name}, "spec": spec}, namespace="default")
            claims = [{"name": "c", "resourceClaimName": name}]
            await client.create(PODS, pod(name, resourceClaims=claims), namespace="default")
        await until_scheduled(client, 3)
    found = {item["metadata"]["name"]: item for item in (await client.list(RESOURCE_CLAIMS, namespace="default")).items}
    results = [
        result
        for claim in found.values()
        for result in ((claim.get("status") or {}).get("allocation") or {}).get("devices", {}).get("results", ())
    ]
    assert sorted(result["device"] for result in results) in (["card", "card", "one"], ["card", "card", "two"])
    assert [result["consumedCapacity"] for result in results if "shareID" in result] == [{"bandwidth": "4"}] * 2


async def until_scheduled(client: Client, count: int) -> None:
    """Until so many pods have a node, and the scheduler has said of all others that they have none."""
    async with asyncio.timeout(30):
        while True:
            pods = (await client.list(PODS, namespace="default")).items
            told = [condition(each, "PodScheduled") for each in pods]
            if all(told) and sum(bool(spec_of(each).get("nodeName")) for each in pods) == count:
                return
            await asyncio.sleep(0.02)


async def test_a_failure_is_written_and_preemption_makes_room(server: Server) -> None:
    client = server.client
    await add_node(client, "a", cpu="1")
    await client.create(PRIORITY_CLASSES, {"metadata": {"name": "high"}, "value": 1000})
    async with in_process(server):
        await client.create(PODS, pod("low", "1"), namespace="default")
        await until_bound(client, "low")
        await client.create(PODS, pod("waiting", "1"), namespace="default")
        async with asyncio.timeout(10):
            while (found := condition(await client.get(PODS, "waiting", namespace="default"), "PodScheduled")) is None:
                await asyncio.sleep(0.02)
        assert found["reason"] == "Unschedulable"
        assert found["message"].startswith("0/1 nodes are available: 1 Insufficient cpu. preemption: 0/1 nodes")
        await client.create(PODS, pod("high", "1", priorityClassName="high"), namespace="default")
        assert await until_bound(client, "high") == {"high": "a"}


async def test_a_second_scheduler_takes_over_within_the_lease(server: Server) -> None:
    client = server.client
    await add_node(client, "a")
    async with process(server, *TIMINGS) as first:
        await client.create(PODS, pod("p"), namespace="default")
        await until_bound(client, "p")
        leader = await holder(client)
        async with process(server, *TIMINGS):
            first.kill()
            started = time.monotonic()
            async with asyncio.timeout(30):
                while await holder(client) in ("", leader):
                    await asyncio.sleep(0.05)
            assert time.monotonic() - started < 12, "the lease is 3 s, and the second may still have been starting"
            await client.create(PODS, pod("q"), namespace="default")
            assert await until_bound(client, "q") == {"q": "a"}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("profile: []", "profile: Extra inputs are not permitted; did you mean 'profiles'?"),
        (
            "profiles: [{plugins: {multiPoint: {enabled: [{name: Interferance}]}}}]",
            "there is no scheduler plugin 'Interferance'; did you mean 'Interference'?",
        ),
    ],
)
async def test_a_mistake_in_the_configuration_is_the_users(
    server: Server, tmp_path: Path, text: str, message: str
) -> None:
    path = tmp_path / "scheduler.yaml"
    path.write_text(f"apiVersion: kubescheduler.config.k8s.io/v1\n{text}\n")
    async with process(server, "--config", str(path)) as child:
        _, stderr = await child.communicate()
        assert child.returncode == 2
        assert message in stderr.decode()
        assert "Traceback" not in stderr.decode()
