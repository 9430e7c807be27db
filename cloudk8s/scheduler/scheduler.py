"""The scheduler: take a pod, choose a node, assume it there, bind it in the background; go on with the next.

Informers ─► intake ─► cluster (columns) and queue ─► decide ─► assume ─► binder ─► API. One pod is decided at a time,
without a pause, so the cluster does not change while it is looked at; the loop is given back every few milliseconds.
"""

from __future__ import annotations

import asyncio
import logging
import random
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from cloudk8s.client.events import EventRecorder
from cloudk8s.client.informer import Informers
from cloudk8s.client.interface import Client
from cloudk8s.machinery.clock import Clock
from cloudk8s.scheduler.binding import Binder, Binding, Failure, permit, reserve, unreserve
from cloudk8s.scheduler.cluster.cluster import Cluster
from cloudk8s.scheduler.framework.choosing import choose
from cloudk8s.scheduler.framework.diagnosis import Diagnosis
from cloudk8s.scheduler.framework.filtering import diagnose, feasible, prepare
from cloudk8s.scheduler.framework.profile import Profile
from cloudk8s.scheduler.intake import Intake
from cloudk8s.scheduler.interface import Cycle, Handle, Refusal
from cloudk8s.scheduler.plugins.catalog import BUILT_IN, WEIGHTS
from cloudk8s.scheduler.queue.entry import QueuedPod
from cloudk8s.scheduler.queue.queue import SchedulingQueue
from cloudk8s.scheduler.reporting import Reporter

TURN = 0.004
"""Seconds after which the loop is given back."""

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class SchedulerContext:
    """What a scheduler runs on."""

    client: Client
    informers: Informers
    events: EventRecorder
    clock: Clock
    random: random.Random = field(default_factory=random.Random)


class Scheduler:
    """One scheduler with all its profiles; `run` until cancelled."""

    def __init__(self, context: SchedulerContext) -> None:
        self._context = context
        self._informers = context.informers.view()
        self._clock = context.clock
        self.cluster = Cluster()
        handle = Handle(self.cluster, context.client, self._informers, context.clock, context.random)
        self._profiles: Mapping[str, Profile] = {"default-scheduler": _default_profile(handle)}
        self.queue = SchedulingQueue(self._profiles, clock=context.clock)
        self._reporter = Reporter(context.client, context.events, clock=context.clock)
        Intake(self.cluster, self.queue, self._informers, self._profiles)

    async def run(self) -> None:
        """Schedule until cancelled."""
        await self._informers.synced()
        async with asyncio.TaskGroup() as group:
            self._group = group
            self._binder = Binder(group, self._finish)
            await self._loop()

    async def _loop(self) -> None:
        turn_ends = self._clock.monotonic() + TURN
        while True:
            await self._binder.room()
            entry = await self.queue.next()
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
            self._binder.release()
            if self.cluster.pods.get(entry.pod.key) is entry.pod:
                self.cluster.remove(entry.pod)
            self._give_up(entry, (), "SchedulerError", repr(error))

    def _attempt(self, entry: QueuedPod) -> None:
        """Decide one pod, up to the start of its binding."""
        profile, cycle = self._profiles[entry.pod.shape.scheduler_name], Cycle(entry.pod, self.cluster)
        node = self.decide(profile, cycle)
        if isinstance(node, Diagnosis):
            self._binder.release()
            self._unschedulable(entry, node)
            return
        self.cluster.add(entry.pod, node)
        binding = Binding(entry, cycle, node, profile)
        refusal = reserve(profile, cycle, node)
        if refusal is None:
            answer = permit(profile, cycle, node)
            if not isinstance(answer, Refusal):
                self._binder.start(binding, None)
                return
            unreserve(profile, cycle, node)
            refusal = answer
        self._binder.release()
        self.cluster.remove(entry.pod)
        self._unschedulable(entry, self._refused(refusal))

    def decide(self, profile: Profile, cycle: Cycle) -> str | Diagnosis:
        """The best node for a pod, or why there is none."""
        nodes = self.cluster.nodes
        if not nodes.count:
            return Diagnosis(0)
        refusal = prepare(profile, cycle)
        if refusal is not None:
            return self._refused(refusal)
        slot = choose(profile, cycle, feasible(profile, cycle, nodes.rows), self._context.random)
        return diagnose(profile, cycle) if slot is None else nodes.names[slot]

    def _refused(self, refusal: Refusal) -> Diagnosis:
        nodes = self.cluster.nodes
        return Diagnosis(nodes.count, pre_filter=refusal.reason, plugins={refusal.plugin})

    def _unschedulable(self, entry: QueuedPod, diagnosis: Diagnosis) -> None:
        self._give_up(entry, diagnosis.plugins, "Unschedulable", diagnosis.message)

    def _finish(self, binding: Binding, failure: Failure | None) -> None:
        """A binding has ended."""
        pod = binding.cycle.pod
        if failure is None:
            self.queue.done(pod.key)
            self._reporter.scheduled(pod, binding.node)
            return
        unreserve(binding.profile, binding.cycle, binding.node)
        if self.cluster.pods.get(pod.key) is pod:
            self.cluster.remove(pod)
        if failure.plugin:
            self._give_up(binding.entry, {failure.plugin}, "Unschedulable", failure.message)
        else:
            self._give_up(binding.entry, (), "SchedulerError", failure.message)

    def _give_up(self, entry: QueuedPod, plugins: Iterable[str], reason: str, message: str) -> None:
        """Put the pod back, to be tried again later, and say why."""
        if not self.queue.fail(entry, plugins, has_error=reason == "SchedulerError"):
            return
        pod = entry.pod
        self._reporter.failed(pod, message)
        self._group.create_task(self._reporter.unscheduled(pod, reason, message), name=f"report {pod.key}")


def _default_profile(handle: Handle) -> Profile:
    profile = Profile("default-scheduler")
    for name, factory in BUILT_IN.items():
        profile.add(factory({}, handle), WEIGHTS.get(name, 1))
    return profile
