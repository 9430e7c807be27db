"""All tallies of the cluster: pods that a matcher selects, and pods that carry an affinity term.

A shape knows the tallies that count it, so a pod that comes or goes touches those and no others.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from cloudk8s.scheduler.cluster.labels import LabelColumn
from cloudk8s.scheduler.cluster.tally import Tally
from cloudk8s.scheduler.pod.affinity import AffinityTerm, PodMatcher
from cloudk8s.scheduler.pod.shape import Shape
from cloudk8s.scheduler.pod.table import ShapeTable

Pair = tuple[str, str]
Selection = tuple[tuple[PodMatcher, ...], bool]


class TermTallies:
    """Pods by an affinity term that they carry, and which of these terms concern a given shape."""

    def __init__(self, capacity: int, namespaces: Mapping[str, Mapping[str, str]]) -> None:
        self._capacity = capacity
        self._namespaces = namespaces
        self._terms: list[tuple[AffinityTerm, Tally]] = []
        self._index: dict[AffinityTerm, Tally] = {}
        self._epoch = 0

    def of(self, term: AffinityTerm) -> Tally:
        """The tally of pods that carry this very term."""
        tally = self._index.get(term)
        if tally is None:
            tally = self._index[term] = Tally(lambda shape: 0, self._capacity)
            self._terms.append((term, tally))
        return tally

    def concerning(self, shape: Shape, name: str) -> list[tuple[AffinityTerm, Tally]]:
        """The terms that select pods of this shape; kept in the shape's memo under `name`, extended as terms come."""
        epoch, seen, found = shape.memo.get(name) or (-1, 0, [])
        if epoch != self._epoch:
            seen, found = 0, []
        if seen < len(self._terms):
            labels = self._namespaces.get(shape.namespace) or {}
            fresh = self._terms[seen:]
            found += [pair for pair in fresh if pair[0].matcher.matches(shape.namespace, shape.labels, labels)]
            shape.memo[name] = (self._epoch, len(self._terms), found)
        return found

    def forget_matches(self) -> None:
        """Labels of a namespace have changed: ask all again."""
        self._epoch += 1

    def tallies(self) -> Iterable[Tally]:
        return self._index.values()

    def keep(self, terms: set[AffinityTerm]) -> None:
        """Forget all other terms."""
        self._index = {term: tally for term, tally in self._index.items() if term in terms}
        self._terms = list(self._index.items())
        self._epoch += 1

    def grow(self, capacity: int) -> None:
        self._capacity = capacity
        for tally in self._index.values():
            tally.grow(capacity)


