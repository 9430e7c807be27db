"""The cluster: nodes, the pods on them, and all that is counted; one change at a time, never a full rebuild."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from cloudk8s.client.interface import Object
from cloudk8s.client.objects import name_of
from cloudk8s.machinery import labels
from cloudk8s.scheduler.cluster.images import ImageColumns
from cloudk8s.scheduler.cluster.nodes import NodeColumns
from cloudk8s.scheduler.cluster.ports import PortColumns
from cloudk8s.scheduler.cluster.selecting import NodeSelector
from cloudk8s.scheduler.cluster.tallies import Tallies
from cloudk8s.scheduler.cluster.tally import Tally
from cloudk8s.scheduler.pod.affinity import PodMatcher
from cloudk8s.scheduler.pod.claims import claims_of
from cloudk8s.scheduler.pod.pod import Pod
from cloudk8s.scheduler.pod.shape import Shape
from cloudk8s.scheduler.pod.table import ShapeTable


class Cluster:
    """What decisions are made from. Assumed pods are in it like all others; who assumes also takes them back.

    `version` changes with everything that may change a decision.
    """

    def __init__(self) -> None:
        self.nodes = NodeColumns()
        self.selector = NodeSelector(self.nodes)
        self.shapes = ShapeTable()
        self.tallies = Tallies(self.nodes.capacity)
        self.ports = PortColumns(self.nodes.capacity)
        self.images = ImageColumns(self.nodes.capacity)
        self.pods: dict[str, Pod] = {}
        """Pods on nodes, by key."""
        self.version = 0
        self._on: dict[int, dict[str, Pod]] = {}
        self._claim_users: dict[str, dict[str, Pod]] = {}

    def pod(self, obj: Object) -> Pod:
        """A pod with its shape; it is not in the cluster by that."""
        shape = self.shapes.shape(obj)
        if not shape.is_registered:
            self.tallies.register(shape)
            shape.is_registered = True
        return Pod.of(obj, shape)

    def pods_on(self, slot: int) -> Collection[Pod]:
        """The pods on the node in a slot."""
        held = self._on.get(slot)
        return held.values() if held else ()

    def users_of_claim(self, key: str) -> Collection[Pod]:
        """The pods on nodes that use a PersistentVolumeClaim."""
        held = self._claim_users.get(key)
        return held.values() if held else ()

    def set_node(self, node: Object) -> None:
        """A node is there, or has changed."""
        self.version += 1
        slot, has_grown = self.nodes.claim(name_of(node))
        if has_grown:
            self._grow()
        for column, old, new in self.nodes.set(slot, node):
            self.tallies.move(slot, column, old, new)
        self.images.put(slot, node)

    def remove_node(self, name: str) -> None:
        """A node is gone; its pods stay until they are removed themselves."""
        slot = self.nodes.slot(name)
        if slot is None:
            return
        self.version += 1
        for column, old, new in self.nodes.unset(slot):
            self.tallies.move(slot, column, old, new)
        self.images.put(slot, None)
        self._release_if_empty(slot)

    def set_namespace(self, name: str, labels: Mapping[str, str] | None) -> None:
        """A namespace has these labels, or is gone."""
        self.version += 1
        self.tallies.set_namespace(name, labels, self.shapes)

    def add(self, pod: Pod, node: str) -> None:
        """A pod runs, or is assumed to run, on a node; it must not be in the cluster yet."""
        self.version += 1
        slot, has_grown = self.nodes.claim(node)
        if has_grown:
            self._grow()
        pod.node, pod.slot = node, slot
        self.pods[pod.key] = pod
        self._on.setdefault(slot, {})[pod.key] = pod
        pod.shape.members[pod.key] = pod
        self._take(pod, 1)

    def remove(self, pod: Pod) -> None:
        """A pod is no longer on its node."""
        self.version += 1
        self._take(pod, -1)
        del self.pods[pod.key]
        del pod.shape.members[pod.key]
        slot = pod.slot
        del self._on[slot][pod.key]
        self._release_if_empty(slot)

    def selected(self, matchers: tuple[PodMatcher, ...], *, living: bool = False) -> Tally:
        """The tally of pods on nodes that all matchers select; only those not being deleted if `living`."""
        return self.tallies.selected(matchers, self.shapes, living=living)

    def counting(self, selector: str) -> Tally:
        """The tally of all pods on nodes whose labels a selector in text form selects; for plugins."""
        return self.selected((PodMatcher(frozenset(), labels.EVERYTHING, labels.parse(selector)),))

    def sweep(self, used: Collection[Shape]) -> None:
        """Forget shapes that neither a pod on a node nor one of `used` has, and what is counted for them alone."""
        self.shapes.sweep(lambda shape: bool(shape.members) or shape in used)
        self.tallies.keep(self.shapes)

    def _take(self, pod: Pod, sign: int) -> None:
        shape, slot = pod.shape, pod.slot
        self.nodes.take(slot, shape.requests, shape.nonzero, sign)
        if shape.ports:
            self.ports.take(slot, shape.ports, sign)
        if shape.volumes:
            self._use_claims(pod, is_user=sign > 0)
        for tally, weight in shape.tallies:
            if not (pod.is_terminating and tally.skips_terminating):
                tally.add(slot, sign * weight)

    def _use_claims(self, pod: Pod, *, is_user: bool) -> None:
        for reference in claims_of(pod):
            users = self._claim_users.setdefault(reference.key, {})
            if is_user:
                users[pod.key] = pod
            else:
                users.pop(pod.key, None)
                if not users:
                    del self._claim_users[reference.key]

    def _release_if_empty(self, slot: int) -> None:
        if not self._on.get(slot) and not self.nodes.exists[slot] and self.nodes.names[slot]:
            self._on.pop(slot, None)
            self.nodes.release(slot)

    def _grow(self) -> None:
        capacity = self.nodes.capacity
        self.tallies.grow(capacity)
        self.ports.grow(capacity)
        self.images.grow(capacity)
