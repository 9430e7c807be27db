"""Idempotency tokens follow from the owner's UID and the intent, and from nothing else."""

from __future__ import annotations

import pytest

from cloudk8s.cloud.stack.resource import Owner
from cloudk8s.cloud.stack.token import intent_token

OWNER = Owner("prod", "uid-1", "service default/web")
TOKEN = intent_token(OWNER, "group/80", {"port": 80, "tags": {"a": "b"}})


def test_the_same_intent_has_the_same_token_in_every_process() -> None:
    assert intent_token(Owner("prod", "uid-1"), "group/80", {"tags": {"a": "b"}, "port": 80}) == TOKEN
    assert TOKEN == "620f40f365b94ff3d30878f18a7e3b70", "a constant: another release must find what this one began"


@pytest.mark.parametrize(
    "other",
    [
        intent_token(Owner("test", "uid-1"), "group/80", {"port": 80, "tags": {"a": "b"}}),
        intent_token(Owner("prod", "uid-2"), "group/80", {"port": 80, "tags": {"a": "b"}}),
        intent_token(OWNER, "group/81", {"port": 80, "tags": {"a": "b"}}),
        intent_token(OWNER, "group/80", {"port": 81, "tags": {"a": "b"}}),
        intent_token(OWNER, "group/80", {"port": 80, "tags": {"a": "b"}}, ["group-1"]),
    ],
    ids=["cluster", "owner", "resource", "properties", "predecessor"],
)
def test_another_intent_has_another_token(other: str) -> None:
    assert other != TOKEN
