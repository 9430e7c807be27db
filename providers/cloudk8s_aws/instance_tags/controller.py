"""The tag controller: nodes without the mark of today's tags → their instances are tagged → the mark."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from datetime import timedelta

from cloudk8s.client.interface import Object
from cloudk8s.client.objects import is_deleting, labels_of, name_of
from cloudk8s.client.queue import WorkQueue, run_workers
from cloudk8s.client.resources import NODES
from cloudk8s.cloud.controllers.node_reference import age_of, provider_id_of
from cloudk8s.errors import NotFound, StatusError
from cloudk8s.plugin import Calls, CloudError, CloudNotFound, ControllerContext
from cloudk8s_aws.instance_tags.tagging import InstanceTagger, mark_of
from cloudk8s_aws.instances import provider_id

LABEL = "k8s.io/cloud-provider-aws"
WINDOW = timedelta(milliseconds=500)
AGAIN = timedelta(seconds=30)
NEWBORN = timedelta(minutes=5)
"""How long an instance that is not found is looked for again."""
ALL = "nodes"
log = logging.getLogger(__name__)


class TagController:
    """One key: nodes that come together are tagged together."""

    def __init__(self, context: ControllerContext, calls: Calls, tagger: InstanceTagger) -> None:
        self._calls, self._tagger, self._clock = calls, tagger, context.clock
        self._client = context.client
        self._mark = mark_of(tagger.tags)
        self._gone: set[str] = set()
        self._given_up: set[str] = set()
        self._queue: WorkQueue[str] = WorkQueue("instance tags", clock=context.clock, instruments=context.instruments)
        self._nodes = context.informers.of(NODES)
        self._nodes.add_handler(self._on_node)

    async def run(self) -> None:
        self._queue.add(ALL)
        await run_workers(self._queue, 1, self.reconcile)

    async def reconcile(self, key: str) -> timedelta | None:
        """Tag what is not marked, untag what is gone; returns when to look again."""
        if self._gone:
            gone, self._gone = sorted(self._gone), set()
            failed = await self._call(self._tagger.untag, gone)
            self._gone |= failed.keys()
        waiting = {id: node for node in self._nodes.list() if (id := self._unmarked(node))}
        failed = await self._call(self._tagger.tag, sorted(waiting)) if waiting else {}
        for id, node in waiting.items():
            if id not in failed:
                await self._set_mark(node)
            elif isinstance(failed[id], CloudNotFound) and age_of(node, self._clock.now()) > NEWBORN:
                log.warning("node %s: instance %s is not there, and is not tagged", name_of(node), id)
                self._given_up.add(id)
            else:
                log.warning("node %s: %s", name_of(node), failed[id])
        return AGAIN if self._gone or failed.keys() - self._given_up else None

    async def _call(self, method: object, ids: Sequence[str]) -> Mapping[str, CloudError]:
        try:
            answer: Mapping[str, CloudError] = await self._calls.run("tags", method, ids)  # type: ignore[arg-type]
        except CloudError as error:
            return dict.fromkeys(ids, error)
        return answer

    async def _set_mark(self, node: Object) -> None:
        try:
            await self._client.patch(NODES, name_of(node), {"metadata": {"labels": {LABEL: self._mark}}}, type="merge")
        except NotFound:
            return
        except StatusError as error:
            log.warning("node %s: the mark of its tags is not written: %s", name_of(node), error)

    def _unmarked(self, node: Object) -> str:
        """The instance of a node that lacks today's mark; empty where there is nothing to do."""
        known = provider_id.parse(provider_id_of(node))
        if known is None or is_deleting(node) or labels_of(node).get(LABEL) == self._mark:
            return ""
        return "" if known.instance in self._given_up else known.instance

    def _on_node(self, old: Object | None, new: Object | None) -> None:
        if new is None and old is not None:
            known = provider_id.parse(provider_id_of(old))
            if known is not None and known.instance:
                self._gone.add(known.instance)
                self._queue.add_after(ALL, WINDOW)
        elif new is not None and self._unmarked(new):
            self._queue.add_after(ALL, WINDOW)
