from __future__ import annotations

from typing import Any

from cloudk8s.client.interface import Object, WatchEvent
from cloudk8s.testing.rollout_bounds import RolloutBounds


def pod(name: str, *, ready: bool = True, phase: str = "Running", **metadata: Any) -> Object:
    conditions = [{"type": "Ready", "status": "True" if ready else "False"}]
    return {"metadata": {"name": name, "uid": name, **metadata}, "status": {"phase": phase, "conditions": conditions}}


def seen(bounds: RolloutBounds, *pods: Object) -> RolloutBounds:
    for each in pods:
        bounds.see(WatchEvent("MODIFIED", each))
    return bounds


def test_a_pod_too_many_is_noticed_though_it_goes_again() -> None:
    bounds = seen(RolloutBounds(2, 1, 0), pod("a"), pod("b"), pod("c"), pod("d", ready=False))
    bounds.see(WatchEvent("DELETED", pod("d")))
    assert bounds.most == 4
    assert bounds.broken == ["4 pods, 2 and 1 more are allowed"]


def test_too_few_ready_ones_count_from_when_all_were_ready() -> None:
    bounds = seen(RolloutBounds(2, 0, 1), pod("a", ready=False), pod("b", ready=False))
    assert (bounds.fewest_ready, bounds.broken) == (None, [])
    seen(bounds, pod("a"), pod("b"), pod("b", ready=False))
    assert (bounds.fewest_ready, bounds.broken) == (1, [])
    seen(bounds, pod("a", ready=False))
    assert bounds.broken == ["0 ready pods, 1 of 2 may be lacking"]


def test_pods_on_their_way_out_and_finished_ones_are_not_there() -> None:
    leaving = pod("b", deletionTimestamp="2026-01-01T00:00:00Z")
    bounds = seen(RolloutBounds(1, 0, 0), pod("a"), leaving, pod("c", phase="Failed"))
    assert (bounds.pods, bounds.ready, bounds.broken) == (1, 1, [])
