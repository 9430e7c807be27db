"""Delete pods that do not tolerate a NoExecute taint of their node, when their toleration ends.

https://kubernetes.io/docs/concepts/scheduling-eviction/taint-and-toleration/#taint-based-evictions
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from cloudk8s.client.interface import Object
from cloudk8s.client.objects import (
    is_deleting,
    key_of,
    name_of,
    spec_of,
    uid_of,
)
from cloudk8s.client.queue import WorkQueue, run_workers
from cloudk8s.client.resources import NODES, PODS
from cloudk8s.controllers.interface import ControllerContext
from cloudk8s.controllers.pods import BY_NODE, node_of
from cloudk8s.controllers.victims import Victims, target

WORKERS = 20
MESSAGE = "Taint manager: deleting due to NoExecute taint"

Taint = Mapping[str, Any]
Toleration = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class _Eviction:
    uid: str
    since: float
    at: float


class TaintEvictionController:
    """Holds a deadline for every pod that leaves; a taint that goes before the deadline cancels it."""

    def __init__(self, context: ControllerContext) -> None:
        self._victims = Victims(context.client, context.settings)
        self._clock = context.clock
        self._events = context.events.for_component("taint-eviction-controller")
        self._queue: WorkQueue[str] = WorkQueue(
            "noexec_taint_pod", clock=context.clock, instruments=context.instruments
        )
        self._evictions: dict[str, _Eviction] = {}
        self._deleted = context.instruments.counter(
            "taint_eviction_controller_pod_deletions_total",
            "Total number of Pods deleted by TaintEvictionController since its start.",
        )
        self._late = context.instruments.histogram(
            "taint_eviction_controller_pod_deletion_duration_seconds",
            "Latency, in seconds, between the time when a taint effect has been activated for the Pod and its deletion "
            "via TaintEvictionController.",
            (0.005, 0.025, 0.1, 0.5, 1, 2.5, 10, 30, 60, 120, 180, 240),
        ).of()
        self._nodes = context.informers.of(NODES)
        self._nodes.add_handler(self._node_changed)
        self._pods = context.informers.of(PODS)
        self._pods.add_index(BY_NODE, node_of)
        self._pods.add_handler(self._pod_changed)

    async def run(self) -> None:
        await run_workers(self._queue, WORKERS, self._evict)

    def _node_changed(self, old: Object | None, new: Object | None) -> None:
        before = no_execute_taints(old) if old else ()
        after = no_execute_taints(new) if new else ()
        if before != after:
            for pod in self._pods.by_index(BY_NODE, name_of(new or old or {})):
                self._consider(pod, after)

    def _pod_changed(self, old: Object | None, new: Object | None) -> None:
        if new is None or (old is not None and uid_of(old) != uid_of(new)):
            self._evictions.pop(key_of(old or {}), None)
        if new is None or (old is not None and _placement(old) == _placement(new)):
            return
        node = self._nodes.get(spec_of(new).get("nodeName", ""))
        if node is not None:
            self._consider(new, no_execute_taints(node))

    def _consider(self, pod: Object, taints: Sequence[Taint]) -> None:
        """Set, move or cancel the pod's deadline."""
        key, now = key_of(pod), self._clock.monotonic()
        wait = time_left(taints, spec_of(pod).get("tolerations") or ())
        if wait is None:
            self._cancel(key, pod)
            return
        known = self._evictions.get(key)
        since = known.since if known else now
        self._evictions[key] = _Eviction(uid_of(pod), since, since + wait)
        self._queue.add_after(key, since + wait - now)

    def _cancel(self, key: str, pod: Object) -> None:
        if self._evictions.pop(key, None) is not None:
            self._events.normal(pod, "TaintManagerEviction", f"Cancelling deletion of Pod {key}")

    async def _evict(self, key: str) -> timedelta | None:
        eviction, pod = self._evictions.get(key), self._pods.get_key(key)
        if eviction is None or pod is None or uid_of(pod) != eviction.uid:
            return None
        left = eviction.at - self._clock.monotonic()
        if left > 0:
            return timedelta(seconds=left)
        if is_deleting(pod):
            del self._evictions[key]
            return None
        self._events.normal(pod, "TaintManagerEviction", f"Marking for deletion Pod {key}")
        status = {"conditions": [target(pod, "DeletionByTaintManager", MESSAGE, self._clock.now())]}
        await self._victims.end(pod, status)
        self._deleted.add()
        self._late.observe(self._clock.monotonic() - eviction.at)
        self._evictions.pop(key, None)
        return None


def no_execute_taints(node: Object) -> Sequence[Taint]:
    """The taints of a node that make pods leave, without what does not matter for that."""
    found = (taint for taint in spec_of(node).get("taints") or () if taint.get("effect") == "NoExecute")
    return [{"key": taint["key"], "value": taint.get("value", ""), "effect": "NoExecute"} for taint in found]


def time_left(taints: Sequence[Taint], tolerations: Sequence[Toleration]) -> float | None:
    """Seconds until a pod must leave: 0 at once, None never."""
    shortest: float | None = None
    for taint in taints:
        tolerating = next((item for item in tolerations if tolerates(item, taint)), None)
        if tolerating is None:
            return 0.0
    used = [item for item in tolerations if any(tolerates(item, taint) for taint in taints)]
    for item in used:
        seconds = item.get("tolerationSeconds")
        if seconds is not None:
            wait = max(0.0, float(seconds))
            shortest = wait if shortest is None else min(shortest, wait)
    return shortest


def tolerates(toleration: Toleration, taint: Taint) -> bool:
    """Whether one toleration covers one taint."""
    if toleration.get("effect") and toleration["effect"] != taint["effect"]:
        return False
    if toleration.get("key") and toleration["key"] != taint["key"]:
        return False
    match toleration.get("operator") or "Equal":
        case "Exists":
            return True
        case "Equal":
            return bool(toleration.get("key")) and (toleration.get("value") or "") == taint["value"]
    return False


def _placement(pod: Object) -> tuple[Any, ...]:
    return spec_of(pod).get("nodeName"), spec_of(pod).get("tolerations")
