"""Tell kubelets how long they may keep Secrets and ConfigMaps: the longer, the more nodes there are."""

from __future__ import annotations

from datetime import timedelta
from typing import Final

from cloudk8s.client.interface import Object
from cloudk8s.client.objects import annotations_of, name_of
from cloudk8s.client.queue import WorkQueue, run_workers
from cloudk8s.client.resources import NODES
from cloudk8s.controllers.interface import ControllerContext
from cloudk8s.errors import NotFound

SETTLING: Final = 5.0
"""Seconds that a growing cluster is given, so that its nodes are not written again at every step."""
ANNOTATION: Final = "node.alpha.kubernetes.io/ttl"
_STEPS: Final = ((0, 100, 0), (90, 500, 15), (450, 1000, 30), (900, 2000, 60), (1800, 2**31, 300))
"""From how many nodes (when shrinking), to how many (when growing), how many seconds."""


class NodeTTLController:
    """Annotates a node when it changes, and all of them as the cluster grows over a step."""

    def __init__(self, context: ControllerContext) -> None:
        self._context = context
        self._step = 0
        self._queue: WorkQueue[str] = WorkQueue("ttlcontroller", clock=context.clock, instruments=context.instruments)
        self._nodes = context.informers.of(NODES)
        self._nodes.add_handler(self._changed)

    async def run(self) -> None:
        await run_workers(self._queue, self._context.options.concurrent_syncs, self._reconcile)

    @property
    def _wanted(self) -> str:
        return str(_STEPS[self._step][2])

    def _changed(self, old: Object | None, new: Object | None) -> None:
        if (old is None or new is None) and self._takes_a_step():
            for node in self._nodes.list():
                self._queue.add_after(name_of(node), SETTLING)
        if new is not None and annotations_of(new).get(ANNOTATION) != self._wanted:
            self._queue.add_after(name_of(new), SETTLING)

    def _takes_a_step(self) -> bool:
        count, before = len(self._nodes), self._step
        while count > _STEPS[self._step][1]:
            self._step += 1
        while count < _STEPS[self._step][0]:
            self._step -= 1
        return self._step != before

    async def _reconcile(self, name: str) -> timedelta | None:
        node = self._nodes.get(name)
        if node is None or annotations_of(node).get(ANNOTATION) == self._wanted:
            return None
        patch = {"metadata": {"annotations": {ANNOTATION: self._wanted}}}
        try:
            await self._context.client.patch(NODES, name, patch, type="strategic")
        except NotFound:
            return None
        return None
