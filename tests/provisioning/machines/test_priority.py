"""Which machines go first."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from cloudk8s.cloud.model.machine import Machine
from cloudk8s.provisioning.machines.priority import DELETE_MARK, victims
from cloudk8s.provisioning.machines.view import MachineView

NOW = datetime(2026, 1, 1, tzinfo=UTC)


def view(name: str, *, days: int = 1, zone: str = "a", state: str = "running", marked: bool = False) -> MachineView:
    created, tags = NOW - timedelta(days=days), {DELETE_MARK: ""} if marked else {}
    return MachineView(Machine(name, name, name, "c", state, zone=zone, created=created, tags=tags))  # type: ignore[arg-type]


def names(machines: list[MachineView], count: int, order: str = "Random") -> list[str]:
    return [entry.name for entry in victims(machines, count, order=order, now=NOW)]


def test_marked_then_unhealthy_then_by_name() -> None:
    machines = [view("a"), view("b", state="stopped"), view("c", marked=True), view("d")]
    assert names(machines, 3) == ["c", "b", "a"]


def test_the_most_crowded_zone_gives_first() -> None:
    machines = [view("a", zone="x"), view("b", zone="y"), view("c", zone="y"), view("d", zone="y")]
    assert names(machines, 3) == ["b", "c", "a"]


def test_oldest_and_newest() -> None:
    machines = [view("young", days=1), view("middle", days=5), view("old", days=30)]
    assert names(machines, 1, "Oldest") == ["old"]
    assert names(machines, 1, "Newest") == ["young"]


def test_a_mark_wins_over_age() -> None:
    assert names([view("old", days=300), view("marked", days=1, marked=True)], 1, "Oldest") == ["marked"]
