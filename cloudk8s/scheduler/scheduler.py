"""The scheduler: take a pod, choose a node, assume it there, bind it in the background; go on with the next.

Informers ─► intake ─► cluster (columns) and queue ─► decide ─► assume ─► binder ─► API. One pod is decided at a time,
without a pause, so the cluster does not change while it is looked at; the loop is given back every few milliseconds.
"""

from __future__ import annotations

import asyncio
import logging
import random
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from types import MappingProxyType
from typing import Any, Final

from cloudk8s.client.events import EventRecorder
from cloudk8s.client.informer import Informers
from cloudk8s.client.interface import Client
from cloudk8s.client.resources import NODES
from cloudk8s.errors import CloudK8sError
from cloudk8s.machinery.clock import Clock
from cloudk8s.machinery.instruments import Instruments
from cloudk8s.scheduler.background import Background
from cloudk8s.scheduler.binding import Binder, Binding, Failure, permit, reserve, unreserve
from cloudk8s.scheduler.cluster.cluster import Cluster
from cloudk8s.scheduler.configuration.extender import ignored_resources
from cloudk8s.scheduler.configuration.model import ProfileConfiguration, SchedulerConfiguration
from cloudk8s.scheduler.configuration.profiles import check_queue_sort, fill_profile
from cloudk8s.scheduler.extenders.deciding import AskingDecider
from cloudk8s.scheduler.extenders.extenders import NAME as EXTENDER
from cloudk8s.scheduler.extenders.extenders import Extenders
from cloudk8s.scheduler.framework.deciding import Decider
from cloudk8s.scheduler.framework.diagnosis import Diagnosis
from cloudk8s.scheduler.framework.failures import Failures
from cloudk8s.scheduler.framework.lane import Lane
from cloudk8s.scheduler.framework.nominations import Nominations
from cloudk8s.scheduler.framework.profile import Profile
from cloudk8s.scheduler.framework.timing import SUCCESS, Sampler
from cloudk8s.scheduler.framework.waiting import WaitingPod, WaitingPods
from cloudk8s.scheduler.intake import Intake
from cloudk8s.scheduler.interface import ClusterEvent, Cycle, Factory, Handle, Refusal
from cloudk8s.scheduler.metrics import ERROR as FAILED
from cloudk8s.scheduler.metrics import SCHEDULED, SchedulerMetrics
from cloudk8s.scheduler.metrics import UNSCHEDULABLE as REJECTED
from cloudk8s.scheduler.plugins.catalog import BUILT_IN
from cloudk8s.scheduler.preemption.room import Room
from cloudk8s.scheduler.queue.entry import Backoff, QueuedPod
from cloudk8s.scheduler.queue.queue import LEFTOVER, SchedulingQueue
from cloudk8s.scheduler.reporting import Reporter

TURN: Final = 0.004
"""Seconds after which the loop is given back."""
UNSCHEDULABLE: Final = "Unschedulable"
ERROR: Final = "SchedulerError"
DEFAULT_CONFIGURATION: Final = SchedulerConfiguration()

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class SchedulerContext:
    """What a scheduler runs on."""

    client: Client
    informers: Informers
    events: EventRecorder
    clock: Clock
    random: random.Random = field(default_factory=random.Random)
    metrics: SchedulerMetrics = field(default_factory=lambda: SchedulerMetrics(Instruments()))
    pod_max_in_unschedulable_pods_duration: timedelta = LEFTOVER
    """After how long a pod is tried again that no event has given a reason to."""


