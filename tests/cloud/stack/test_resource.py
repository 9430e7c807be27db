"""Stacks are checked when they are built, and survive JSON."""

from __future__ import annotations

import json

import pytest

from cloudk8s.cloud.stack.order import sort_resources
from cloudk8s.cloud.stack.resource import Owner, Ref, Resource, Stack, StackError

OWNER = Owner("prod", "uid-1", "service default/web")


def test_a_stack_survives_json() -> None:
    stack = Stack(
        OWNER,
        (
            Resource("group", "group/a", {"ports": [80, 443]}),
            Resource(
                "balancer", "lb", {"groups": [Ref("group/a", "arn")], "nested": {"x": Ref("group/a")}}, ("group/a",)
            ),
        ),
    )
    again = Stack.from_dict(json.loads(json.dumps(stack.as_dict())))
    assert again.as_dict() == stack.as_dict()
    assert again.digest == stack.digest
    assert again.resources[1].references() == {"group/a"}


def test_a_key_that_is_declared_twice_is_refused() -> None:
    with pytest.raises(StackError, match="resource a is declared twice"):
        Stack(OWNER, (Resource("x", "a"), Resource("y", "a")))


def test_a_reference_to_nothing_is_refused() -> None:
    with pytest.raises(StackError, match="resource a refers to b, which is not declared"):
        Stack(OWNER, (Resource("x", "a", {"needs": Ref("b")}),))


def test_resources_are_ordered_by_their_references() -> None:
    resources = (Resource("x", "c", {"r": Ref("b")}), Resource("x", "b", {"r": Ref("a")}), Resource("x", "a"))
    assert [resource.key for resource in sort_resources(resources)] == ["a", "b", "c"]


def test_a_circle_is_refused() -> None:
    circle = (Resource("x", "a", {"r": Ref("b")}), Resource("x", "b", {"r": Ref("a")}))
    with pytest.raises(StackError, match="in a circle"):
        sort_resources(circle)


def test_ownership_tags_name_cluster_owner_and_resource() -> None:
    assert OWNER.tags("lb") == {
        "cloudk8s.io/cluster": "prod",
        "cloudk8s.io/owner": "uid-1",
        "cloudk8s.io/owner-name": "service default/web",
        "cloudk8s.io/resource": "lb",
    }
