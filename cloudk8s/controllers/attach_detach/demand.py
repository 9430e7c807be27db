"""Which pods want a volume, and on which nodes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from cloudk8s.client.informer import Informer
from cloudk8s.client.interface import Object
from cloudk8s.client.objects import annotations_of, is_deleting, key_of, spec_of, status_of
from cloudk8s.controllers.persistent_volume.facts import claim_key, is_bound_to
from cloudk8s.controllers.pods import is_terminal
from cloudk8s.controllers.volume_users import BY_CLAIM

MANAGED: Final = "volumes.kubernetes.io/controller-managed-attach-detach"
"""On nodes: attaching is ours; without it, it is the kubelet's."""
KEEPS_VOLUMES: Final = "volumes.kubernetes.io/keep-terminated-pod-volumes"


@dataclass(frozen=True, slots=True)
class Demand:
    """Reads caches only."""

    pods: Informer
    nodes: Informer
    claims: Informer

    def of(self, persistent_volumes: Iterable[Object]) -> Mapping[str, Sequence[Object]]:
        """The pods that want any of these (they are one volume), by node."""
        found: dict[str, list[Object]] = {}
        for persistent_volume in persistent_volumes:
            for pod in self._users(persistent_volume):
                node = spec_of(pod).get("nodeName")
                if node and self._wants(pod, node):
                    found.setdefault(node, []).append(pod)
        return found

    def _users(self, persistent_volume: Object) -> Sequence[Object]:
        claim = self.claims.get_key(claim_key(persistent_volume))
        if claim is None or not is_bound_to(persistent_volume, claim):
            return ()
        if spec_of(claim).get("volumeName") != persistent_volume["metadata"]["name"]:
            return ()
        return self.pods.by_index(BY_CLAIM, key_of(claim))

    def _wants(self, pod: Object, node_name: str) -> bool:
        node = self.nodes.get(node_name)
        if node is None or not is_managed(node):
            return False
        return not has_ended(pod) or annotations_of(node).get(KEEPS_VOLUMES) == "true"


def is_managed(node: Object) -> bool:
    return MANAGED in annotations_of(node)


def has_ended(pod: Object) -> bool:
    """It runs nothing any more and never will: it ended, or it is being deleted and nothing of it runs."""
    if is_terminal(pod):
        return True
    containers = status_of(pod).get("containerStatuses") or ()
    return is_deleting(pod) and not any(_runs(container) for container in containers)


def _runs(container: Mapping[str, Mapping[str, object]]) -> bool:
    state = container.get("state") or {}
    return not state.get("terminated") and not state.get("waiting")
