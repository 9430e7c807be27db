"""What objects say of machines."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

import pytest

from cloudk8s.client.interface import Object, Resource
from cloudk8s.client.resources import NAMESPACES
from cloudk8s.cloud.model.machine import Machine
from cloudk8s.errors import NotFound
from cloudk8s.provisioning.objects.kinds import (
    CLUSTERS,
    DELETION_ASKED,
    MACHINE_DRAIN_RULES,
    MACHINES,
    PRE_DRAIN,
    PRE_TERMINATE,
    is_mark,
)
from cloudk8s.provisioning.objects.reading import held_by_hook, read_sayings


class Api:
    """Lists what a test puts in; other kinds are not known."""

    def __init__(self, **kinds: Sequence[Object]) -> None:
        self.kinds = kinds

    def list(self, resource: Resource, *, namespace: str = "", fields: str = "") -> Sequence[Object]:
        if resource.plural not in self.kinds:
            raise NotFound("the server could not find the requested resource")
        return self.kinds[resource.plural]


def obj(name: str, spec: Any = None, **metadata: Any) -> Object:
    return {"metadata": {"name": name, **metadata}, "spec": spec or {}}


def machine(provider_id: str = "", created: datetime | None = None) -> Machine:
    return Machine("i", "u", "m", "demo", provider_id=provider_id, created=created)


def test_a_cluster_without_objects_says_nothing() -> None:
    api = Api()
    sayings = read_sayings(api)  # type: ignore[arg-type]
    assert sayings.marks_of(machine()) == {}
    assert sayings.drain_plan(api, "m").rules == ()  # type: ignore[arg-type]


def test_annotations_of_a_machine_are_marks() -> None:
    annotations = {"cluster.x-k8s.io/delete-machine": "", "example.com/note": "x", f"{PRE_DRAIN}/backup": "ops"}
    api = Api(**{MACHINES.plural: [obj("m", annotations=annotations)]})
    assert set(read_sayings(api).marks_of(machine())) == annotations.keys() - {"example.com/note"}  # type: ignore[arg-type]


def test_a_deleted_object_is_a_mark() -> None:
    api = Api(**{MACHINES.plural: [obj("m", deletionTimestamp="2026-01-01T00:00:00Z")]})
    assert read_sayings(api).marks_of(machine()) == {DELETION_ASKED: "true"}  # type: ignore[arg-type]


def test_an_earlier_machine_of_the_same_name_says_nothing() -> None:
    gone = obj("m", {"providerID": "x://1"}, deletionTimestamp="2026-01-01T00:00:00Z")
    sayings = read_sayings(Api(**{MACHINES.plural: [gone]}))  # type: ignore[arg-type]
    assert sayings.marks_of(machine("x://1", datetime(2025, 12, 31, tzinfo=UTC)))
    assert sayings.marks_of(machine("x://1", datetime(2026, 1, 2, tzinfo=UTC))) == {}
    assert sayings.marks_of(machine("x://2")) == {}


def test_rules_see_labels_of_machine_cluster_and_namespaces() -> None:
    api = Api(**{
        MACHINES.plural: [obj("m", labels={"a": "1"})], CLUSTERS.plural: [obj("c", labels={"b": "2"})],
        NAMESPACES.plural: [obj("shop", labels={"c": "3"})], MACHINE_DRAIN_RULES.plural: [obj("r")],
    })  # fmt: skip
    plan = read_sayings(api).drain_plan(api, "m")  # type: ignore[arg-type]
    assert [entry["metadata"]["name"] for entry in plan.rules] == ["r"]
    assert (plan.place.machine, plan.place.cluster, plan.place.namespaces) == (
        {"a": "1"}, {"b": "2"}, {"shop": {"c": "3"}}
    )  # fmt: skip


@pytest.mark.parametrize(
    ("annotation", "expected"),
    [
        ("cluster.x-k8s.io/paused", True), (f"{PRE_DRAIN}/x", True), ("example.com/cluster.x-k8s.io", False),
        ("notcluster.x-k8s.io/paused", False), ("paused", False),
    ],
)  # fmt: skip
def test_marks_are_of_cluster_api(annotation: str, expected: bool) -> None:
    assert is_mark(annotation) == expected


def test_hooks_hold_a_machine_before_and_after_it_is_emptied() -> None:
    marks = {f"{PRE_DRAIN}/backup": "ops", f"{PRE_TERMINATE}/audit": ""}
    assert held_by_hook(marks, is_empty=False) == "pre-drain hook backup: ops has not let it go"
    assert held_by_hook(marks, is_empty=True) == "pre-terminate hook audit has not let it go"
    assert held_by_hook({}, is_empty=True) == ""
