"""Idempotency tokens: the same intent has the same token, in any process and after any crash."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from cloudk8s.cloud.stack.resource import Owner, digest, dump


def intent_token(owner: Owner, key: str, properties: Mapping[str, Any], predecessors: Iterable[str] = ()) -> str:
    """A token for making one resource.

    It changes with the properties (a cloud refuses a token that comes with other parameters) and with the ids of dead
    predecessors (a cloud answers an old token with the resource that is gone).
    """
    return digest([owner.cluster, owner.uid, key, dump(properties), sorted(predecessors)])
