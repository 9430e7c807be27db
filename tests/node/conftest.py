"""A node with the host runtime and an API server in memory."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest

from cloudk8s.client.interface import Object
from cloudk8s.client.resources import CORE_EVENTS, PODS
from cloudk8s.machinery.clock import SystemClock
from cloudk8s.node.agent import NodeAgent
from cloudk8s.node.runtimes.host.isolation import NONE
from cloudk8s.node.runtimes.host.runtime import HostRuntime
from cloudk8s.node.runtimes.interface import Runtime
from cloudk8s.node.settings import NodeSettings
from cloudk8s.testing.fake_client import FakeClient

PATIENCE = 20.0


class Node:
    """A running agent, and what tests do with its cluster."""

    def __init__(
        self, directory: Path, client: FakeClient, runtime: Runtime | None = None, **settings: Any
    ) -> None:  # fmt: skip
        self.client = client
        self.settings = NodeSettings(
            node_name="n1",
            root_dir=directory,
            node_ip="127.0.0.1",
            port=0,
            **{"cluster_dns": ("10.96.0.10",), **settings},
        )
        self.runtime = runtime or HostRuntime(directory / "runtime", clock=SystemClock(), isolation=NONE)
        self.agent = NodeAgent(self.settings, client, self.runtime, SystemClock(), authorize=False)
        self._task: asyncio.Task[None] | None = None

    async def start(self) -> None:
        self._task = asyncio.create_task(self.agent.run())
        running = asyncio.create_task(self.agent.is_running.wait())
        await asyncio.wait({self._task, running}, return_when=asyncio.FIRST_COMPLETED, timeout=PATIENCE)
        if self._task.done():
            self._task.result()

    async def stop(self) -> None:
        assert self._task is not None
        self._task.cancel()
        await asyncio.gather(self._task, return_exceptions=True)

    async def run_pod(self, name: str = "p", *, metadata: dict[str, Any] | None = None, **spec: Any) -> Object:
        pod = pod_object(name, **spec)
        pod["metadata"] |= metadata or {}
        return await self.client.create(PODS, pod, namespace="default")

    async def until(self, name: str, test: Callable[[Object], Any]) -> Object:
        """The pod once `test` holds."""
        last: Object | None = None
        try:
            async with asyncio.timeout(PATIENCE):
                while (last := self.client.peek(PODS, name, "default")) is None or not test(last):
                    await asyncio.sleep(0.01)
        except TimeoutError:
            pytest.fail(f"the pod did not get there; it is {last}")
        return last

    async def until_phase(self, name: str, phase: str) -> Object:
        return await self.until(name, lambda pod: pod.get("status", {}).get("phase") == phase)

    async def until_gone(self, name: str) -> None:
        async with asyncio.timeout(PATIENCE):
            while self.client.peek(PODS, name, "default") is not None:
                await asyncio.sleep(0.01)

    async def events(self, name: str, *wanted: str) -> dict[str, str]:
        """Notes of a pod's or the node's events by reason, once all of the wanted ones are there."""
        found: dict[str, str] = {}
        try:
            async with asyncio.timeout(PATIENCE):
                while not set(wanted) <= found.keys():
                    await asyncio.sleep(0.02)
                    events = [each for each in self.client.all(CORE_EVENTS) if each["involvedObject"]["name"] == name]
                    found = {each["reason"]: each["message"] for each in events}
        except TimeoutError:
            pytest.fail(f"{set(wanted) - found.keys()} were not told; only {found}")
        return found

    def log(self, pod: Object, container: str = "c", attempt: int = 0) -> str:
        metadata = pod["metadata"]
        directory = f"{metadata['namespace']}_{metadata['name']}_{metadata['uid']}"
        lines = (self.settings.logs_dir / directory / container / f"{attempt}.log").read_text().splitlines()
        return "\n".join(line.split(" ", 3)[3] for line in lines)


def pod_object(name: str = "p", **spec: Any) -> Object:
    spec = {"nodeName": "n1", "restartPolicy": "Always", "terminationGracePeriodSeconds": 1} | spec
    spec.setdefault("containers", [container("sleep 300")])
    return {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": name, "namespace": "default"}, "spec": spec}


def container(script: str, *, name: str = "c", **fields: Any) -> dict[str, Any]:
    return {"name": name, "image": "host", "command": ["sh", "-c", script], **fields}


def condition(pod: Object, kind: str) -> dict[str, Any]:
    return next((each for each in pod["status"].get("conditions") or () if each["type"] == kind), {})


@pytest.fixture
async def node(tmp_path: Path) -> AsyncIterator[Node]:
    client = FakeClient()
    node = Node(tmp_path / "node", client)
    await node.start()
    yield node
    await node.stop()
    await clear(tmp_path / "node")


async def clear(directory: Path) -> None:
    """End what the agent left running, as it should."""
    runtime = HostRuntime(directory / "runtime", clock=SystemClock(), isolation=NONE)
    await runtime.start()
    for sandbox in await runtime.list_sandboxes():
        await runtime.remove_sandbox(sandbox.id)
    await runtime.close()
