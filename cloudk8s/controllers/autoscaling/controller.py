"""Looks at every autoscaler, every fifteen seconds."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from datetime import timedelta

from cloudk8s.client.interface import Object
from cloudk8s.client.objects import key_of, labels_of, namespace_of, spec_of
from cloudk8s.client.queue import WorkQueue, run_workers
from cloudk8s.client.resources import HORIZONTAL_POD_AUTOSCALERS, PODS
from cloudk8s.controllers.autoscaling.damping import History
from cloudk8s.controllers.autoscaling.metrics import Metrics
from cloudk8s.controllers.autoscaling.sync import AutoscalerSync, CannotScale, Surroundings
from cloudk8s.controllers.interface import ControllerContext
from cloudk8s.controllers.kinds import Kinds
from cloudk8s.controllers.selected_pods import BY_LABEL, label_pairs, selected
from cloudk8s.errors import StatusError
from cloudk8s.machinery.labels import Selector

_log = logging.getLogger(__name__)


class HorizontalPodAutoscalerController:
    """A new or changed autoscaler is looked at at once; a look that fails is tried again at the next turn."""

    def __init__(self, context: ControllerContext) -> None:
        self._context = context
        self._queue: WorkQueue[str] = WorkQueue(
            "horizontalpodautoscaler", clock=context.clock, instruments=context.instruments
        )
        self._histories: dict[str, History] = {}
        self._selectors: dict[str, Selector] = {}
        self._autoscalers = context.informers.of(HORIZONTAL_POD_AUTOSCALERS)
        self._autoscalers.add_handler(self._changed)
        self._pods = context.informers.of(PODS)
        self._pods.add_index(BY_LABEL, label_pairs)
        self._around = Surroundings(
            client=context.client,
            events=context.events.for_component("horizontal-pod-autoscaler"),
            clock=context.clock,
            options=context.options,
            kinds=Kinds(context.client, clock=context.clock),
            metrics=Metrics(context.client, clock=context.clock),
            pods_of=lambda namespace, selector: selected(self._pods, namespace, selector),
            rivals=self._rivals,
        )

    async def run(self) -> None:
        workers = self._context.options.concurrent_horizontal_pod_autoscaler_syncs
        await run_workers(self._queue, workers, self._reconcile)

    def _changed(self, old: Object | None, new: Object | None) -> None:
        if new is None:
            self._histories.pop(key_of(old or {}), None)
            self._selectors.pop(key_of(old or {}), None)
        elif old is None or spec_of(old) != spec_of(new):
            self._queue.add(key_of(new))

    def _rivals(self, autoscaler: Object, selector: Selector, pods: Sequence[Object]) -> Sequence[str]:
        """The autoscalers, this one included, that select any of these pods."""
        self._selectors[key_of(autoscaler)] = selector
        namespace = namespace_of(autoscaler)
        others = [(name, other) for name, other in self._selectors.items() if name.startswith(f"{namespace}/")]
        return sorted(name for name, other in others if any(other.matches(labels_of(pod)) for pod in pods))

    async def _reconcile(self, name: str) -> timedelta | None:
        autoscaler = self._autoscalers.get_key(name)
        if autoscaler is None:
            return None
        history = self._histories.setdefault(name, History())
        try:
            await AutoscalerSync(self._around, autoscaler, history).run()
        except (CannotScale, StatusError) as error:
            _log.info("autoscaler %s: %s", name, error)
        return self._context.options.hpa_sync_period
