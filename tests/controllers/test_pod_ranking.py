from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from cloudk8s.client.interface import Object
from cloudk8s.controllers.pod_ranking import DELETION_COST, pods_to_delete

NOW = datetime(2026, 1, 2, tzinfo=UTC)


def ranked(
    name: str, *, node: str = "n", phase: str = "Running", ready: str | None = "2026-01-01T00:00:00Z",
    cost: str = "", restarts: int = 0, created: str = "2026-01-01T00:00:00Z",
) -> Object:  # fmt: skip
    status: dict[str, Any] = {"phase": phase, "containerStatuses": [{"restartCount": restarts}]}
    if ready:
        status["conditions"] = [{"type": "Ready", "status": "True", "lastTransitionTime": ready}]
    metadata = {"name": name, "uid": name, "creationTimestamp": created}
    if cost:
        metadata["annotations"] = {DELETION_COST: cost}  # type: ignore[assignment]
    return {"metadata": metadata, "spec": {"nodeName": node} if node else {}, "status": status}


@pytest.mark.parametrize(
    "first",
    [
        ranked("a", node=""),
        ranked("a", phase="Pending"),
        ranked("a", phase="Unknown"),
        ranked("a", ready=None),
        ranked("a", cost="-1"),
        ranked("a", ready="2026-01-01T23:00:00Z"),
        ranked("a", restarts=3),
        ranked("a", created="2026-01-01T20:00:00Z"),
    ],
    ids=["unassigned", "pending", "unknown", "unready", "cheap", "ready-lately", "restarted", "young"],
)
def test_who_goes_first(first: Object) -> None:
    pods = [ranked("z"), first, ranked("y")]
    assert pods_to_delete(pods, pods, 1, NOW) == [first]


def test_a_pod_with_company_on_its_node_goes_before_a_lonely_one() -> None:
    lonely, crowded = ranked("a", node="n1"), ranked("b", node="n2")
    related = [lonely, crowded, ranked("other", node="n2")]
    assert pods_to_delete([lonely, crowded], related, 1, NOW) == [crowded]


def test_pods_of_about_the_same_age_go_by_uid() -> None:
    older, younger = ranked("a", ready="2026-01-01T00:00:00Z"), ranked("b", ready="2026-01-01T00:05:00Z")
    assert pods_to_delete([younger, older], [], 1, NOW) == [older]


def test_an_unreadable_cost_counts_as_none() -> None:
    pods = [ranked("b", cost="much"), ranked("a", cost="5"), ranked("c", cost="-5")]
    assert [p["metadata"]["name"] for p in pods_to_delete(pods, [], 2, NOW)] == ["c", "b"]
