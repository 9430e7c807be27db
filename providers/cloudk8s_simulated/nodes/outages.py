"""Which simulated nodes are down: those that somebody marked, and those whose time has come."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection
from typing import Final

from cloudk8s.client import resources
from cloudk8s.client.informer import Informers
from cloudk8s.client.interface import Object
from cloudk8s.client.objects import annotations_of, name_of
from cloudk8s.machinery.clock import Clock
from cloudk8s_simulated.stages.choosing import chance_for
from cloudk8s_simulated.stages.documents import NodeBehavior

DOWN: Final = "simulated.cloudk8s.io/down"
"""Annotation of a node: while it is `true`, the node is dead to the world."""


class Outages:
    """Keeps track of the nodes that are down, and calls `on_change` with the name of each that goes or comes back."""

    def __init__(
        self, informers: Informers, names: Collection[str], behavior: NodeBehavior, *,
        seed: int, clock: Clock, on_change: Callable[[str], None],
    ) -> None:  # fmt: skip
        self._names, self._behavior, self._seed, self._clock = names, behavior, seed, clock
        self._on_change = on_change
        self._marked: set[str] = set()
        self._failed: set[str] = set()
        informers.of(resources.NODES).add_handler(self._on_node)

    def is_up(self, name: str) -> bool:
        """Whether a node is one of the fleet and alive."""
        return name in self._names and name not in self._marked and name not in self._failed

    async def run(self) -> None:
        """Let nodes fail and come back, each in its own time; until cancelled."""
        if not self._behavior.meanTimeBetweenFailures:
            return
        async with asyncio.TaskGroup() as group:
            for name in self._names:
                group.create_task(self._live(name), name=f"outages of {name}")

    async def _live(self, name: str) -> None:
        dice = chance_for(self._seed, "node", name, 0)
        while True:
            await self._clock.sleep(dice.expovariate(1 / self._behavior.meanTimeBetweenFailures))
            self._failed.add(name)
            self._on_change(name)
            await self._clock.sleep(dice.expovariate(1 / max(self._behavior.meanTimeToRepair, 0.001)))
            self._failed.discard(name)
            self._on_change(name)

    def _on_node(self, old: Object | None, new: Object | None) -> None:
        name = name_of(new or old or {})
        if name not in self._names:
            return
        is_marked = new is not None and annotations_of(new).get(DOWN) == "true"
        if is_marked != (name in self._marked):
            (self._marked.add if is_marked else self._marked.discard)(name)
            self._on_change(name)
