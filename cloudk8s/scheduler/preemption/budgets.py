"""Which pods a disruption budget protects."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from cloudk8s.client.informer import Informer
from cloudk8s.client.interface import Object
from cloudk8s.client.objects import status_of
from cloudk8s.machinery import labels
from cloudk8s.scheduler.pod.pod import Pod


def split_by_budget(pods: Iterable[Pod], budgets: Informer) -> tuple[list[Pod], list[Pod]]:
    """Pods whose removal would break a budget, and the others, each in the given order.

    Removals count against the budgets in that order, so the first ones may still be allowed.
    """
    allowed: dict[str, int] = {}
    breaking: list[Pod] = []
    harmless: list[Pod] = []
    for pod in pods:
        is_breaking = False
        for budget in _budgets_of(pod, budgets):
            metadata, status = budget["metadata"], status_of(budget)
            if pod.name in (status.get("disruptedPods") or {}):
                continue
            left = allowed.get(metadata["uid"], int(status.get("disruptionsAllowed") or 0)) - 1
            allowed[metadata["uid"]] = left
            is_breaking = is_breaking or left < 0
        (breaking if is_breaking else harmless).append(pod)
    return breaking, harmless


def _budgets_of(pod: Pod, budgets: Informer) -> Sequence[Object]:
    found = []
    for budget in budgets.list(pod.namespace):
        selector = labels.from_object((budget.get("spec") or {}).get("selector"))
        if selector.requirements and selector.matches(pod.shape.labels):
            found.append(budget)
    return found
