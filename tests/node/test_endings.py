"""How containers are ended: by which signal, and within which time."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from cloudk8s.client.interface import DeleteOptions
from cloudk8s.client.resources import PODS

from .conftest import Node, condition, container

LOOP = "while :; do sleep 0.05; done"


@pytest.fixture
def graces(node: Node, monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The times in seconds that containers are given."""
    found: list[int] = []
    works = node.runtime.stop_container

    async def note(container_id: str, grace: timedelta) -> None:
        found.append(round(grace.total_seconds()))
        await works(container_id, timedelta(0))

    monkeypatch.setattr(node.runtime, "stop_container", note)
    return found


async def test_a_container_may_name_the_signal_that_ends_it(node: Node, tmp_path: Path) -> None:
    told = tmp_path / "told"
    script = f"trap 'echo term >> {told}' TERM; trap 'echo usr1 >> {told}; exit 0' USR1; echo up > {told}; {LOOP}"
    await node.run_pod(
        terminationGracePeriodSeconds=20, containers=[container(script, lifecycle={"stopSignal": "SIGUSR1"})]
    )
    pod = await node.until("p", lambda _: told.exists() and told.read_text())
    pod = await node.until_phase("p", "Running")
    assert pod["status"]["containerStatuses"][0]["stopSignal"] == "SIGUSR1"

    await node.client.delete(PODS, "p", namespace="default")
    await node.until_gone("p")

    assert told.read_text().split() == ["up", "usr1"]


async def test_a_failed_probe_may_leave_less_time_than_the_pod_has(node: Node, graces: list[int]) -> None:
    bad = {"exec": {"command": ["false"]}, "periodSeconds": 1, "failureThreshold": 1}
    kinds = {"own": bad | {"terminationGracePeriodSeconds": 7}, "pods": bad}
    await node.run_pod(
        terminationGracePeriodSeconds=40, restartPolicy="Never",
        containers=[container("exec sleep 300", name=name, livenessProbe=probe) for name, probe in kinds.items()],
    )  # fmt: skip

    await node.until_phase("p", "Failed")

    assert sorted(graces) == [7, 40]


async def test_a_second_deletion_may_leave_less_time(node: Node, tmp_path: Path) -> None:
    await node.run_pod(
        terminationGracePeriodSeconds=300, containers=[container(f"trap '' TERM; touch {tmp_path}/up; {LOOP}")]
    )
    await node.until("p", lambda _: (tmp_path / "up").exists())
    await node.client.delete(PODS, "p", namespace="default")
    await node.until("p", lambda pod: pod["metadata"].get("deletionGracePeriodSeconds") == 300)
    await node.events("p", "Killing")

    await node.client.delete(PODS, "p", namespace="default", options=DeleteOptions(grace_period_seconds=1))

    async with asyncio.timeout(10):
        await node.until_gone("p")


async def test_the_time_of_a_hook_is_part_of_the_whole(node: Node, graces: list[int]) -> None:
    hook = {"preStop": {"sleep": {"seconds": 1}}}
    await node.run_pod(terminationGracePeriodSeconds=20, containers=[container("exec sleep 300", lifecycle=hook)])
    await node.until_phase("p", "Running")

    await node.client.delete(PODS, "p", namespace="default")
    await node.until_gone("p")

    assert graces[0] == 19


async def test_sidecars_run_their_hooks_at_once_and_end_last_from_the_last_to_the_first(
    node: Node, tmp_path: Path
) -> None:
    told = tmp_path / "told"

    def polite(name: str, *, hook: str, delay: str, **fields: Any) -> dict[str, Any]:
        script = f"trap 'sleep {delay}; echo {name} >> {told}; exit 0' TERM; touch {tmp_path}/{name}; {LOOP}"
        hooks = {"preStop": {"exec": {"command": ["sh", "-c", f"echo {hook} >> {told}"]}}}
        return container(script, name=name, lifecycle=hooks, **fields)

    sidecars = [polite(name, hook="hook", delay="0", restartPolicy="Always") for name in ("one", "two")]
    main = polite("main", hook="hook", delay="0.4")
    await node.run_pod(terminationGracePeriodSeconds=20, initContainers=sidecars, containers=[main])
    await node.until("p", lambda _: all((tmp_path / name).exists() for name in ("one", "two", "main")))
    await node.until("p", lambda pod: condition(pod, "Ready").get("status") == "True")

    await node.client.delete(PODS, "p", namespace="default")
    await node.until_gone("p")

    assert told.read_text().split() == ["hook", "hook", "hook", "main", "two", "one"]


async def test_sidecars_do_not_wait_longer_than_the_pod_has_time(node: Node, graces: list[int]) -> None:
    hook = {"preStop": {"sleep": {"seconds": 30}}}
    side = container("exec sleep 300", name="side", restartPolicy="Always")
    await node.run_pod(
        terminationGracePeriodSeconds=1, initContainers=[side],
        containers=[container("exec sleep 300", lifecycle=hook)],
    )  # fmt: skip
    await node.until("p", lambda pod: condition(pod, "Ready").get("status") == "True")

    await node.client.delete(PODS, "p", namespace="default")
    async with asyncio.timeout(5):
        await node.until_gone("p")

    assert graces == [2, 2], "both have what every container has at least"
