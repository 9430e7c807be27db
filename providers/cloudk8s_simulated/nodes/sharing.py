"""Who shares a load: the running pods of one ReplicaSet, StatefulSet or replication controller."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final

from cloudk8s.client import resources
from cloudk8s.client.informer import Informer, Informers
from cloudk8s.client.interface import Object, Resource
from cloudk8s.client.objects import controller_of, is_deleting, namespace_of, status_of, uid_of

_OF_OWNER: Final = "simulated: running, by owner"


class Sharing:
    """Finds the owners of pods, and counts their running pods."""

    owners: tuple[Resource, ...] = (
        resources.REPLICA_SETS,
        resources.STATEFUL_SETS,
        resources.REPLICATION_CONTROLLERS,
    )

    def __init__(self, informers: Informers) -> None:
        self._pods = informers.of(resources.PODS)
        self._pods.add_index(_OF_OWNER, _running_of)
        self._owners: Mapping[str, Informer] = {owner.kind: informers.of(owner) for owner in self.owners}

    def owner_of(self, pod: Object) -> Object | None:
        """What controls the pod, if it is of a kind whose pods share loads."""
        reference = controller_of(pod)
        informer = self._owners.get(reference["kind"]) if reference else None
        return informer.get(reference["name"], namespace_of(pod)) if informer and reference else None

    def sharers(self, owner: Object) -> int:
        """How many pods of the owner run, at least one."""
        return max(1, self._pods.count(_OF_OWNER, uid_of(owner)))


def _running_of(pod: Object) -> Iterable[str]:
    is_running = status_of(pod).get("phase") == "Running" and not is_deleting(pod)
    reference = controller_of(pod) if is_running else None
    return (reference["uid"],) if reference else ()
