"""ResourceClaims on a node: readied by their drivers, given to containers by CDI, taken back."""

from __future__ import annotations

import asyncio
import shutil
import tempfile
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from cloudk8s.client.interface import DeleteOptions, Object
from cloudk8s.client.resources import CORE_EVENTS, PODS, RESOURCE_CLAIMS
from cloudk8s.machinery.clock import SystemClock
from cloudk8s.node.runtimes.host.isolation import NONE
from cloudk8s.node.runtimes.host.runtime import HostRuntime
from cloudk8s.testing.fake_client import FakeClient
from tests.drivers.dra_program import NAME, DiceDriver
from tests.drivers.dra_program import running as driver_running
from tests.drivers.grpc_program import Document
from tests.node.conftest import Node, clear, container


@pytest.fixture
async def node() -> AsyncIterator[Node]:
    directory = Path(tempfile.mkdtemp(prefix="dra"))
    cdi = directory / "cdi"
    runtime = HostRuntime(directory / "runtime", clock=SystemClock(), isolation=NONE, cdi_directories=[cdi])
    node = Node(directory, FakeClient(), runtime)
    await node.start()
    yield node
    await node.stop()
    await clear(directory)
    shutil.rmtree(directory)


@pytest.fixture
def driver(node: Node) -> DiceDriver:
    return DiceDriver(node.settings.root_dir / "cdi")


@asynccontextmanager
async def running(driver: DiceDriver, node: Node) -> AsyncIterator[None]:
    root, told = node.settings.root_dir, list[Document]()
    async with driver_running(driver, root / "dra.sock", root / "plugins_registry", told):
        await until(lambda: told)
        yield


async def until(test: Callable[[], Any]) -> Any:
    async with asyncio.timeout(20):
        while not (found := test()):
            await asyncio.sleep(0.01)
    return found


def claim(name: str = "my-die") -> Object:
    result = {"driver": NAME, "pool": "n1", "device": "die-0", "request": "die"}
    return {
        "apiVersion": "resource.k8s.io/v1",
        "kind": "ResourceClaim",
        "metadata": {"name": name, "namespace": "default"},
        "spec": {},
        "status": {"allocation": {"devices": {"results": [result]}}},
    }


async def start(node: Node, name: str = "p", request: str = "") -> Object:
    """A pod with the claim reserved for it, as the scheduler would have it."""
    wanted = {"name": "die", **({"request": request} if request else {})}
    user = container("echo $DICE $DIE; sleep 300", resources={"claims": [wanted]})
    pod = await node.run_pod(name, containers=[user], resourceClaims=[{"name": "die", "resourceClaimName": "my-die"}])
    await reserve(node, pod)
    return pod


async def reserve(node: Node, pod: Object) -> None:
    found = node.client.peek(RESOURCE_CLAIMS, "my-die", "default")
    assert found is not None
    reserved = [*(found["status"].get("reservedFor") or ()), {**pod["metadata"]}]
    patch = {"status": {"reservedFor": [{"name": each["name"], "uid": each["uid"]} for each in reserved]}}
    await node.client.patch(RESOURCE_CLAIMS, "my-die", patch, namespace="default", subresource="status")


async def delete(node: Node, name: str) -> None:
    await node.client.delete(PODS, name, namespace="default", options=DeleteOptions(grace_period_seconds=1))
    await node.until_gone(name)


async def test_a_container_gets_the_devices_of_its_claim(node: Node, driver: DiceDriver) -> None:
    node.client.add(claim())
    async with running(driver, node):
        pod = await start(node)
        await node.until_phase("p", "Running")
        assert await until(lambda: node.log(pod)) == "yes my-die"
        await delete(node, "p")
        assert driver.calls == [("prepare", "my-die"), ("unprepare", "my-die")]


async def test_a_claim_made_from_a_template_is_the_one_that_the_status_names(node: Node, driver: DiceDriver) -> None:
    node.client.add(claim())
    async with running(driver, node):
        user = container("echo $DICE $DIE; sleep 300", resources={"claims": [{"name": "die"}]})
        pod = await node.run_pod(containers=[user], resourceClaims=[{"name": "die", "resourceClaimTemplateName": "t"}])
        await reserve(node, pod)
        made = {"status": {"resourceClaimStatuses": [{"name": "die", "resourceClaimName": "my-die"}]}}
        await node.client.patch(PODS, "p", made, namespace="default", subresource="status")
        await node.until_phase("p", "Running")
        assert await until(lambda: node.log(pod)) == "yes my-die"


async def test_only_the_devices_of_the_request_are_given(node: Node, driver: DiceDriver) -> None:
    driver.requests = ["other"]
    node.client.add(claim())
    async with running(driver, node):
        pod = await start(node, request="die")
        await node.until_phase("p", "Running")
        await asyncio.sleep(0.2)
        assert node.log(pod) == ""


async def test_a_claim_stays_ready_while_another_pod_uses_it(node: Node, driver: DiceDriver) -> None:
    node.client.add(claim())
    async with running(driver, node):
        for name in ("a", "b"):
            await start(node, name)
            await node.until_phase(name, "Running")
        await delete(node, "a")
        assert driver.calls == [("prepare", "my-die")]
        await delete(node, "b")
        assert driver.calls[-1] == ("unprepare", "my-die")


async def test_a_failure_is_told_and_tried_again(node: Node, driver: DiceDriver) -> None:
    driver.error = "no dice"
    node.client.add(claim())
    async with running(driver, node):
        await start(node)
        words = "Failed to prepare dynamic resources: prepare resources of claim my-die: no dice"
        await until(lambda: words in [event["message"] for event in node.client.all(CORE_EVENTS)])
        driver.error = ""
        await node.until_phase("p", "Running")


async def test_a_restarted_agent_takes_back_what_the_one_before_readied(node: Node, driver: DiceDriver) -> None:
    node.client.add(claim())
    async with running(driver, node):
        await start(node)
        await node.until_phase("p", "Running")
        await node.stop()
        again = Node(node.settings.root_dir, node.client)
        await again.start()
        try:
            await delete(again, "p")
            assert driver.calls == [("prepare", "my-die"), ("unprepare", "my-die")]
        finally:
            await again.stop()
