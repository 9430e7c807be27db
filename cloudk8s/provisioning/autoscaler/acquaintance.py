"""Who means whom: the demands that a term selects, that avoid another, and that can't share a node with it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from cloudk8s.provisioning.autoscaler.demand import Demand, is_matched
from cloudk8s.scheduler.plugins.volume_restrictions import clash, disks_of
from cloudk8s.scheduler.pod.affinity import PodMatcher

Demands = frozenset[Demand]
NOBODY: Demands = frozenset()


class Acquaintance:
    """Of the demands to be placed and of the pods that are bound. Only what is asked for is worked out."""

    def __init__(self, demands: Sequence[Demand], bound: Iterable[Sequence[Demand]]) -> None:
        every = [*demands, *(demand for each in bound for demand in each)]
        self._by_labels: dict[tuple[str, tuple[tuple[str, str], ...]], list[Demand]] = {}
        for demand in every:
            labels = tuple(sorted(demand.shape.labels.items()))
            self._by_labels.setdefault((demand.shape.namespace, labels), []).append(demand)
        self._every = every
        self._exclusive = [demand for demand in every if demand.shape.ports or demand.shape.volumes]
        self._known: dict[PodMatcher, Demands] = {}
        self._clashing: dict[Demand, Demands] = {}
        self._avoided_by: dict[Demand, dict[str, set[Demand]]] = {}
        for demand in every:
            for term in demand.shape.affinity.required_anti:
                for other in self.selected(term.matcher):
                    if other is not demand:
                        self._avoided_by.setdefault(other, {}).setdefault(term.topology_key, set()).add(demand)

    def topologies(self) -> set[str]:
        """The keys of all topologies that anybody says anything hard about."""
        shapes = [demand.shape for demand in self._every]
        terms = {
            term.topology_key for each in shapes for term in (*each.affinity.required, *each.affinity.required_anti)
        }
        return terms | {each.topology_key for shape in shapes for each in shape.spread if each.is_required}

    def selected(self, matcher: PodMatcher) -> Demands:
        """The demands whose pods a term or a constraint counts."""
        found = self._known.get(matcher)
        if found is None:
            alike = [
                demands for (namespace, _), demands in self._by_labels.items()
                if matcher.matches(namespace, demands[0].shape.labels, demands[0].namespace_labels)
            ]  # fmt: skip
            found = self._known[matcher] = frozenset(demand for demands in alike for demand in demands)
        return found

    def avoided_by(self, demand: Demand) -> Mapping[str, set[Demand]]:
        """Other demands whose pods keep away from pods of this one, by topology."""
        return self._avoided_by.get(demand, {})

    def clashing(self, demand: Demand) -> Demands:
        """Demands whose pods want the same ports of a node, or disks that one node at a time may hold."""
        if not demand.shape.ports and not demand.shape.volumes:
            return NOBODY
        found = self._clashing.get(demand)
        if found is None:
            found = self._clashing[demand] = frozenset(each for each in self._exclusive if _clash(demand, each))
        return found

    def wants_itself(self, demand: Demand, key: str) -> bool:
        """Whether pods of the demand have to be near each other."""
        return any(term.topology_key == key and is_matched(term, demand) for term in demand.shape.affinity.required)


def _clash(one: Demand, two: Demand) -> bool:
    if any(first.clashes(second) for first in one.shape.ports for second in two.shape.ports):
        return True
    return any(clash(first, second) for first in disks_of(one.shape) for second in disks_of(two.shape))
