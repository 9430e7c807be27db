"""When a cluster is ready: its nodes have reported for duty."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from cloudk8s.client.interface import Client, Object
from cloudk8s.client.resources import NODES
from cloudk8s.errors import NotFound
from cloudk8s.machinery.clock import Clock

_LOOK_SECONDS: Final = 0.05


async def late_nodes(client: Client, names: Sequence[str], *, clock: Clock, patience: float) -> Sequence[str]:
    """Wait until all of these nodes are Ready; returns those that are not after `patience` seconds."""
    deadline = clock.monotonic() + patience
    waiting = list(names)
    while waiting:
        waiting = [name for name in waiting if not await _is_ready(client, name)]
        if not waiting or clock.monotonic() >= deadline:
            break
        await clock.sleep(_LOOK_SECONDS)
    return waiting


async def _is_ready(client: Client, name: str) -> bool:
    try:
        node: Object = await client.get(NODES, name)
    except NotFound:
        return False
    conditions = (node.get("status") or {}).get("conditions") or []
    return any(condition["type"] == "Ready" and condition["status"] == "True" for condition in conditions)
