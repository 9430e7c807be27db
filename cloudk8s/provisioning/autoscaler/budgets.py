"""How many pods disruption budgets let go at once, by the rules of the eviction subresource."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from cloudk8s.client.interface import Object
from cloudk8s.client.objects import is_deleting, key_of, labels_of, namespace_of, spec_of, status_of
from cloudk8s.machinery import labels


@dataclass(slots=True)
class Budgets:
    """What is still allowed; nodes that go together spend of it together."""

    allowed: dict[str, int] = field(default_factory=dict)
    """Of each budget."""
    guards: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """The budgets that each pod's eviction is asked of, by the pod's key; two refuse it."""

    @staticmethod
    def of(budgets: Iterable[Object], pods: Iterable[Object]) -> Budgets:
        """Pods that no budget holds now are left out."""
        by_namespace: dict[str, list[tuple[Object, labels.Selector]]] = {}
        allowed = {}
        for budget in budgets:
            selector = labels.from_object(spec_of(budget).get("selector"))
            by_namespace.setdefault(namespace_of(budget), []).append((budget, selector))
            allowed[key_of(budget)] = _allowed(budget)
        guards: dict[str, tuple[str, ...]] = {}
        for pod in pods:
            found = [b for b, selector in by_namespace.get(namespace_of(pod), ()) if selector.matches(labels_of(pod))]
            if found and not _is_exempt(pod) and (len(found) > 1 or not _is_free(pod, found[0])):
                guards[key_of(pod)] = tuple(map(key_of, found))
        return Budgets(allowed, guards)

    def refuses(self, pods: Iterable[Object]) -> str:
        """The first pod that could not be evicted once those before it are; empty if all can."""
        spent: Counter[str] = Counter()
        for key in map(key_of, pods):
            guards = self.guards.get(key, ())
            if len(guards) > 1 or any(spent[budget] >= self.allowed[budget] for budget in guards):
                return key
            spent.update(guards)
        return ""

    def spend(self, pods: Iterable[Object]) -> None:
        """These are to be evicted."""
        for key in map(key_of, pods):
            for budget in self.guards.get(key, ()):
                self.allowed[budget] -= 1


def _allowed(budget: Object) -> int:
    """None while its controller has not seen what it says."""
    status = status_of(budget)
    is_seen = status.get("observedGeneration", 0) >= budget["metadata"].get("generation", 0)
    return max(int(status.get("disruptionsAllowed", 0)), 0) if is_seen else 0


def _is_exempt(pod: Object) -> bool:
    return status_of(pod).get("phase") in ("Succeeded", "Failed", "Pending") or is_deleting(pod)


def _is_free(pod: Object, budget: Object) -> bool:
    """Pods that are not ready may go where the policy says so, or where enough others are healthy."""
    conditions = status_of(pod).get("conditions") or ()
    if any(each["type"] == "Ready" and each.get("status") == "True" for each in conditions):
        return False
    if spec_of(budget).get("unhealthyPodEvictionPolicy") == "AlwaysAllow":
        return True
    status = status_of(budget)
    return bool(status.get("currentHealthy", 0) >= status.get("desiredHealthy", 0) > 0)
