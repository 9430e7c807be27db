"""What pretended pods use: told by annotations, or half of what they request, with a little noise.

The same seed, pod and minute give the same use. The first of these that says something about a resource counts:

1. the pod's annotation `simulated.cloudk8s.io/usage-cpu` (`-memory`): what each container uses, as a quantity or as a
   share of its request (`80%`); kwok's `kwok.x-k8s.io/usage-cpu` is understood too
2. the annotation `simulated.cloudk8s.io/load-cpu` (`-memory`) of the pod's ReplicaSet, StatefulSet or replication
   controller: a load that its running pods share. A Deployment hands its annotations to its ReplicaSets.
3. the rules of the settings
4. half of the request, or next to nothing where nothing is requested
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Any, Final, Protocol

from cloudk8s.api.resource_metrics.usage import Measurement, Usage
from cloudk8s.client import resources
from cloudk8s.client.informer import Informers
from cloudk8s.client.interface import Object
from cloudk8s.client.objects import annotations_of, name_of, namespace_of
from cloudk8s.machinery.clock import Clock
from cloudk8s.machinery.quantity import NANOS_PER_UNIT, QuantityError, parse
from cloudk8s.machinery.times import parse_time
from cloudk8s_simulated.nodes.sharing import Sharing

USAGE: Final = ("simulated.cloudk8s.io/usage-", "kwok.x-k8s.io/usage-")
LOAD: Final = "simulated.cloudk8s.io/load-"
_WINDOW: Final = timedelta(seconds=15)
_IDLE: Final = {"cpu": NANOS_PER_UNIT // 1000, "memory": 16 * 2**20 * NANOS_PER_UNIT}
"""What a container without requests uses, in billionths."""
_NODE: Final = Usage(50_000_000, 512 * 2**20)
"""What a node uses by itself."""
_NOISE: Final = 0.1
_ON_NODE: Final = "simulated: running, by node"


class UsageRule(Protocol):
    """Says what containers of some pods use."""

    def amount(self, pod: Object, container: Mapping[str, Any], resource: str) -> str:
        """A quantity, a share of the request, or nothing where the rule is not about this container."""


@dataclass(frozen=True, slots=True)
class UsageSettings:
    """Rules in the order in which they are asked."""

    rules: Sequence[UsageRule] = ()
    seed: int = 0


class SimulatedUsage:
    """A source of usage for the nodes of a fleet; everything is worked out when it is asked for."""

    def __init__(
        self, informers: Informers, nodes: Collection[str], sharing: Sharing, settings: UsageSettings, *, clock: Clock
    ) -> None:
        self._nodes, self._settings, self._clock = nodes, settings, clock
        self._pods = informers.of(resources.PODS)
        self._pods.add_index(_ON_NODE, _running_on)
        self._sharing = sharing

    def of_node(self, node: Object) -> Measurement | None:
        """The sum of its pods, and a little."""
        name = name_of(node)
        if name not in self._nodes:
            return None
        found = [self.of_pod(pod) for pod in self._pods.by_index(_ON_NODE, name)]
        usages = [usage for measured in found if measured for usage in measured.usage.values()]
        cpu = _NODE.cpu_nano_cores + sum(usage.cpu_nano_cores for usage in usages)
        memory = _NODE.memory_bytes + sum(usage.memory_bytes for usage in usages)
        return Measurement(self._clock.now(), _WINDOW, {"": Usage(cpu, memory)})

    def of_pod(self, pod: Object) -> Measurement | None:
        """What its running containers use; None in the second in which they start."""
        if pod["spec"].get("nodeName") not in self._nodes:
            return None
        now, running = self._clock.now(), _running_since(pod)
        if not running:
            return None
        window = min(_WINDOW, now - max(running.values()))
        if window < timedelta(seconds=1):
            return None
        owner = self._sharing.owner_of(pod)
        usage = {item["name"]: self._of(pod, item, owner, now) for item in _containers(pod) if item["name"] in running}
        return Measurement(now, window, usage)

    def _of(self, pod: Object, container: Mapping[str, Any], owner: Object | None, now: datetime) -> Usage:
        cpu, memory = (self._amount(pod, container, owner, resource, now) for resource in ("cpu", "memory"))
        return Usage(cpu, memory // NANOS_PER_UNIT // 1024 * 1024)

    def _amount(
        self, pod: Object, container: Mapping[str, Any], owner: Object | None, resource: str, now: datetime
    ) -> int:
        """In billionths of the resource's unit, and never more than the limit."""
        wanted = _bounds(container, "requests", resource)
        told = self._told(pod, container, resource)
        if told is None:
            load = self._load(pod, owner, resource)
            told = self._ruled(pod, container, resource, wanted) if load is None else load
        if told is None:
            told = (wanted // 2 or _IDLE[resource]) * (1 + self._noise(pod, container, resource, now))
        limit = _bounds(container, "limits", resource)
        return min(int(told), limit) if limit else int(told)

    def _told(self, pod: Object, container: Mapping[str, Any], resource: str) -> float | None:
        annotations = annotations_of(pod)
        for prefix in USAGE:
            if text := annotations.get(prefix + resource):
                return _read(text, _bounds(container, "requests", resource))
        return None

    def _ruled(self, pod: Object, container: Mapping[str, Any], resource: str, wanted: int) -> float | None:
        for rule in self._settings.rules:
            if text := rule.amount(pod, container, resource):
                return _read(text, wanted)
        return None

    def _load(self, pod: Object, owner: Object | None, resource: str) -> float | None:
        """The pod's share of its owner's load, spread over its containers."""
        text = annotations_of(owner).get(LOAD + resource) if owner else None
        load = _read(text, 0) if text and owner else None
        if load is None or owner is None:
            return None
        return load / (self._sharing.sharers(owner) * max(1, len(pod["spec"]["containers"])))

    def _noise(self, pod: Object, container: Mapping[str, Any], resource: str, now: datetime) -> float:
        minute = int(now.timestamp()) // 60
        place = (self._settings.seed, namespace_of(pod), name_of(pod), container["name"], resource, minute)
        digest = hashlib.blake2b("/".join(map(str, place)).encode(), digest_size=4).digest()
        return _NOISE * (int.from_bytes(digest, "big") / 2**31 - 1)


def _read(text: str, wanted: int) -> float | None:
    """A quantity in billionths, or a share of what is wanted; None where it is neither."""
    try:
        if text.endswith("%"):
            return wanted * float(text[:-1]) / 100
        return parse(text).nanos
    except (QuantityError, ValueError):
        return None


def _bounds(container: Mapping[str, Any], kind: str, resource: str) -> int:
    amount = ((container.get("resources") or {}).get(kind) or {}).get(resource)
    return parse(amount).nanos if amount else 0


def _containers(pod: Object) -> Iterable[Mapping[str, Any]]:
    yield from pod["spec"]["containers"]
    yield from (item for item in pod["spec"].get("initContainers") or () if item.get("restartPolicy") == "Always")


_moment = lru_cache(maxsize=4096)(parse_time)
"""Thousands of pods start in the same second."""


def _running_since(pod: Object) -> dict[str, datetime]:
    status = pod.get("status") or {}
    found = {}
    for item in (*(status.get("containerStatuses") or ()), *(status.get("initContainerStatuses") or ())):
        if running := (item.get("state") or {}).get("running"):
            found[item["name"]] = _moment(running["startedAt"])
    return found


def _is_running(pod: Object) -> bool:
    return (pod.get("status") or {}).get("phase") == "Running"


def _running_on(pod: Object) -> Iterable[str]:
    return (pod["spec"]["nodeName"],) if _is_running(pod) and pod["spec"].get("nodeName") else ()
