"""A plan says what would be done and why, and is the same for the same input."""

from __future__ import annotations

from typing import Any

import pytest

from cloudk8s.cloud.stack.interface import Observation, Observed
from cloudk8s.cloud.stack.planning import make_plan, plan_deletion
from cloudk8s.cloud.stack.resource import Owner, Ref, Resource, Stack, StackError
from cloudk8s.testing.shelf import Shelf

OWNER = Owner("prod", "uid-1", "service default/web")
SHELF = Shelf()
TYPES = [
    SHELF.type("group", immutable=frozenset({"vpc"}), unordered=frozenset({"ports"})),
    SHELF.type("balancer", immutable=frozenset({"scheme"}), write_only=frozenset({"secret"})),
    SHELF.type("listener", immutable=frozenset({"balancer"})),
]


def observed(type: str, key: str, id: str, owner: str = OWNER.uid, **properties: Any) -> Observed:
    return Observed(type, key, id, owner, properties)


def actions(stack: Stack, *present: Observed) -> list[str]:
    plan = make_plan(stack, Observation(present), TYPES)
    return [f"{step.action} {step.key}" for step in plan.steps]


def web(**changes: Any) -> Stack:
    group = {"vpc": "v", "ports": [80, 443]} | changes
    return Stack(
        OWNER,
        (
            Resource("listener", "listener", {"balancer": Ref("lb"), "port": 80}),
            Resource("group", "group", group),
            Resource("balancer", "lb", {"groups": [Ref("group")], "scheme": "public"}),
        ),
    )


GROUP = observed("group", "group", "g-1", vpc="v", ports=[443, 80])
BALANCER = observed("balancer", "lb", "b-1", groups=["g-1"], scheme="public")
LISTENER = observed("listener", "listener", "l-1", balancer="b-1", port=80)


def test_everything_is_made_in_the_order_of_references() -> None:
    assert actions(web()) == ["create group", "create lb", "create listener"]


def test_nothing_is_done_when_nothing_differs() -> None:
    plan = make_plan(web(), Observation((GROUP, BALANCER, LISTENER)), TYPES)
    assert plan.is_empty
    assert str(plan) == "service default/web: nothing to do"


def test_a_difference_is_an_update_that_names_the_property() -> None:
    plan = make_plan(web(ports=[80]), Observation((GROUP, BALANCER, LISTENER)), TYPES)
    assert [str(step) for step in plan.mutations] == ["~ update group group (g-1)\n    ports: [443, 80] → [80]"]


def test_an_immutable_difference_replaces_it_and_what_depends_on_it_immutably() -> None:
    present = Observation((GROUP, observed("balancer", "lb", "b-1", groups=["g-1"], scheme="private"), LISTENER))
    plan = make_plan(web(), present, TYPES)
    assert [(step.action, step.key) for step in plan.mutations] == [
        ("delete", "listener"),
        ("delete", "lb"),
        ("replace", "lb"),
        ("replace", "listener"),
    ]
    assert plan.mutations[2].reasons == ("scheme can't be changed in place",)


def test_what_is_no_longer_wanted_is_deleted_after_its_user_has_changed() -> None:
    stack = Stack(
        OWNER,
        (
            Resource("group", "group/new", {"vpc": "v"}),
            Resource("balancer", "lb", {"groups": [Ref("group/new")], "scheme": "public"}),
        ),
    )
    assert actions(stack, GROUP, BALANCER) == ["create group/new", "update lb", "delete group"]


def test_other_owners_are_never_touched() -> None:
    foreign = observed("group", "group", "g-9", owner="uid-2", vpc="v")
    assert plan_deletion(web(), Observation((foreign,)), TYPES).is_empty


def test_deletion_goes_backwards_through_the_types() -> None:
    plan = plan_deletion(web(), Observation((GROUP, BALANCER, LISTENER)), TYPES)
    assert [(step.action, step.key) for step in plan.steps] == [
        ("delete", "listener"),
        ("delete", "lb"),
        ("delete", "group"),
    ]


def test_what_goes_with_its_parent_is_not_deleted_by_itself() -> None:
    inside = Observed("listener", "listener", "l-1", OWNER.uid, within="b-1")
    plan = plan_deletion(web(), Observation((BALANCER, inside)), TYPES)
    assert [step.key for step in plan.steps] == ["lb"]


def test_a_duplicate_is_deleted_and_the_closer_one_kept() -> None:
    twin = observed("group", "group", "g-0", vpc="v", ports=[22])
    plan = make_plan(web(), Observation((twin, GROUP, BALANCER, LISTENER)), TYPES)
    assert [str(step) for step in plan.mutations] == ["- delete group group (g-0)\n    a duplicate of g-1"]


def test_a_failed_one_is_made_again_and_cleaned_up() -> None:
    failed = Observed("group", "group", "g-1", OWNER.uid, state="failed", reason="no capacity")
    stack = Stack(OWNER, (Resource("group", "group", {"vpc": "v"}),))
    plan = make_plan(stack, Observation((failed,)), TYPES)
    assert [(step.action, step.reasons) for step in plan.steps] == [
        ("create", ("g-1 is failed",)),
        ("delete", ("failed: no capacity",)),
    ]


def test_a_pending_one_is_waited_for() -> None:
    making = Observed("group", "group", "g-1", OWNER.uid, {"vpc": "v"}, state="pending", reason="provisioning")
    stack = Stack(OWNER, (Resource("group", "group", {"vpc": "v"}),))
    plan = make_plan(stack, Observation((making,)), TYPES)
    assert plan.is_empty
    assert plan.steps[0].action == "wait"


def test_write_only_properties_are_not_compared() -> None:
    stack = Stack(OWNER, (Resource("balancer", "lb", {"secret": "new"}),))
    assert actions(stack, observed("balancer", "lb", "b-1", secret="old")) == ["keep lb"]


def test_a_property_that_is_not_observed_is_not_compared() -> None:
    stack = Stack(OWNER, (Resource("balancer", "lb", {"scheme": "public"}),))
    assert actions(stack, observed("balancer", "lb", "b-1")) == ["keep lb"]


def test_an_unknown_type_is_refused() -> None:
    with pytest.raises(StackError, match="there is no resource type moon"):
        make_plan(Stack(OWNER, (Resource("moon", "m"),)), Observation(), TYPES)


def test_the_json_form_has_actions_reasons_and_changes() -> None:
    plan = make_plan(web(ports=[80]), Observation((GROUP, BALANCER, LISTENER)), TYPES)
    assert plan.as_dict()["changes"] == 1
    assert plan.as_dict()["steps"][0] == {
        "action": "update",
        "type": "group",
        "key": "group",
        "id": "g-1",
        "changes": [{"property": "ports", "observed": [443, 80], "desired": [80]}],
    }
