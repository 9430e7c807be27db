"""NodeAffinity: node selectors, required and preferred node affinity, and affinity that the profile adds."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

from cloudk8s.client.objects import labels_of, name_of
from cloudk8s.scheduler.cluster.arrays import Bools, Ints
from cloudk8s.scheduler.framework.normalizing import by_maximum
from cloudk8s.scheduler.interface import Candidates, ClusterEvent, Cycle, Handle, Interest, Rejection
from cloudk8s.scheduler.pod.node_selection import affinity_selection
from cloudk8s.scheduler.pod.pod import Pod

REASON: Final = "node(s) didn't match Pod's node affinity/selector"
REASON_ADDED: Final = "node(s) didn't match scheduler-enforced node affinity"


class NodeAffinity:
    """`addedAffinity` in the arguments holds for all pods of the profile, on top of their own."""

    name = "NodeAffinity"
    goes_by_shape = True

    def __init__(self, arguments: Mapping[str, Any], handle: Handle) -> None:
        self._selector = handle.cluster.selector
        self._added = affinity_selection(arguments.get("addedAffinity") or {})

    def pre_filter(self, cycle: Cycle) -> frozenset[str] | None:
        """The nodes that required affinity names, where it names all it allows."""
        return cycle.pod.shape.selection.names()

    def filter(self, cycle: Cycle, rows: slice) -> Bools | None:
        selection = cycle.pod.shape.selection
        own = self._selector.required(selection)[rows] if selection.is_restricted else None
        if not self._added.is_restricted:
            return own
        added = self._selector.required(self._added)[rows]
        return added if own is None else own & added

    def depends_on_pods(self, cycle: Cycle) -> bool:
        return False

    def explain(self, cycle: Cycle, rejected: Bools) -> Iterable[Rejection]:
        if self._added.is_restricted:
            outside = rejected & ~self._selector.required(self._added)
            yield Rejection(REASON_ADDED, outside, is_resolvable=False)
            rejected = rejected & ~outside
        yield Rejection(REASON, rejected, is_resolvable=False)

    def score(self, cycle: Cycle, candidates: Candidates) -> Ints | None:
        """More weight of fulfilled preferences is better."""
        chosen = [item for item in (cycle.pod.shape.selection, self._added) if item.preferred]
        if not chosen:
            return None
        raw = sum(self._selector.preferred(selection) for selection in chosen)
        assert not isinstance(raw, int)
        return by_maximum(raw[candidates.rows])

    def interests(self) -> Sequence[Interest]:
        return [Interest("nodes", frozenset(("add", "update")), self._may_match)]

    def _may_match(self, pod: Pod, event: ClusterEvent) -> bool:
        if (node := event.new) is None:
            return False
        name, labels = name_of(node), labels_of(node)
        return pod.shape.selection.matches(name, labels) and self._added.matches(name, labels)
