"""Machines of a control plane that have not been heard of are left out, by the time since others heard them."""

from __future__ import annotations

from typing import Any

from cloudk8s.controlplane.machine.presence import LASTS, Sightings


def lease(name: str, renewed: str) -> dict[str, Any]:
    return {"metadata": {"name": name}, "spec": {"renewTime": renewed}}


def test_a_lease_that_does_not_change_ages() -> None:
    sightings = Sightings()
    assert sightings.note([lease("a", "1"), lease("b", "1")], 100.0) == {"a": 0.0, "b": 0.0}
    ages = sightings.note([lease("a", "2"), lease("b", "1")], 100.0 + LASTS + 1)
    assert ages == {"a": 0.0, "b": LASTS + 1}
    assert sightings.note([lease("a", "3"), lease("b", "2")], 200.0) == {"a": 0.0, "b": 0.0}


def test_clocks_of_other_machines_do_not_matter() -> None:
    sightings = Sightings()
    assert sightings.note([lease("a", "1970-01-01T00:00:00Z")], 5.0) == {"a": 0.0}


def test_a_lease_that_is_gone_is_forgotten() -> None:
    sightings = Sightings()
    sightings.note([lease("a", "1")], 1.0)
    assert sightings.note([], 2.0) == {}
    assert sightings.note([lease("a", "1")], 50.0) == {"a": 0.0}
