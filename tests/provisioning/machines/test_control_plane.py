"""Which machine of a control plane is replaced, and when none is."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from cloudk8s.cloud.model.machine import Machine, MachineState
from cloudk8s.controlplane.machine.etcd.roll import Entry
from cloudk8s.provisioning.declaration.pool import HealthCheck
from cloudk8s.provisioning.machines.control_plane import brake, remedy
from cloudk8s.provisioning.machines.decision import decide
from cloudk8s.provisioning.machines.health import REMEDIATE, SKIP
from cloudk8s.provisioning.machines.template import POOL_TAG, TEMPLATE_TAG, groups_of
from cloudk8s.provisioning.machines.view import MachineView, NodeState
from cloudk8s.provisioning.simulation import simulate
from tests.provisioning.harness import declaration

NOW = datetime(2026, 1, 1, 12, tzinfo=UTC)
CHECK = HealthCheck()
CLUSTER = declaration(controlPlane={"replicas": 3})
GROUP = groups_of(CLUSTER)[0]


def view(
    number: int, condition: str = "well", *, member: str = "well", marks: dict[str, str] | None = None
) -> MachineView:  # fmt: skip
    """A machine: well, stopped, silent (its node for ten minutes), young, or lost (never a node)."""
    name, tags = f"cp-{number}", {POOL_TAG: "control-plane", TEMPLATE_TAG: GROUP.template.hash}
    age = timedelta(seconds=20) if condition == "young" else timedelta(hours=1)
    state: MachineState = "stopped" if condition == "stopped" else "running"
    machine = Machine(
        id=f"i-{number}", uid=f"u-{number}", name=name, cluster="demo", state=state, role="control-plane",
        created=NOW - age + timedelta(seconds=number), tags=tags,
    )  # fmt: skip
    node = None
    if condition not in ("young", "lost"):
        is_ready = condition == "well"
        node = NodeState(name, is_ready, unhealthy_since=None if is_ready else NOW - timedelta(minutes=10))
    entry = Entry(str(number), name, "", is_learner=member == "learner", is_healthy=member != "silent")
    return MachineView(machine, node, needs_node=True, marks=marks or {}, member=entry)


def replaced(*views: MachineView) -> list[str]:
    return [entry.machine.name for entry in remedy(CHECK, views, NOW)]


@pytest.mark.parametrize("condition", ["stopped", "silent", "lost"])
def test_one_of_three_is_replaced(condition: str) -> None:
    assert replaced(view(0), view(1, condition, member="silent"), view(2)) == ["cp-1"]


def test_the_quorum_of_the_others_is_kept() -> None:
    two_gone = (view(0), view(1, "stopped"), view(2, "stopped"))
    assert replaced(*two_gone) == []
    assert "only 1 of the 2 other machines are well" in brake(CHECK, two_gone, NOW)
    bad_member = (view(0), view(1, "stopped"), view(2, member="silent"))
    assert replaced(*bad_member) == []
    five = (view(0), view(1, "stopped"), view(2, "stopped"), view(3), view(4))
    assert replaced(*five) == ["cp-1"]


def test_nothing_is_replaced_while_another_comes() -> None:
    machines = (view(0), view(1, "stopped"), view(2, "young", member="learner"))
    assert replaced(*machines) == []
    assert "stays while cp-2 comes or goes" in brake(CHECK, machines, NOW)


def test_the_only_machine_stays() -> None:
    assert replaced(view(0, "stopped")) == []
    assert "would be lost" in brake(CHECK, [view(0, "stopped")], NOW)


def test_what_somebody_asked_for_goes_first_and_what_is_skipped_stays() -> None:
    asked = view(2, marks={REMEDIATE: ""})
    assert replaced(view(0), view(1), asked) == ["cp-2"]
    assert replaced(view(0), view(1, "stopped", marks={SKIP: ""}), view(2)) == []
    five = (view(0), view(1, "silent"), view(2, "lost"), view(3), view(4))
    assert replaced(*five) == ["cp-2"], "what never was a node goes before what is one no more"


def decided(*views: MachineView) -> tuple[list[str], list[str], bool]:
    found = decide(GROUP, views, cluster="demo", network_id="n", now=NOW)
    return [r.name for r in found.create], [d.machine.name for d in found.delete], found.is_settled


def test_a_replacement_is_made_once_the_old_one_is_gone() -> None:
    assert decided(view(0), view(1, "stopped", member="silent"), view(2)) == ([], ["cp-1"], False)
    made, gone, _ = decided(view(0), view(2))
    assert (len(made), gone) == (1, [])
    assert decided(view(0), view(1), view(2)) == ([], [], True)


def test_without_etcd_nothing_is_judged() -> None:
    alone = groups_of(declaration())[0]
    found = decide(alone, [view(0, "stopped")], cluster="demo", network_id="n", now=NOW)
    assert not [deletion for deletion in found.delete if deletion.is_remedy]


def steps(before: dict[str, Any], after: dict[str, Any]) -> list[tuple[int, int]]:
    """How many machines of the control plane each pass makes and takes away."""
    names = [request.name for request in simulate(declaration(**before), [], "n", NOW).requests()]
    first = groups_of(declaration(**before))[0]
    machines = [
        replace(view(number), machine=replace(view(number).machine, name=name, tags={
            POOL_TAG: "control-plane", TEMPLATE_TAG: first.template.hash,
        }), needs_node=False)
        for number, name in enumerate(name for name in names if "control-plane" in name)
    ]  # fmt: skip
    passes = simulate(declaration(**after, pools=[]), machines, "n", NOW).passes
    planes = [next(d for d in taken.decisions if d.group == "control-plane") for taken in passes]
    return [(len(decision.create), len(decision.delete)) for decision in planes]


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        ({"controlPlane": {"replicas": 3}}, {"controlPlane": {"replicas": 1}}, [(0, 1), (0, 1)]),
        ({"controlPlane": {"replicas": 1}}, {"controlPlane": {"replicas": 3}}, [(1, 0), (1, 0)]),
        (
            {"controlPlane": {"replicas": 3}},
            {"controlPlane": {"replicas": 3}, "kubernetesVersion": "1.38"},
            [(1, 0), (0, 1), (1, 0), (0, 1), (1, 0), (0, 1)],
        ),
    ],
    ids=["shrinks", "grows", "is upgraded"],
)
def test_members_come_and_go_one_by_one(
    before: dict[str, Any], after: dict[str, Any], expected: list[tuple[int, int]]
) -> None:
    found = steps(before, after)
    assert [sum(column) for column in zip(*found, strict=True)] == [
        sum(column) for column in zip(*expected, strict=True)
    ]
    assert all(made <= 1 and gone <= 1 for made, gone in found)


@pytest.mark.parametrize(("member", "serves"), [("well", True), ("silent", False), ("learner", False), ("", False)])
def test_a_ready_node_is_not_enough_where_members_vote(member: str, serves: bool) -> None:
    """The node may be that of a machine of the same name, which somebody deleted a moment ago."""
    found = replace(view(0, member=member), needs_member=True)
    found = found if member else replace(found, member=None)
    assert found.is_available is serves
