"""Device plugins on a node: counted, handed out, kept over a restart of the agent."""

from __future__ import annotations

import asyncio
import shutil
import tempfile
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest

from cloudk8s.client.interface import DeleteOptions, Object
from cloudk8s.client.resources import NODES, PODS
from cloudk8s.drivers.service import DriverError
from cloudk8s.node.devices.manager import DeviceManager
from cloudk8s.node.devices.registration import DeviceRegistration
from cloudk8s.testing.fake_client import FakeClient
from tests.drivers.device_program import RESOURCE, DicePlugin, plugged_in, register
from tests.node.conftest import Node, clear, container


@pytest.fixture
async def node() -> AsyncIterator[Node]:
    directory = Path(tempfile.mkdtemp(prefix="dev"))
    node = Node(directory, FakeClient())
    await node.start()
    yield node
    await node.stop()
    await clear(directory)
    shutil.rmtree(directory)


def plugins(node: Node) -> Path:
    return node.settings.root_dir / "device-plugins"


async def until(test: Callable[[], Any]) -> Any:
    async with asyncio.timeout(20):
        while not (found := test()):
            await asyncio.sleep(0.01)
    return found


def amounts(node: Node) -> tuple[str, str]:
    status = (node.client.peek(NODES, "n1") or {})["status"]
    return status["capacity"].get(RESOURCE, ""), status["allocatable"].get(RESOURCE, "")


def user(script: str = "echo got $DICE; sleep 300", count: int = 1, **fields: Any) -> dict[str, Any]:
    return container(script, resources={"limits": {RESOURCE: str(count)}, "requests": {RESOURCE: str(count)}}, **fields)


async def delete(node: Node, name: str) -> None:
    await node.client.delete(PODS, name, namespace="default", options=DeleteOptions(grace_period_seconds=1))
    await node.until_gone(name)


async def logged(node: Node, pod: Object, name: str = "c") -> str:
    found: str = await until(lambda: node.log(pod, name))
    return found


async def test_devices_count_and_their_health_too(node: Node) -> None:
    plugin = DicePlugin()
    async with plugged_in(plugin, plugins(node)):
        await until(lambda: amounts(node) == ("3", "3"))
        await plugin.set_health("d2", is_healthy=False)
        await until(lambda: amounts(node) == ("3", "2"))
    await until(lambda: amounts(node) == ("3", "0"))


async def test_a_container_gets_what_the_plugin_gives(node: Node, tmp_path: Path) -> None:
    (tmp_path / "six").write_text("6")
    plugin = DicePlugin(files=[tmp_path / "six"])
    async with plugged_in(plugin, plugins(node)):
        await until(lambda: amounts(node) == ("3", "3"))
        pod = await node.run_pod(containers=[user(count=2)])
        await node.until_phase("p", "Running")
        assert await logged(node, pod) == "got d1,d2"
        assert [name for name, _ in plugin.calls] == ["Allocate", "PreStartContainer"]
        (found,) = await node.runtime.list_containers(pod_uid=pod["metadata"]["uid"])
        assert found.annotations["example.com/dice"] == "thrown"


async def test_what_one_pod_has_no_other_gets_until_it_is_gone(node: Node) -> None:
    async with plugged_in(DicePlugin(), plugins(node)):
        await until(lambda: amounts(node) == ("3", "3"))
        await node.run_pod("a", containers=[user(count=2)])
        await node.until_phase("a", "Running")
        await node.run_pod("b", containers=[user(count=2)])
        refused = await node.until_phase("b", "Failed")
        assert refused["status"]["reason"] == f"OutOf{RESOURCE}"
        second = await node.run_pod("c", containers=[user()])
        await node.until_phase("c", "Running")
        assert await logged(node, second) == "got d3"
        await delete(node, "a")
        third = await node.run_pod("d", containers=[user(count=2)])
        await node.until_phase("d", "Running")
        assert await logged(node, third) == "got d1,d2"


async def test_the_plugins_preference_is_heeded(node: Node) -> None:
    async with plugged_in(DicePlugin(preferred=["d3"]), plugins(node)):
        await until(lambda: amounts(node) == ("3", "3"))
        pod = await node.run_pod(containers=[user()])
        await node.until_phase("p", "Running")
        assert await logged(node, pod) == "got d3"


async def test_a_pod_whose_devices_fail_is_refused(node: Node) -> None:
    async with plugged_in(DicePlugin(is_broken=True), plugins(node)):
        await until(lambda: amounts(node) == ("3", "3"))
        await node.run_pod(containers=[user()])
        refused = await node.until_phase("p", "Failed")
        assert refused["status"]["reason"] == "UnexpectedAdmissionError"
        assert "the dice are cold" in refused["status"]["message"]


async def test_containers_take_over_from_init_containers(node: Node) -> None:
    async with plugged_in(DicePlugin(), plugins(node)):
        await until(lambda: amounts(node) == ("3", "3"))
        first = user("echo got $DICE", count=3, name="first")
        pod = await node.run_pod(initContainers=[first], containers=[user(count=3)])
        await node.until_phase("p", "Running")
        assert await logged(node, pod) == "got d1,d2,d3"


async def test_a_restarted_agent_knows_who_has_what(node: Node) -> None:
    plugin = DicePlugin()
    async with plugged_in(plugin, plugins(node)):
        await until(lambda: amounts(node) == ("3", "3"))
        await node.run_pod("a", containers=[user(count=2)])
        await node.until_phase("a", "Running")
        await node.stop()
        again = Node(node.settings.root_dir, node.client)
        await again.start()
        try:
            assert amounts(again)[1] == "0", "until its plugin is back"
            await register(plugins(again))
            await until(lambda: amounts(again) == ("3", "3"))
            pod = await again.run_pod("b", containers=[user()])
            await again.until_phase("b", "Running")
            assert await logged(again, pod) == "got d3"
        finally:
            await again.stop()


@pytest.mark.parametrize(
    ("fields", "words"),
    [({"version": "v1alpha"}, "is not supported"), ({"resource_name": "cpu"}, "invalid"),
     ({"resource_name": "kubernetes.io/dice"}, "invalid")],
)  # fmt: skip
async def test_a_registration_that_can_not_be_is_refused(node: Node, fields: dict[str, str], words: str) -> None:
    with pytest.raises(DriverError, match=words):
        await register(plugins(node), **fields)


async def test_a_long_path_is_no_obstacle(tmp_path: Path) -> None:
    directory = tmp_path / ("a" * 60) / ("b" * 60) / "device-plugins"
    manager = DeviceManager(directory, on_change=lambda: None)
    listening = asyncio.create_task(DeviceRegistration(directory, manager).run())
    await until(lambda: (directory / "kubelet.sock").exists() or listening.done())
    assert not listening.done()
    listening.cancel()
    await asyncio.gather(listening, return_exceptions=True)