class Scheduler:
    """One scheduler with all its profiles; `run` until cancelled."""

    def __init__(
        self,
        context: SchedulerContext,
        configuration: SchedulerConfiguration = DEFAULT_CONFIGURATION,
        *,
        plugins: Mapping[str, Factory] = MappingProxyType({}),
    ) -> None:
        self._informers = context.informers.view()
        self._clock = context.clock
        self._background = Background()
        self._reporter = Reporter(context.client, context.events, clock=context.clock)
        self._waiting = WaitingPods()
        self._context = context
        self.cluster = Cluster()
        self.nominations = Nominations()
        self._binding = 0
        """Pods that have a node and are being bound."""
        self.is_synced = False
        """Whether everything there is has been read."""
        self._failures = Failures(self.cluster, self.nominations)
        self._room = Room(self.cluster, self.nominations, self._failures)
        self._profiles: dict[str, Profile] = {}
        self._lanes: dict[str, Lane] = {}
        self._shared: defaultdict[str, dict[Any, Any]] = defaultdict(dict)
        self._extenders = _extenders(configuration)
        ignored = ignored_resources(configuration.extenders)
        self._metrics = context.metrics
        factories = {**BUILT_IN, **plugins}
        for profile in configuration.profiles:
            self._add_profile(profile.ignoring(ignored), factories)
        check_queue_sort(self._profiles)
        self.queue = SchedulingQueue(
            self._profiles, clock=context.clock, backoff=_backoff(configuration), incoming=self._metrics.incoming,
            leftover=context.pod_max_in_unschedulable_pods_duration,
        )  # fmt: skip
        intake = Intake(
            self.cluster, self.queue, self.nominations, self._informers, self._profiles, self._reporter.skipped
        )
        intake.follow(self._profiles.values())
        self._show()

    async def run(self) -> None:
        """Schedule until cancelled."""
        await self._informers.synced()
        self.is_synced = True
        async with self._background as group:
            first = self._extenders.bind if self._extenders is not None else None
            self._binder = Binder(group, self._finish, bind_first=first)
            try:
                await self._loop()
            finally:
                if self._extenders is not None:
                    await self._extenders.close()

    def _add_profile(self, configuration: ProfileConfiguration, factories: Mapping[str, Factory]) -> None:
        name, context = configuration.scheduler_name, self._context
        profile = self._profiles[name] = Profile(name)
        lane = self._lanes[name] = Lane(profile, self.cluster, self.nominations, context.random)
        decider = lane.decider
        handle = Handle(
            self.cluster, context.client, self._informers, context.clock, context.random, self.nominations,
            self._waiting, self._reporter, decider.fits,
            decider.short_of_resources, self._background.spawn, lambda key: self.queue.revive(key),
            self._metrics, self._shared,
        )  # fmt: skip
        fill_profile(profile, configuration, factories, handle)
        if self._extenders is not None:
            profile.interests[EXTENDER] = None
        lane.measure(self._metrics, context.clock)

    def _show(self) -> None:
        """What can be seen at any time is read when somebody looks."""
        nodes, pods = self.cluster.nodes, self.cluster.pods
        self._metrics.pending.read_from(lambda: {(part,): count for part, count in self.queue.counts.items()})
        self._metrics.unschedulable.read_from(self.queue.rejections)
        self._metrics.cache.read_from(
            lambda: {("nodes",): nodes.count, ("pods",): len(pods), ("assumed_pods",): self._binding}
        )

    async def _loop(self) -> None:
        turn_ends = self._clock.monotonic() + TURN
        while True:
            await self._binder.room()
            entry = await self.queue.next()
            if self._extenders is not None and self._extenders.decide_about(entry.pod):
                await self._try_asking(entry, self._extenders)
            else:
                self._try(entry)
            if self._clock.monotonic() >= turn_ends:
                if self.cluster.shapes.is_crowded:
                    self.cluster.sweep({pod.shape for pod in self.queue.pods()})
                await asyncio.sleep(0)
                turn_ends = self._clock.monotonic() + TURN

    def _try(self, entry: QueuedPod) -> None:
        try:
            self._attempt(entry)
        except Exception as error:  # noqa: BLE001 - a plugin's mistake must not stop the scheduler
            _log.exception("pod %s: scheduling failed", entry.pod.key)
            self._failed(entry, repr(error))

    async def _try_asking(self, entry: QueuedPod, extenders: Extenders) -> None:
        """The same with extenders. The cluster may change meanwhile, and the pod may go."""
        try:
            await self._attempt_asking(entry, extenders)
        except CloudK8sError as error:
            self._failed(entry, str(error))
        except Exception as error:  # noqa: BLE001 - a plugin's mistake must not stop the scheduler
            _log.exception("pod %s: scheduling failed", entry.pod.key)
            self._failed(entry, repr(error))

    def _failed(self, entry: QueuedPod, message: str) -> None:
        self._binder.release()
        if self.cluster.pods.get(entry.pod.key) is entry.pod:
            self.cluster.remove(entry.pod)
        self._give_up(entry, (), ERROR, message)

    def _attempt(self, entry: QueuedPod) -> None:
        """Decide one pod, up to the start of its binding."""
        pod = entry.pod
        began = self._begin(entry)
        profile, decider, sampler = self._lanes[pod.shape.scheduler_name].take()
        cycle = Cycle(pod, self.cluster)
        if (known := self._failures.recall(pod)) is not None:
            self._binder.release()
            self._give_up(entry, known.plugins, UNSCHEDULABLE, known.message, nominated="")
            return
        node = decider.decide(cycle)
        self._metrics.algorithm.observe(self._clock.monotonic() - began)
        if isinstance(node, Diagnosis):
            nominated = self._room.make(profile, cycle, node, sampler)
            self._unplaced(entry, node, nominated)
        else:
            self._place(Binding(entry, cycle, node, profile), decider, sampler)

    async def _attempt_asking(self, entry: QueuedPod, extenders: Extenders) -> None:
        pod = entry.pod
        began = self._begin(entry)
        profile, decider, sampler = self._lanes[pod.shape.scheduler_name].take()
        cycle, node = await AskingDecider(extenders, self.cluster, self._informers.of(NODES)).decide(pod, decider)
        self._metrics.algorithm.observe(self._clock.monotonic() - began)
        if self.queue.get(pod.key) is not entry or entry.pod is not pod:
            self._binder.release()  # it has gone, or changed: then what was found out is of no use
            self.queue.retry(entry)
        elif isinstance(node, Diagnosis):
            nominated = await self._room.make_asking(profile, cycle, node, sampler, extenders)
            self._unplaced(entry, node, nominated)
        else:
            self._place(Binding(entry, cycle, node, profile), decider, sampler)

    def _begin(self, entry: QueuedPod) -> float:
        entry.tried_at = self._clock.monotonic()
        if entry.first_tried_at is None:
            entry.first_tried_at = entry.tried_at
        return entry.tried_at

    def _place(self, binding: Binding, decider: Decider, sampler: Sampler | None) -> None:
        """Count the pod where it goes, and have it bound."""
        entry, pod = binding.entry, binding.cycle.pod
        self.cluster.add(pod, binding.node)
        refusal = self._start(binding)
        if sampler is not None:
            sampler.flush()
        if refusal is not None:
            self._binder.release()
            self.cluster.remove(pod)
            self._give_up(entry, {refusal.plugin}, UNSCHEDULABLE, decider.refused(refusal).message)
            return
        self.nominations.remove(pod.key)

    def _start(self, binding: Binding) -> Refusal | None:
        """Reserve, ask for permits, and bind in the background."""
        profile, cycle, node = binding.profile, binding.cycle, binding.node
        refusal = reserve(profile, cycle, node)
        if refusal is not None:
            return refusal
        answer = permit(profile, cycle, node)
        if isinstance(answer, Refusal):
            unreserve(profile, cycle, node)
            return answer
        waiting = WaitingPod(cycle.pod, node, answer, self._clock) if answer else None
        self._binding += 1
        self._binder.start(binding, self._permitted(waiting) if waiting else None)
        return None

    async def _permitted(self, waiting: WaitingPod) -> Refusal | None:
        began = self._clock.monotonic()
        refusal = await self._waiting.outcome(waiting)
        result = SUCCESS if refusal is None else UNSCHEDULABLE
        self._metrics.permits.of(result).observe(self._clock.monotonic() - began)
        return refusal

    def _unplaced(self, entry: QueuedPod, diagnosis: Diagnosis, nominated: str | None) -> None:
        """No node can take the pod, for now."""
        self._binder.release()
        self._give_up(entry, diagnosis.plugins, UNSCHEDULABLE, diagnosis.message, nominated=nominated)

    def _finish(self, binding: Binding, failure: Failure | None) -> None:
        """A binding has ended."""
        pod, entry = binding.cycle.pod, binding.entry
        self._binding -= 1
        if failure is None:
            self.queue.done(pod.key)
            now = self._clock.monotonic()
            self._metrics.attempted(pod.shape.scheduler_name, SCHEDULED, now - entry.tried_at)
            self._metrics.scheduled(entry.attempts, now - (entry.first_tried_at or 0.0))
            self._reporter.scheduled(pod, binding.node)
            return
        unreserve(binding.profile, binding.cycle, binding.node)
        if self.cluster.pods.get(pod.key) is pod:
            self.cluster.remove(pod)
            self.queue.move(ClusterEvent("assigned-pods", "delete", pod.obj, None))
        if failure.plugin:
            self._give_up(binding.entry, {failure.plugin}, UNSCHEDULABLE, failure.message)
        else:
            self._give_up(binding.entry, (), ERROR, failure.message)

    def _give_up(
        self, entry: QueuedPod, plugins: Iterable[str], reason: str, message: str, *, nominated: str | None = None
    ) -> None:
        """Put the pod back, to be tried again later, and say why."""
        pod, has_error = entry.pod, reason == ERROR
        seconds = self._clock.monotonic() - entry.tried_at
        self._metrics.attempted(pod.shape.scheduler_name, FAILED if has_error else REJECTED, seconds)
        if not self.queue.fail(entry, plugins, has_error=has_error):
            return
        self._reporter.failed(pod, message)
        report = self._reporter.unscheduled(pod, reason, message, nominated=nominated)
        self._background.spawn(report, f"report {pod.key}")


def _extenders(configuration: SchedulerConfiguration) -> Extenders | None:
    return Extenders(configuration.extenders) if configuration.extenders else None


def _backoff(configuration: SchedulerConfiguration) -> Backoff:
    initial, maximum = configuration.pod_initial_backoff_seconds, configuration.pod_max_backoff_seconds
    return Backoff(timedelta(seconds=initial), timedelta(seconds=maximum))
