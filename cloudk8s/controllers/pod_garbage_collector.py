"""Delete pods that nobody else will: too many that have ended, those of lost nodes, and those that never had one.

https://kubernetes.io/docs/concepts/workloads/pods/pod-lifecycle/#pod-garbage-collection
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Sequence
from datetime import timedelta
from typing import Final

from cloudk8s.client.interface import Object
from cloudk8s.client.objects import (
    is_deleting,
    is_true,
    name_of,
    namespace_of,
    spec_of,
    status_of,
)
from cloudk8s.client.resources import NODES, PODS
from cloudk8s.controllers.batches import all_of
from cloudk8s.controllers.interface import ControllerContext
from cloudk8s.controllers.pods import BY_NODE, is_terminal, node_of
from cloudk8s.controllers.victims import Victims, target
from cloudk8s.errors import NotFound

PERIOD: Final = 20.0
QUARANTINE: Final = timedelta(seconds=40)
"""How long a node has to be gone before its pods go."""
OUT_OF_SERVICE: Final = "node.kubernetes.io/out-of-service"
BY_STATE: Final = "pod garbage"
_ENDED, _NEVER_BOUND = "ended", "deleted before it had a node"

_log = logging.getLogger(__name__)


class PodGarbageCollector:
    """Looks every twenty seconds at what indexes say is suspicious."""

    def __init__(self, context: ControllerContext) -> None:
        self._client = context.client
        self._victims = Victims(context.client, context.settings)
        self._clock = context.clock
        self._threshold = context.options.terminated_pod_gc_threshold
        self._missing: dict[str, float] = {}
        self._deleted = context.instruments.counter(
            "pod_gc_collector_force_delete_pods_total",
            "Number of pods that are being forcefully deleted since the Pod GC Controller started.",
            ("namespace", "reason"),
        )
        self._nodes = context.informers.of(NODES)
        self._pods = context.informers.of(PODS)
        self._pods.add_index(BY_NODE, node_of)
        self._pods.add_index(BY_STATE, _state)

    async def run(self) -> None:
        while True:
            await self._clock.sleep(PERIOD)
            await self._collect(self._superfluous(), "terminated")
            await self._collect(self._of_nodes_out_of_service(), "out-of-service")
            await self._collect(await self._of_lost_nodes(), "orphaned", "PodGC: node no longer exists")
            await self._collect(self._pods.by_index(BY_STATE, _NEVER_BOUND), "unscheduled")

    def _superfluous(self) -> Sequence[Object]:
        """The oldest pods that have ended, beyond the threshold; evicted ones first."""
        if self._threshold <= 0:
            return ()
        excess = self._pods.count(BY_STATE, _ENDED) - self._threshold
        return sorted(self._pods.by_index(BY_STATE, _ENDED), key=_worth)[:excess] if excess > 0 else ()

    def _of_nodes_out_of_service(self) -> Iterable[Object]:
        """Pods being deleted on nodes that an operator has declared dead."""
        for node in self._nodes.list():
            taints = spec_of(node).get("taints")
            if taints and not is_true(node, "Ready") and any(taint["key"] == OUT_OF_SERVICE for taint in taints):
                yield from (pod for pod in self._pods.by_index(BY_NODE, name_of(node)) if is_deleting(pod))

    async def _of_lost_nodes(self) -> list[Object]:
        """Pods of nodes that have been missing for a while, and that the server does not know either."""
        missing = [node for node in self._pods.index_values(BY_NODE) if self._nodes.get(node) is None]
        now = self._clock.monotonic()
        self._missing = {node: self._missing.get(node, now) for node in missing}
        found: list[Object] = []
        for node, since in self._missing.items():
            if now - since >= QUARANTINE.total_seconds() and await self._is_gone(node):
                found += self._pods.by_index(BY_NODE, node)
        return found

    async def _is_gone(self, node: str) -> bool:
        try:
            await self._client.get(NODES, node)
        except NotFound:
            return True
        return False

    async def _collect(self, pods: Iterable[Object], kind: str, message: str = "") -> None:
        async def collect(pod: Object) -> None:
            await self._delete(pod, message)
            self._deleted.add(namespace_of(pod), kind)

        doomed = list(pods)
        if doomed and (failed := await all_of(doomed, collect)) is not None:
            _log.warning("%d pods could not be collected: %s", failed[1], failed[0])

    async def _delete(self, pod: Object, message: str) -> None:
        """Say that it failed, for there is no kubelet that would, and delete it at once."""
        status: Object = {"phase": "Failed"}
        if message:
            status["conditions"] = [target(pod, "DeletionByPodGC", message, self._clock.now())]
        await self._victims.end(pod, status, grace_period_seconds=0)


def _state(pod: Object) -> Iterable[str]:
    """Index function."""
    if is_terminal(pod):
        return (_ENDED,)
    return (_NEVER_BOUND,) if is_deleting(pod) and not spec_of(pod).get("nodeName") else ()


def _worth(pod: Object) -> tuple[bool, str, str]:
    is_evicted = status_of(pod).get("reason") == "Evicted"
    return not is_evicted, pod["metadata"].get("creationTimestamp", ""), name_of(pod)
