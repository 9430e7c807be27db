"""What machines were made of before, and the way back."""

from __future__ import annotations

from typing import Any

import pytest

from cloudk8s.errors import UserError
from cloudk8s.provisioning.objects.history import Revision, chosen, gone_back, revisions
from tests.provisioning.harness import declaration, workers
from tests.provisioning.objects.test_publishing import World


def shown(*types: str) -> tuple[World, list[Revision]]:
    """A pool whose type was changed turn after turn, and its revisions."""
    world = World(declaration(pools=workers(1, type=types[0], labels={"a": "b"})))
    for each in types:
        world.declared = declaration(pools=workers(1, type=each, labels={"a": "b"}))
        world.turn(world.machines())
    return world, revisions(world.api, world.declared)  # type: ignore[arg-type]


def test_each_change_is_a_revision() -> None:
    _, found = shown("small", "large", "huge")
    assert [(each.pool, each.number, each.content, each.machines, each.is_current) for each in found] == [
        ("workers", 1, {"type": "small"}, 0, False), ("workers", 2, {"type": "large"}, 0, False),
        ("workers", 3, {"type": "huge"}, 1, True),
    ]  # fmt: skip


@pytest.mark.parametrize(("number", "expected"), [(0, "large"), (1, "small"), (2, "large")])
def test_one_of_them_is_chosen(number: int, expected: str) -> None:
    world, found = shown("small", "large", "huge")
    back = gone_back(world.declared, chosen(found, "workers", number))
    assert (back.pools[0].type, back.pools[0].labels) == (expected, {"a": "b"})


@pytest.mark.parametrize(("pool", "number"), [("workers", 3), ("workers", 9), ("other", 0)])
def test_what_is_not_there_or_current_is_no_way_back(pool: str, number: int) -> None:
    with pytest.raises(UserError, match="to go back to"):
        chosen(shown("small", "large", "huge")[1], pool, number)


def test_only_what_machines_are_made_of_goes_back() -> None:
    before: Any = workers(1, type="small", options={"a": 1}, spot=True)
    revision = Revision("workers", 1, 0, is_current=False, content={})
    back = gone_back(declaration(pools=before, kubernetesVersion="1.36"), revision).pools[0]
    assert (back.type, back.options, back.spot, back.replicas) == ("", {}, False, 1)


def test_a_pool_that_is_not_there_is_named() -> None:
    world, _ = shown("small")
    with pytest.raises(UserError, match="there is no pool 'web'; there is workers"):
        revisions(world.api, world.declared, "web")  # type: ignore[arg-type]
