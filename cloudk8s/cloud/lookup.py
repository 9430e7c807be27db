"""Find the instances of nodes: one call to each cloud for many nodes, whoever asks for them."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta

from cloudk8s.cloud.directory import AttachedCloud, CloudDirectory
from cloudk8s.cloud.model.instance import Instance, NodeRef
from cloudk8s.errors import CloudError
from cloudk8s.machinery.clock import Clock


@dataclass(frozen=True, slots=True)
class Found:
    """What is known about one node. `instance` None: no cloud claims it. `error`: nothing can be said now."""

    instance: Instance | None = None
    cloud: str = ""
    error: CloudError | None = None


class InstanceLookup:
    """Shared by the node and node-lifecycle controllers. Never raises for what a cloud does."""

    def __init__(self, directory: CloudDirectory, *, clock: Clock, window: timedelta) -> None:
        self._directory = directory
        self._clock = clock
        self._window = window.total_seconds()
        self._waiting: dict[str, tuple[NodeRef, list[asyncio.Future[Found]]]] = {}
        self._flush: asyncio.Task[None] | None = None
        self._clouds: dict[str, str] = {}

    async def find(self, node: NodeRef) -> Found:
        """Look one node up; lookups that come within the window share one call."""
        future: asyncio.Future[Found] = asyncio.get_running_loop().create_future()
        self._waiting.setdefault(node.name, (node, []))[1].append(future)
        if self._flush is None:
            self._flush = asyncio.create_task(self._flush_soon(), name="look instances up")
        return await future

    async def find_many(self, nodes: Sequence[NodeRef]) -> Mapping[str, Found]:
        """Look many nodes up, by name: one call to each cloud (or one for each of its batches)."""
        asked: dict[str, tuple[AttachedCloud, list[NodeRef]]] = {}
        for node in nodes:
            for cloud in self._directory.for_node(node.provider_id):
                asked.setdefault(cloud.name, (cloud, []))[1].append(node)
        answers = await asyncio.gather(*(self._ask(cloud, batch) for cloud, batch in _batches(asked.values())))
        found: dict[str, Found] = {}
        for answer in answers:
            for name, entry in answer.items():
                found[name] = _better(found.get(name), entry)
        return {node.name: found.get(node.name, Found()) for node in nodes}

    async def clouds_of(self, nodes: Sequence[NodeRef]) -> Mapping[str, str]:
        """The name of each node's cloud, by node name; asks only where several clouds share a scheme.

        A node that no cloud claims is missing. Raises CloudError where nothing can be said of some node now: who acts
        on a short answer takes living nodes out of load balancers and routes.
        """
        owners, unsure = {}, []
        for node in nodes:
            candidates = self._directory.for_node(node.provider_id)
            if len(candidates) == 1 or node.provider_id in self._clouds:
                owners[node.name] = self._clouds.get(node.provider_id) or candidates[0].name
            elif candidates:
                unsure.append(node)
        found = await self.find_many(unsure) if unsure else {}
        for node in unsure:
            answer = found[node.name]
            if answer.error is not None:
                raise answer.error
            if answer.instance is not None:
                owners[node.name] = answer.cloud
                if node.provider_id:
                    self._clouds[node.provider_id] = answer.cloud
        return owners

    async def _flush_soon(self) -> None:
        await self._clock.sleep(self._window)
        waiting, self._waiting, self._flush = self._waiting, {}, None
        try:
            found = await self.find_many([node for node, _ in waiting.values()])
        except BaseException:
            for _, futures in waiting.values():
                for future in futures:
                    future.cancel()
            raise
        for name, (_, futures) in waiting.items():
            for future in futures:
                if not future.done():
                    future.set_result(found[name])

    async def _ask(self, cloud: AttachedCloud, nodes: Sequence[NodeRef]) -> Mapping[str, Found]:
        assert cloud.instances is not None
        try:
            answer = await cloud.calls.run(None, cloud.instances.describe, nodes)
        except CloudError as error:
            return {node.name: Found(cloud=cloud.name, error=error) for node in nodes}
        return {name: _found(cloud.name, instance) for name, instance in answer.items()}


def _found(cloud: str, instance: Instance) -> Found:
    if instance.state == "unknown":
        return Found(cloud=cloud, error=CloudError(instance.reason or "the cloud is not sure"))
    return Found(instance, cloud)


def _better(one: Found | None, other: Found) -> Found:
    """Of two clouds' answers: a living instance, then doubt, then a positive "gone"."""

    def rank(found: Found) -> int:
        if found.instance is not None:
            return 2 if found.instance.state == "gone" else 0
        return 1

    return other if one is None or rank(other) < rank(one) else one


def _batches(asked: Iterable[tuple[AttachedCloud, list[NodeRef]]]) -> list[tuple[AttachedCloud, list[NodeRef]]]:
    batches = []
    for cloud, nodes in asked:
        assert cloud.instances is not None
        size = cloud.instances.capabilities.batch or len(nodes)
        batches += [(cloud, nodes[start : start + size]) for start in range(0, len(nodes), size)]
    return batches
