"""A node that shuts down: its pods end in order, it says so, and takes nothing more."""

from __future__ import annotations

import asyncio
import os
import shutil
import tempfile
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from cloudk8s.client.resources import NODES
from cloudk8s.machinery.clock import SystemClock
from cloudk8s.node.agent import NodeAgent
from cloudk8s.node.settings import NodeSettings
from cloudk8s.node.shutdown.inhibitor import Inhibitor
from cloudk8s.node.shutdown.sequence import Phase, ShutdownSequence, phases_of
from cloudk8s.testing.fake_client import FakeClient
from tests.node.conftest import Node, clear, condition, container

TRAP = "trap 'date +%s%N; exit 0' TERM; echo ready; while :; do sleep 0.05; done"


@pytest.fixture
async def node(tmp_path: Path) -> AsyncIterator[Node]:
    directory = Path(tempfile.mkdtemp(prefix="down"))
    node = Node(directory, FakeClient())
    settings = replace(node.settings, shutdown_grace_seconds=8, shutdown_grace_critical_seconds=4)
    node.agent = NodeAgent(settings, node.client, node.runtime, SystemClock(), authorize=False)
    await node.start()
    yield node
    await node.stop()
    await clear(directory)
    shutil.rmtree(directory)


async def test_pods_end_in_order_and_no_more_are_taken(node: Node) -> None:
    ordinary = await node.run_pod("ordinary", containers=[container(TRAP)], terminationGracePeriodSeconds=3)
    critical = await node.run_pod("critical", containers=[container(TRAP)], priority=2_000_000_000)
    for pod in (ordinary, critical):
        await node.until_phase(pod["metadata"]["name"], "Running")
        async with asyncio.timeout(10):
            while "ready" not in node.log(pod):
                await asyncio.sleep(0.02)

    await node.agent.shut_down()

    for name in ("ordinary", "critical"):
        ended = await node.until_phase(name, "Failed")
        assert ended["status"]["reason"] == "Terminated"
        assert ended["status"]["message"] == "Pod was terminated in response to imminent node shutdown."
    first, second = (int(node.log(pod).splitlines()[-1]) for pod in (ordinary, critical))
    assert first < second
    own = node.client.peek(NODES, "n1") or {}
    ready = condition(own, "Ready")
    assert (ready["status"], ready["reason"], ready["message"]) == ("False", "KubeletNotReady", "node is shutting down")
    await node.run_pod("late")
    late = await node.until_phase("late", "Failed")
    assert late["status"]["reason"] == "NodeShutdown"


def test_phases_are_those_of_the_settings() -> None:
    def phases(**fields: object) -> list[tuple[int, float]]:
        settings = NodeSettings(node_name="n", root_dir=Path("/nowhere"), **fields)  # type: ignore[arg-type]
        return [(each.priority, each.limit.total_seconds()) for each in phases_of(settings)]

    assert phases() == []
    assert phases(shutdown_grace_seconds=30, shutdown_grace_critical_seconds=10) == [(0, 20), (2_000_000_000, 10)]
    assert phases(shutdown_grace_seconds=5, shutdown_grace_critical_seconds=10) == [(0, 0), (2_000_000_000, 5)]
    assert phases(shutdown_grace_by_priority=((1000, 10), (0, 60))) == [(0, 60), (1000, 10)]


async def test_pods_end_by_their_priorities(node: Node) -> None:
    phases = [Phase(priority, timedelta(seconds=5)) for priority in (10, 100, 1000)]
    sequence = ShutdownSequence(node.agent.workers, phases, clock=SystemClock(), report=node.agent._reporter.report)
    made = []
    for priority in (5000, 1, 100):
        pod = await node.run_pod(f"p{priority}", containers=[container(TRAP)], priority=priority)
        await node.until_phase(f"p{priority}", "Running")
        made.append(pod)
    for pod in made:
        async with asyncio.timeout(10):
            while "ready" not in node.log(pod):
                await asyncio.sleep(0.02)

    await sequence.run()

    high, low, middle = (int(node.log(pod).splitlines()[-1]) for pod in made)
    assert low < middle < high


async def test_a_pod_that_takes_too_long_is_not_waited_for(node: Node) -> None:
    await node.run_pod(
        containers=[container("trap '' TERM; while :; do sleep 1; done")], terminationGracePeriodSeconds=60
    )
    await node.until_phase("p", "Running")
    async with asyncio.timeout(15):
        await node.agent.shut_down()


class Sequence:
    """Remembers what it was asked to do; it waits for the lock that it does so under."""

    def __init__(self, locks: Path) -> None:
        self.done: list[str] = []
        self._locks = locks

    async def run(self) -> None:
        while not self._locks.exists():
            await asyncio.sleep(0.01)
        self.done.append("end")

    def call_off(self) -> None:
        self.done.append("go on")


async def test_systemd_is_listened_to(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    log = tmp_path / "locks"
    signal = '{"type":"signal","member":"PrepareForShutdown","payload":{"type":"b","data":[%s]}}'
    lines = "; ".join(f"echo '{signal % word}'" for word in ("true", "false"))
    for name, script in (
        ("systemd-inhibit", f'echo "$*" >> {log}; exec sleep 100'),
        ("busctl", f"echo noise; {lines}"),
    ):
        (tmp_path / name).write_text(f"#!/bin/sh\n{script}\n")
        (tmp_path / name).chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}{os.environ['PATH']}")
    sequence = Sequence(log)
    async with asyncio.timeout(10):
        await Inhibitor(sequence).run()  # type: ignore[arg-type]
    assert sequence.done == ["end", "go on"]
    assert "--what=shutdown --mode=delay" in log.read_text()
