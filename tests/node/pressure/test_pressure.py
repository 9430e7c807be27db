"""What happens when the node runs short."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Any

from cloudk8s.client.resources import CORE_EVENTS, PODS
from cloudk8s.machinery.clock import Clock, FakeClock, SystemClock
from cloudk8s.node.pressure import images, ranking
from cloudk8s.node.pressure.consumption import Consumption
from cloudk8s.node.pressure.eviction import Eviction, Manner
from cloudk8s.node.pressure.ranking import Candidate, first_to_go
from cloudk8s.node.pressure.signals import Signal, read
from cloudk8s.node.runtimes.interface import Image

from ..conftest import Node, condition, container, pod_object

MI = 1 << 20
LOW = Signal("memory", "MemoryPressure", 50 * MI, 1000 * MI, 100 * MI)
FINE = Signal("memory", "MemoryPressure", 500 * MI, 1000 * MI, 100 * MI)


def candidate(name: str, used: int, asked: str = "0", **spec: Any) -> Candidate:
    resources = {"requests": {"memory": asked}}
    pod = {
        "metadata": {"name": name, "uid": name},
        "spec": {"containers": [{"name": "c", "resources": resources}], **spec},
    }
    return Candidate(pod, {"c": used * MI})


def first(*candidates: Candidate) -> str | None:
    chosen = first_to_go(candidates, "memory")
    return None if chosen is None else chosen.pod["metadata"]["name"]


def test_who_uses_more_than_it_asked_for_goes_first() -> None:
    assert first(candidate("modest", 500, "600Mi"), candidate("greedy", 20, "10Mi")) == "greedy"


def test_then_who_is_less_important_then_who_uses_most() -> None:
    assert first(candidate("important", 900, priority=1000), candidate("other", 10)) == "other"
    assert first(candidate("small", 10), candidate("large", 20)) == "large"


def test_critical_pods_stay() -> None:
    assert first(candidate("critical", 900, priority=2_000_001_000)) is None


def test_the_status_says_what_was_low_and_who_used_it() -> None:
    assert LOW.words() == "The node was low on resource: memory. Threshold quantity: 100Mi, available: 50Mi. "
    text = "Container c was using 20Mi, request is 10Mi, has larger consumption of memory. "
    assert ranking.words(candidate("greedy", 20, "10Mi"), "memory") == text


def test_the_machine_can_be_read(tmp_path: Any) -> None:
    signals = read(tmp_path)

    assert [signal.condition for signal in signals] == ["MemoryPressure", "DiskPressure", "DiskPressure", "PIDPressure"]
    assert all(0 < signal.available <= signal.capacity for signal in signals)


def eviction_of(node: Node, now: list[Signal], clock: Clock, **manner: Any) -> Eviction:
    consumption = Consumption(node.runtime, node.agent._tools.volumes.mounted, node.settings.logs_dir)
    return Eviction(
        node.runtime, node.agent.workers, clock=clock, read=lambda: now, on_change=lambda: None,
        consumption=consumption, manner=Manner(**manner),
    )  # fmt: skip


async def test_a_pod_is_evicted_and_says_why(node: Node) -> None:
    await node.run_pod(containers=[container("sleep 300")])
    await node.until_phase("p", "Running")
    reclaimed: list[str] = []

    await eviction_of(node, [LOW], SystemClock(), announce=reclaimed.append).look()

    pod = await node.until_phase("p", "Failed")
    assert pod["status"]["reason"] == "Evicted"
    assert pod["status"]["message"].startswith("The node was low on resource: memory.")
    told = condition(pod, "DisruptionTarget")
    assert (told["status"], told["reason"]) == ("True", "TerminationByKubelet")
    await node.until("p", lambda pod: "terminated" in pod["status"]["containerStatuses"][0]["state"])
    assert "Evicted" in [event["reason"] for event in node.client.all(CORE_EVENTS)]
    assert reclaimed == ["memory"]


async def test_who_fills_the_disk_goes_and_not_who_fills_the_memory(node: Node) -> None:
    scratch: dict[str, Any] = {"volumeMounts": [{"name": "scratch", "mountPath": "/scratch"}]}
    volumes = [{"name": "scratch", "emptyDir": {}}]
    await node.run_pod("hungry", containers=[container("python3 -c 'x = bytearray(50 << 20); input()'; sleep 300")])
    filler = await node.run_pod("filler", containers=[container("sleep 300", **scratch)], volumes=volumes)
    for name in ("hungry", "filler"):
        await node.until_phase(name, "Running")
    place = node.settings.pods_dir / filler["metadata"]["uid"] / "volumes" / "kubernetes.io~empty-dir" / "scratch"
    (place / "big").write_bytes(b"x" * 5 * MI)
    low = Signal("ephemeral-storage", "DiskPressure", 1 * MI, 100 * MI, 10 * MI)

    await eviction_of(node, [low], SystemClock()).look()

    ended = await node.until_phase("filler", "Failed")
    assert ended["status"]["message"].startswith("The node was low on resource: ephemeral-storage.")
    assert (node.client.peek(PODS, "hungry", "default") or {})["status"]["phase"] == "Running"


async def test_many_processes_are_a_reason_to_go(node: Node) -> None:
    await node.run_pod("modest")
    await node.run_pod("forker", containers=[container("for i in 1 2 3 4 5 6; do sleep 300 & done; wait")])
    for name in ("modest", "forker"):
        await node.until_phase(name, "Running")
    await asyncio.sleep(0.3)

    await eviction_of(node, [Signal("pids", "PIDPressure", 1, 100, 5)], SystemClock()).look()

    await node.until_phase("forker", "Failed")


async def test_the_disk_is_cleared_before_a_pod_goes(node: Node) -> None:
    await node.run_pod()
    await node.until_phase("p", "Running")
    now = [Signal("inodes", "DiskPressure", 1, 100, 5)]

    async def clear() -> None:
        now.clear()

    await eviction_of(node, now, SystemClock(), reclaim=clear).look()

    await asyncio.sleep(0.2)
    assert (node.client.peek(PODS, "p", "default") or {})["status"]["phase"] == "Running"


async def test_a_soft_mark_may_be_passed_for_a_while(node: Node) -> None:
    await node.run_pod()
    await node.until_phase("p", "Running")
    clock = FakeClock()
    soft = Signal("memory", "MemoryPressure", 1, 100, 5, timedelta(seconds=60))
    eviction = eviction_of(node, [soft], clock)

    await eviction.look()
    assert list(eviction.pressures) == ["MemoryPressure"]
    await clock.advance(59)
    await eviction.look()
    assert not node.agent.workers.all()[0].is_evicted
    await clock.advance(1)
    await eviction.look()
    await node.until_phase("p", "Failed")


async def test_the_condition_stays_a_while_after_the_pressure_has_gone(node: Node) -> None:
    clock, now = FakeClock(), [LOW]
    eviction = eviction_of(node, now, clock, calm=timedelta(seconds=300))

    await eviction.look()
    assert list(eviction.pressures) == ["MemoryPressure"]
    now[:] = [FINE]
    await clock.advance(150)
    await eviction.look()
    assert list(eviction.pressures) == ["MemoryPressure"]
    await clock.advance(150)
    await eviction.look()
    assert eviction.pressures == {}


async def test_a_node_under_pressure_takes_only_what_will_not_make_it_worse(node: Node) -> None:
    asking: dict[str, Any] = {"containers": [container("true", resources={"requests": {"memory": "1Mi"}})]}
    now = [LOW]
    eviction = eviction_of(node, now, FakeClock(), calm=timedelta(0))
    assert eviction.refusal(pod_object()) is None
    await eviction.look()
    refusal = eviction.refusal(pod_object())
    assert refusal is not None
    assert (refusal.reason, refusal.message) == ("Evicted", "The node had condition: [MemoryPressure]. ")
    assert eviction.refusal(pod_object(**asking)) is None
    assert eviction.refusal(pod_object(priority=2_000_000_000)) is None
    now[:] = [Signal("ephemeral-storage", "DiskPressure", 1, 100, 5)]
    await eviction.look()
    assert eviction.refusal(pod_object(**asking)) is not None


async def test_a_critical_pod_makes_room_for_itself(node: Node) -> None:
    def sized(cpu: int) -> list[dict[str, Any]]:
        return [container("sleep 300", resources={"requests": {"cpu": str(cpu)}})]

    cores = int(node.agent._facts.allocatable["cpu"])
    await node.run_pod("ordinary", containers=sized(cores))
    await node.until_phase("ordinary", "Running")
    await node.run_pod("too-much", containers=sized(1))
    assert (await node.until_phase("too-much", "Failed"))["status"]["reason"] == "OutOfcpu"

    await node.run_pod("critical", containers=sized(1), priority=2_000_000_000)

    await node.until_phase("critical", "Running")
    ended = await node.until_phase("ordinary", "Failed")
    assert (ended["status"]["reason"], ended["status"]["message"]) == (
        "Preempting", "Preempted in order to admit critical pod",
    )  # fmt: skip
    await node.run_pod("beyond", containers=sized(cores + 1), priority=2_000_000_000)
    assert (await node.until_phase("beyond", "Failed"))["status"]["reason"] == "UnexpectedAdmissionError"


def test_images_are_removed_down_to_the_low_mark_the_longest_unused_first() -> None:
    assert images.to_free(used=80, total=100, high=85, low=80) == 0
    assert images.to_free(used=90, total=100, high=85, low=80) == 10
    found = [Image(name, size=6) for name in ("a", "b", "c", "d")] + [Image("pinned", size=6, pinned=True)]
    last_used = {"a": 30.0, "b": 10.0, "c": 20.0, "d": 990.0, "pinned": 0.0}

    chosen = images.choose(found, {"a"}, last_used, 1000.0, 10)

    assert [image.id for image in chosen] == ["b", "c"]
