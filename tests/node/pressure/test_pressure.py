"""What happens when the node runs short."""

from __future__ import annotations

from typing import Any

from cloudk8s.machinery.clock import FakeClock, SystemClock
from cloudk8s.node.pressure import images, ranking
from cloudk8s.node.pressure.eviction import CALM_SECONDS, Eviction
from cloudk8s.node.pressure.ranking import Candidate, first_to_go
from cloudk8s.node.pressure.signals import Signal, Thresholds, read
from cloudk8s.node.runtimes.interface import Image

from ..conftest import Node, container

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
    signals = read(tmp_path, Thresholds())

    assert [signal.condition for signal in signals] == ["MemoryPressure", "DiskPressure", "PIDPressure"]
    assert all(0 < signal.available <= signal.capacity for signal in signals)


async def test_a_pod_is_evicted_and_says_why(node: Node) -> None:
    await node.run_pod(containers=[container("sleep 300")])
    await node.until_phase("p", "Running")
    eviction = Eviction(
        node.runtime, node.agent.workers, clock=SystemClock(), read=lambda: [LOW], on_change=lambda: None
    )

    await eviction.look()

    pod = await node.until_phase("p", "Failed")
    assert pod["status"]["reason"] == "Evicted"
    assert pod["status"]["message"].startswith("The node was low on resource: memory.")
    await node.until("p", lambda pod: "terminated" in pod["status"]["containerStatuses"][0]["state"])


async def test_the_condition_stays_a_while_after_the_pressure_has_gone(node: Node) -> None:
    clock, changes, now = FakeClock(), [], [LOW]
    eviction = Eviction(
        node.runtime, node.agent.workers, clock=clock, read=lambda: now, on_change=lambda: changes.append(1)
    )

    await eviction.look()
    assert list(eviction.pressures) == ["MemoryPressure"]
    now[:] = [FINE]
    await clock.advance(CALM_SECONDS / 2)
    await eviction.look()
    assert list(eviction.pressures) == ["MemoryPressure"]
    await clock.advance(CALM_SECONDS)
    await eviction.look()
    assert eviction.pressures == {}
    assert len(changes) == 2


def test_images_are_removed_down_to_the_low_mark_the_longest_unused_first() -> None:
    assert images.to_free(used=80, total=100, high=85, low=80) == 0
    assert images.to_free(used=90, total=100, high=85, low=80) == 10
    found = [Image(name, size=6) for name in ("a", "b", "c", "d")] + [Image("pinned", size=6, pinned=True)]
    last_used = {"a": 30.0, "b": 10.0, "c": 20.0, "d": 990.0, "pinned": 0.0}

    chosen = images.choose(found, {"a"}, last_used, 1000.0, 10)

    assert [image.id for image in chosen] == ["b", "c"]
