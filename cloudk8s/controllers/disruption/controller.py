"""Which budgets to look at, and when. https://kubernetes.io/docs/tasks/run-application/configure-pdb/"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from cloudk8s.client.interface import Object
from cloudk8s.client.objects import controller_of, is_deleting, key_of, labels_of, name_of, namespace_of, status_of
from cloudk8s.client.queue import WorkQueue, run_workers
from cloudk8s.client.resources import POD_DISRUPTION_BUDGETS, PODS
from cloudk8s.controllers.disruption import stale, status
from cloudk8s.controllers.disruption.expected import CannotExpect, ExpectedPods
from cloudk8s.controllers.interface import ControllerContext
from cloudk8s.controllers.pods import is_ready, phase
from cloudk8s.controllers.selected_pods import BY_LABEL, label_pairs, selected
from cloudk8s.controllers.selector_cache import SelectorCache
from cloudk8s.errors import Conflict, NotFound, StatusError
from cloudk8s.machinery import labels
from cloudk8s.machinery.int_or_string import IntOrStringError

COALESCE = 0.02


class DisruptionController:
    """Enqueues a budget when it changes, or a pod that it selects does."""

    def __init__(self, context: ControllerContext) -> None:
        self._context = context
        self._client = context.client
        self._clock = context.clock
        self._events = context.events.for_component("controllermanager")
        self._queue: WorkQueue[str] = WorkQueue("disruption", clock=context.clock, instruments=context.instruments)
        self._stale: WorkQueue[str] = WorkQueue(
            "stale_pod_disruption", clock=context.clock, instruments=context.instruments
        )
        self._selectors = SelectorCache(labels.from_object)
        self._expected = ExpectedPods(context)
        self._budgets = context.informers.of(POD_DISRUPTION_BUDGETS)
        self._budgets.add_handler(self._budget_changed)
        self._pods = context.informers.of(PODS)
        self._pods.add_index(BY_LABEL, label_pairs)
        self._pods.add_handler(self._pod_changed)

    async def run(self) -> None:
        workers = self._context.options.concurrent_syncs
        async with asyncio.TaskGroup() as group:
            group.create_task(run_workers(self._queue, workers, self._reconcile))
            group.create_task(run_workers(self._stale, 1, self._take_back))

    def _budget_changed(self, old: Object | None, new: Object | None) -> None:
        self._queue.add(key_of(new or old or {}))

    def _pod_changed(self, old: Object | None, new: Object | None) -> None:
        if new is not None and (left := stale.stale_in(new, self._clock.now())) is not None:
            self._stale.add_after(key_of(new), left)
        if old is not None and new is not None and _look(old) == _look(new):
            return
        for pod in (old, new):
            if pod is not None:
                self._enqueue_budgets(pod)

    def _enqueue_budgets(self, pod: Object) -> None:
        for budget in self._budgets_of(pod):
            self._queue.add_after(key_of(budget), COALESCE)

    def _budgets_of(self, pod: Object) -> list[Object]:
        """All of them count, though evictions allow only one."""
        budgets = self._budgets.list(namespace_of(pod))
        found = [budget for budget in budgets if self._selectors.of(budget).matches(labels_of(pod))]
        if len(found) > 1:
            who = f'Pod "{namespace_of(pod)}"/"{name_of(pod)}"'
            message = f'{who} matches multiple PodDisruptionBudgets.  Chose "{name_of(found[0])}" arbitrarily.'
            self._events.warning(pod, "MultiplePodDisruptionBudgets", message)
        return found

    async def _reconcile(self, name: str) -> timedelta | None:
        budget = self._budgets.get_key(name)
        if budget is None:
            return None
        try:
            return await self._sync(budget)
        except (Conflict, NotFound):
            raise
        except (StatusError, CannotExpect, IntOrStringError) as error:
            await self._write(budget, status.failed(budget, str(error), self._clock.now()))
            raise

    async def _sync(self, budget: Object) -> timedelta | None:
        pods = selected(self._pods, namespace_of(budget), self._selectors.of(budget))
        if not pods:
            self._events.normal(budget, "NoPods", "No matching pods found")
        try:
            expected = await self._expected.of(budget, pods)
        except (StatusError, CannotExpect, IntOrStringError) as error:
            message = f"Failed to calculate the number of expected pods: {error}"
            self._events.warning(budget, "CalculateExpectedPodCountFailed", message)
            raise
        if expected.unmanaged:
            self._events.warning(budget, "UnmanagedPods", _unmanaged(self._selectors.of(budget)))
        now = self._clock.now()
        self._report_overdue(budget, pods)
        wanted = status.counted(budget, pods, expected, now)
        await self._write(budget, wanted)
        return status.next_check(wanted, now)

    def _report_overdue(self, budget: Object, pods: list[Object]) -> None:
        announced = status_of(budget).get("disruptedPods") or {}
        for pod in pods if announced else ():
            is_due = name_of(pod) in announced and not status.is_announced(budget, pod, self._clock.now())
            if is_due and not is_deleting(pod):
                message = f"Pod was expected by PDB {key_of(budget)} to be deleted but it wasn't"
                self._events.warning(pod, "NotDeleted", message)

    async def _write(self, budget: Object, wanted: Mapping[str, Any]) -> None:
        if wanted != status_of(budget):
            changed = {**budget, "status": wanted}
            await self._client.update(POD_DISRUPTION_BUDGETS, changed, subresource="status")

    async def _take_back(self, name: str) -> timedelta | None:
        pod = self._pods.get_key(name)
        left = stale.stale_in(pod, self._clock.now()) if pod is not None else None
        if pod is None or left is None or left > timedelta(0):
            return left
        await stale.take_back(self._client, pod, self._clock.now())
        return None


def _look(pod: Object) -> tuple[Any, ...]:
    """What a budget sees of a pod."""
    return labels_of(pod), is_ready(pod), is_deleting(pod), phase(pod), controller_of(pod)


def _unmanaged(selector: labels.Selector) -> str:
    return (
        f"Pods selected by this PodDisruptionBudget (selector: {selector}) were found to be unmanaged. As a result, "
        "the status of the PDB cannot be calculated correctly, which may result in undefined behavior. To account "
        'for these pods please set ".spec.minAvailable" field of the PDB to an integer value.'
    )
