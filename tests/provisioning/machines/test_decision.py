"""What is done next about the machines of one group."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from cloudk8s.cloud.model.machine import Machine, Role
from cloudk8s.provisioning.machines.decision import Decision, decide
from cloudk8s.provisioning.machines.template import TEMPLATE_TAG, Group, MachineTemplate
from cloudk8s.provisioning.machines.view import MachineView
from cloudk8s.provisioning.objects.kinds import DELETION_ASKED

NOW = datetime(2026, 1, 1, tzinfo=UTC)


def group(replicas: int, *, role: Role = "worker", paused: bool = False) -> Group:
    return Group("web" if role == "worker" else role, MachineTemplate(role, "1.37"), replicas, paused=paused)


def machines(of: Group, *marks: Mapping[str, str], template: str = "") -> list[MachineView]:
    tags = {TEMPLATE_TAG: template or of.template.hash}
    return [
        MachineView(
            Machine(f"i-{n}", f"u-{n}", f"m-{n}", "demo", "running", of.template.role, pool=of.name, tags=tags),
            marks=given,
        )
        for n, given in enumerate(marks)
    ]  # fmt: skip


def decided(of: Group, found: list[MachineView]) -> Decision:
    return decide(of, found, cluster="demo", network_id="net", now=NOW)


def gone(decision: Decision) -> dict[str, str]:
    return {deletion.machine.name: deletion.reason for deletion in decision.delete}


def test_a_machine_whose_object_was_deleted_goes() -> None:
    web = group(3)
    found = decided(web, machines(web, {}, {DELETION_ASKED: "true"}, {}))
    assert gone(found) == {"m-1": "somebody deleted its object"}
    assert not found.is_settled


def test_it_goes_once_when_its_pool_shrinks_too() -> None:
    web = group(1)
    found = decided(web, machines(web, {DELETION_ASKED: "true"}, {}))
    assert sorted(gone(found)) in (["m-0", "m-1"], ["m-0"])
    assert len(found.delete) == len(gone(found))


def test_a_control_plane_goes_by_its_own_rules_only() -> None:
    first = group(1, role="control-plane")
    assert decided(first, machines(first, {DELETION_ASKED: "true"})).delete == ()


@pytest.mark.parametrize(("replicas", "template"), [(0, ""), (5, ""), (2, "other")])
def test_nothing_is_done_about_a_pool_that_is_paused(replicas: int, template: str) -> None:
    web = group(replicas, paused=True)
    found = decided(web, machines(web, {}, {DELETION_ASKED: "true"}, template=template))
    assert (found.create, found.delete, found.is_settled, found.reason) == ((), (), True, "is paused")


@pytest.mark.parametrize(("unwell", "going"), [((), 1), ((1,), 1), ((0, 2), 0)])
def test_a_control_plane_shrinks_by_the_one_that_does_not_serve(unwell: tuple[int, ...], going: int) -> None:
    """Its member may have left etcd already; nobody else goes while it is there."""
    first = group(1, role="control-plane")
    found = [
        replace(view, machine=replace(view.machine, state="stopped")) if number in unwell else view
        for number, view in enumerate(machines(first, {}, {}, {}))
    ]
    gone_now = gone(decided(first, found))
    assert len(gone_now) == going
    assert not unwell or not going or set(gone_now) == {f"m-{number}" for number in unwell}
