"""Pods that use more of the node's disk than they may: by emptyDir, by container, altogether."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from datetime import timedelta
from pathlib import Path
from typing import Final

from cloudk8s.client.interface import Object
from cloudk8s.client.objects import spec_of, uid_of
from cloudk8s.machinery import quantity
from cloudk8s.machinery.quantity import Quantity
from cloudk8s.node.pods import pod as pods
from cloudk8s.node.pods.status.inputs import Terminal
from cloudk8s.node.pods.worker import PodWorker
from cloudk8s.node.server.pod_storage import PodStorage, read_storage
from cloudk8s.node.volumes.interface import Mounted

RESOURCE: Final = "ephemeral-storage"
Layers = Mapping[str, int]
"""Bytes that containers wrote into their own file systems, by container."""


class LocalStorageLimits:
    """Looks only at pods that have such limits; `mounted` tells a pod's volumes."""

    def __init__(self, mounted: Callable[[str], Mapping[str, Mounted]], log_root: Path) -> None:
        self._mounted, self._log_root = mounted, log_root

    async def enforce(self, workers: Sequence[PodWorker], layers: Mapping[str, Layers]) -> None:
        """Evict those that are over their limits; `layers` are by pod."""
        for worker in workers:
            if not has_limits(worker.pod):
                continue
            mounted = dict(self._mounted(uid_of(worker.pod)))
            storage = await asyncio.to_thread(read_storage, worker.pod, mounted, self._log_root)
            if why := excess(worker.pod, storage, layers.get(uid_of(worker.pod), {})):
                worker.evict(Terminal("Failed", "Evicted", why, is_disruption=True), timedelta(0))


def has_limits(pod: Object) -> bool:
    """Whether there is anything to look at."""
    return bool(_volume_limits(pod) or _container_limits(pod) or _pod_limit(pod))


def excess(pod: Object, storage: PodStorage, layers: Layers) -> str:
    """What the pod is over, in upstream's words; empty if nothing. Pure."""
    used = {volume.name: volume.content.used_bytes for volume in storage.volumes}
    for name, limit in _volume_limits(pod).items():
        if used.get(name, 0) > limit.value:
            return f'Usage of EmptyDir volume "{name}" exceeds the limit "{limit}". '
    own = {name: content.used_bytes + layers.get(name, 0) for name, content in storage.logs.items()}
    whole = _pod_limit(pod)
    total = sum(own.values()) + sum(each.content.used_bytes for each in storage.volumes if each.is_ephemeral)
    if whole is not None and total > whole.value:
        return f"Pod ephemeral local storage usage exceeds the total limit of containers {whole}. "
    for name, limit in _container_limits(pod).items():
        if own.get(name, 0) > limit.value:
            return f'Container {name} exceeded its local ephemeral storage limit "{limit}". '
    return ""


def _volume_limits(pod: Object) -> Mapping[str, Quantity]:
    found = {volume["name"]: volume.get("emptyDir") or {} for volume in spec_of(pod).get("volumes") or ()}
    return {
        name: quantity.parse(source["sizeLimit"])
        for name, source in found.items()
        if source.get("sizeLimit") and not str(source.get("medium") or "").startswith("HugePages")
    }


def _container_limits(pod: Object) -> Mapping[str, Quantity]:
    limits = {
        each["name"]: ((each.get("resources") or {}).get("limits") or {}).get(RESOURCE) for each in pods.containers(pod)
    }
    return {name: quantity.parse(limit) for name, limit in limits.items() if limit}


def _pod_limit(pod: Object) -> Quantity | None:
    """The containers' limits together; none unless each of them has one."""
    limits = _container_limits(pod)
    if not limits or len(limits) < len(pods.containers(pod)):
        return None
    return sum(list(limits.values())[1:], next(iter(limits.values())))
