"""What informers say, turned into changes of the cluster, of the queue, and into events that may help waiting pods."""

from __future__ import annotations

from collections.abc import Callable, Container, Iterable
from typing import Final

from cloudk8s.client.informer import Informers
from cloudk8s.client.interface import Object, Resource
from cloudk8s.client.objects import is_deleting, key_of, labels_of, name_of, uid_of
from cloudk8s.client.resources import BUILT_IN, NAMESPACES, NODES, PODS
from cloudk8s.scheduler.cluster.cluster import Cluster
from cloudk8s.scheduler.framework.nominations import Nominations
from cloudk8s.scheduler.framework.profile import Profile
from cloudk8s.scheduler.interface import ClusterEvent
from cloudk8s.scheduler.pod.pod import Pod, is_finished
from cloudk8s.scheduler.pod.shape import held_by_resize
from cloudk8s.scheduler.queue.queue import SchedulingQueue

FOLLOWED: Final = frozenset(("nodes", "pods", "assigned-pods", "namespaces"))


class Intake:
    """Follows nodes, pods and namespaces, and whatever else plugins want to hear of."""

    def __init__(
        self,
        cluster: Cluster,
        queue: SchedulingQueue,
        nominations: Nominations,
        informers: Informers,
        scheduler_names: Container[str],
        skipped: Callable[[Pod], None] = lambda pod: None,
    ) -> None:
        """`skipped` hears of pods that will not be looked at, since they are being deleted."""
        self._cluster = cluster
        self._queue = queue
        self._nominations = nominations
        self._names = scheduler_names
        self._skipped = skipped
        self._informers = informers
        informers.of(NAMESPACES).add_handler(self._on_namespace)
        informers.of(NODES).add_handler(self._on_node)
        informers.of(PODS).add_handler(self._on_pod)

    def follow(self, profiles: Iterable[Profile]) -> None:
        """Turn changes of all other resources that plugins are interested in into events."""
        wanted = {
            interest.resource
            for profile in profiles
            for interests in profile.interests.values()
            for interest in interests or ()
        }
        for resource in BUILT_IN:
            if resource.plural in wanted - FOLLOWED:
                self._forward(resource)

    def _forward(self, resource: Resource) -> None:
        def on_change(old: Object | None, new: Object | None) -> None:
            self._queue.move(ClusterEvent(resource.plural, _action(old, new), old, new))

        self._informers.of(resource).add_handler(on_change)

    def _on_namespace(self, old: Object | None, new: Object | None) -> None:
        if new is None:
            assert old is not None
            self._cluster.set_namespace(name_of(old), None)
        else:
            self._cluster.set_namespace(name_of(new), labels_of(new))
        self._queue.move(ClusterEvent("namespaces", _action(old, new), old, new))

    def _on_node(self, old: Object | None, new: Object | None) -> None:
        if new is None:
            assert old is not None
            self._cluster.remove_node(name_of(old))
        elif old is not None and _is_same_node(old, new):
            return
        else:
            self._cluster.set_node(new)
        self._queue.move(ClusterEvent("nodes", _action(old, new), old, new))

    def _on_pod(self, old: Object | None, new: Object | None) -> None:
        if new is None or is_finished(new):
            self._gone(old, new)
        elif new["spec"].get("nodeName"):
            self._on_node_pod(new)
        elif not is_deleting(new):
            self._on_waiting_pod(old, new)
        else:
            self._on_deleting_pod(old, new)

    def _on_deleting_pod(self, old: Object | None, new: Object) -> None:
        """It waited for a node, and waits for its finalizers now."""
        self._queue.remove(key_of(new))
        self._nominations.remove(key_of(new))
        pod = self._cluster.pod(new)
        if (old is None or not is_deleting(old)) and pod.shape.scheduler_name in self._names:
            self._skipped(pod)

    def _gone(self, old: Object | None, new: Object | None) -> None:
        obj = new or old
        assert obj is not None
        key = key_of(obj)
        self._queue.remove(key)
        self._nominations.remove(key)
        held = self._cluster.pods.get(key)
        if held is not None:
            self._cluster.remove(held)
            self._queue.move(ClusterEvent("assigned-pods", "delete", held.obj, new))

    def _on_node_pod(self, new: Object) -> None:
        """A pod that has a node: the one it is assumed to be on, as a rule."""
        key, node = key_of(new), new["spec"]["nodeName"]
        held = self._cluster.pods.get(key)
        if held is not None and _is_same_pod(held, new):
            is_news, held.obj = "nodeName" not in held.obj["spec"], new
            if is_news:
                self._queue.move(ClusterEvent("assigned-pods", "add", None, new))
            return
        if held is not None:
            self._cluster.remove(held)
        else:
            self._queue.remove(key)
            self._nominations.remove(key)
        self._cluster.add(self._cluster.pod(new), node)
        old = held.obj if held is not None else None
        self._queue.move(ClusterEvent("assigned-pods", _action(old, new), old, new))

    def _on_waiting_pod(self, old: Object | None, new: Object) -> None:
        key = key_of(new)
        if (held := self._cluster.pods.get(key)) is not None:
            if held.uid == uid_of(new):
                return  # it is being bound
            self._cluster.remove(held)
        pod = self._cluster.pod(new)
        if pod.shape.scheduler_name not in self._names:
            return
        if pod.nominated_node and not self._nominations.node_of(key):
            self._nominations.put(pod, pod.nominated_node)
        entry = self._queue.get(key)
        if entry is not None and entry.pod.uid == pod.uid and not _is_news(entry.pod, pod):
            self._queue.refresh(pod)
        else:
            if entry is not None and entry.pod.uid != pod.uid:
                self._queue.remove(key)
            self._queue.add(pod)