class Tallies:
    """Makes tallies when they are first asked for and keeps them in step."""

    def __init__(self, capacity: int) -> None:
        self.namespaces: dict[str, Mapping[str, str]] = {}
        """Labels of namespaces."""
        self.anti_affinity = TermTallies(capacity, self.namespaces)
        """Pods by terms of required anti-affinity."""
        self.affinity = TermTallies(capacity, self.namespaces)
        """Pods by terms of required affinity."""
        self.preference = TermTallies(capacity, self.namespaces)
        """Weights of pods by terms of preferred affinity; those of anti-affinity are negative."""
        self._capacity = capacity
        self._selected: dict[Selection, Tally] = {}
        self._by_pair: dict[Pair | None, list[tuple[Selection, Tally]]] = {}

    def selected(self, matchers: tuple[PodMatcher, ...], shapes: ShapeTable, *, living: bool) -> Tally:
        """The tally of pods that all matchers select; only those not being deleted if `living`.

        Made at the first call, from the pods of `shapes`.
        """
        selection = (matchers, living)
        tally = self._selected.get(selection)
        if tally is None:
            tally = Tally(
                lambda shape: int(self._is_selected(shape, matchers)), self._capacity, skips_terminating=living
            )
            self._selected[selection] = tally
            pair = _pair(matchers)
            self._by_pair.setdefault(pair, []).append((selection, tally))
            for shape in shapes if pair is None else shapes.with_label(pair):
                self._count(shape, tally, tally.weigh(shape))
        return tally

    def register(self, shape: Shape) -> None:
        """Find the tallies that count a new shape."""
        for pair in (None, *shape.labels.items()):
            for _, tally in self._by_pair.get(pair, ()):
                if weight := tally.weigh(shape):
                    shape.tallies.append((tally, weight))
        affinity = shape.affinity
        shape.tallies.extend((self.anti_affinity.of(term), 1) for term in affinity.required_anti)
        shape.tallies.extend((self.affinity.of(term), 1) for term in affinity.required)
        shape.tallies.extend((self.preference.of(term), weight) for weight, term in affinity.preferred)

    def set_namespace(self, name: str, labels: Mapping[str, str] | None, shapes: Iterable[Shape]) -> None:
        """A namespace has these labels now, or is gone; recount what selects namespaces by label."""
        if self.namespaces.get(name) == labels:
            return
        before = self.namespaces.pop(name, None)
        if labels is not None:
            self.namespaces[name] = labels
        for terms in (self.anti_affinity, self.affinity, self.preference):
            terms.forget_matches()
        selective = [tally for (matchers, _), tally in self._selected.items() if _looks_at_namespaces(matchers)]
        if not selective or (not before and not labels):
            return
        for shape in shapes:
            if shape.namespace == name:
                self._recount(shape, selective)

    def move(self, slot: int, column: LabelColumn, old: int, new: int) -> None:
        """The node in a slot went from one topology domain to another."""
        for tally in self._all():
            tally.move(slot, column, old, new)

    def keep(self, shapes: Iterable[Shape]) -> None:
        """Forget terms that none of these shapes carries, and all selections: these are counted again on demand."""
        terms: list[set[AffinityTerm]] = [set(), set(), set()]
        left = list(shapes)
        for shape in left:
            terms[0].update(shape.affinity.required_anti)
            terms[1].update(shape.affinity.required)
            terms[2].update(term for _, term in shape.affinity.preferred)
        groups = (self.anti_affinity, self.affinity, self.preference)
        for group, kept in zip(groups, terms, strict=True):
            group.keep(kept)
        selected = set(self._selected.values())
        self._selected.clear()
        self._by_pair.clear()
        for shape in left:
            shape.tallies = [pair for pair in shape.tallies if pair[0] not in selected]
            shape.memo.clear()

    def grow(self, capacity: int) -> None:
        self._capacity = capacity
        for tally in self._selected.values():
            tally.grow(capacity)
        for terms in (self.anti_affinity, self.affinity, self.preference):
            terms.grow(capacity)

    def _all(self) -> Iterable[Tally]:
        yield from self._selected.values()
        for terms in (self.anti_affinity, self.affinity, self.preference):
            yield from terms.tallies()

    def _is_selected(self, shape: Shape, matchers: tuple[PodMatcher, ...]) -> bool:
        labels = self.namespaces.get(shape.namespace) or {}
        return all(matcher.matches(shape.namespace, shape.labels, labels) for matcher in matchers)

    def _recount(self, shape: Shape, selective: Iterable[Tally]) -> None:
        for tally in selective:
            before = next((weight for other, weight in shape.tallies if other is tally), 0)
            weight = tally.weigh(shape)
            if weight != before:
                shape.tallies = [pair for pair in shape.tallies if pair[0] is not tally]
                self._count(shape, tally, weight, change=weight - before)

    def _count(self, shape: Shape, tally: Tally, weight: int, *, change: int | None = None) -> None:
        if weight:
            shape.tallies.append((tally, weight))
        if change := weight if change is None else change:
            for pod in shape.members.values():
                if not (pod.is_terminating and tally.skips_terminating):
                    tally.add(pod.slot, change)


def _pair(matchers: tuple[PodMatcher, ...]) -> Pair | None:
    """A label that every selected pod has, if there is one that can be told."""
    for matcher in matchers:
        for requirement in matcher.selector.requirements:
            if requirement.operator in ("=", "==", "in") and len(requirement.values) == 1:
                return requirement.key, requirement.values[0]
    return None


def _looks_at_namespaces(matchers: tuple[PodMatcher, ...]) -> bool:
    return any(matcher.namespace_selector.requirements for matcher in matchers)