def _action(old: Object | None, new: Object | None) -> str:
    return "add" if old is None else "delete" if new is None else "update"


def _is_same_node(old: Object, new: Object) -> bool:
    """Whether nothing changed but what the node agent writes all the time."""
    before, after = old.get("status") or {}, new.get("status") or {}
    return (
        before.get("allocatable") == after.get("allocatable")
        and before.get("images") == after.get("images")
        and before.get("declaredFeatures") == after.get("declaredFeatures")
        and (old.get("spec") or {}) == (new.get("spec") or {})
        and labels_of(old) == labels_of(new)
        and _states(before) == _states(after)
    )


def _states(status: Object) -> list[tuple[str, str]]:
    return [(item.get("type", ""), item.get("status", "")) for item in status.get("conditions") or ()]


def _is_same_pod(held: Pod, new: Object) -> bool:
    """Whether nothing changed that counts: most updates of running pods are of their status."""
    before, after = held.obj["metadata"], new["metadata"]
    return (
        held.node == new["spec"]["nodeName"]
        and held.uid == after.get("uid", "")
        and before.get("generation") is not None
        and before.get("generation") == after.get("generation")
        and before.get("labels") == after.get("labels")
        and held.is_terminating == ("deletionTimestamp" in after)
        and not held_by_resize(new)
        and not held_by_resize(held.obj)
    )


def _is_news(before: Pod, after: Pod) -> bool:
    """Whether a waiting pod changed in something that may matter; its status does not."""
    if before.shape is not after.shape or before.spec.get("schedulingGates") != after.spec.get("schedulingGates"):
        return True
    if before.shape.claims and _claim_statuses(before) != _claim_statuses(after):
        return True
    old, new = before.obj["metadata"], after.obj["metadata"]
    return old.get("annotations") != new.get("annotations") or before.spec != after.spec


def _claim_statuses(pod: Pod) -> object:
    """The claims that were made for a pod."""
    return (pod.obj.get("status") or {}).get("resourceClaimStatuses")
