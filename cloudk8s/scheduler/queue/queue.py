"""The scheduling queue: active, backing off, unschedulable, gated.

A pod enters with `add`. `next` hands out the first active one; then it is either forgotten with `done`, or comes back
with `fail`. A failed pod waits until an event may help it (`move`), and at least for its backoff.
"""

from __future__ import annotations

import asyncio
from collections.abc import Hashable, Iterable, Mapping
from datetime import timedelta
from typing import Final

from cloudk8s.machinery.clock import Clock
from cloudk8s.machinery.instruments import Counter, Labels
from cloudk8s.machinery.tasks import changed_or_slept
from cloudk8s.scheduler.framework.profile import Profile
from cloudk8s.scheduler.interface import ClusterEvent, Refusal
from cloudk8s.scheduler.pod.pod import Pod
from cloudk8s.scheduler.queue.entry import DEFAULT_BACKOFF, Backoff, QueuedPod
from cloudk8s.scheduler.queue.heap import PodHeap
from cloudk8s.scheduler.queue.interests import Interests

LEFTOVER = timedelta(minutes=5)
"""An unschedulable pod is tried again after this time, whatever happens."""
ADDED: Final = "UnschedulablePodAdd"
CHANGED: Final = "UnschedulablePodUpdate"
FAILED: Final = "ScheduleAttemptFailure"
FORCED: Final = "ForceActivate"
TIMED_OUT: Final = "UnschedulableTimeout"
WAITED: Final = "BackoffComplete"


class SchedulingQueue:
    """All pods that wait. Time is the clock's."""

    def __init__(
        self,
        profiles: Mapping[str, Profile],
        *,
        clock: Clock,
        backoff: Backoff = DEFAULT_BACKOFF,
        incoming: Counter | None = None,
        leftover: timedelta = LEFTOVER,
    ) -> None:
        """`incoming` counts pods by the event and the part of the queue they come to.

        After `leftover` a pod is tried again that no event has given a reason to.
        """
        self._profiles = profiles
        self._sort_key = next(iter(profiles.values())).queue_sort[0].sort_key
        self._interests = Interests(profiles)
        self._clock = clock
        self._backoff = backoff
        self._incoming = incoming or Counter("incoming", "", ("event", "queue"))
        self._active = PodHeap()
        self._waiting = PodHeap()
        self._erring = PodHeap()
        self._unschedulable: dict[Hashable, dict[str, QueuedPod]] = {}
        self._gated: dict[str, QueuedPod] = {}
        self._groups: dict[str, Hashable] = {}
        self._taken: dict[str, QueuedPod] = {}
        self._arrived = asyncio.Event()
        self._leftover = leftover.total_seconds()
        self._flush_at = clock.monotonic() + self._leftover

    def __len__(self) -> int:
        return len(self._active) + len(self._waiting) + len(self._erring) + len(self._groups) + len(self._gated)

    @property
    def counts(self) -> Mapping[str, int]:
        """How many pods wait in which part."""
        waiting = len(self._waiting) + len(self._erring)
        return {
            "active": len(self._active), "backoff": waiting, "unschedulable": len(self._groups),
            "gated": len(self._gated),
        }  # fmt: skip

    def rejections(self) -> Mapping[Labels, float]:
        """How many pods each plugin of a profile keeps from being scheduled."""
        found: dict[Labels, float] = {}
        groups = [list(entries.values()) for entries in self._unschedulable.values()]
        for entries in (*groups, *([entry] for entry in self._gated.values())):
            for plugin in entries[0].rejected_by:
                at = plugin, entries[0].pod.shape.scheduler_name
                found[at] = found.get(at, 0) + len(entries)
        return found

    def pods(self) -> Iterable[Pod]:
        """Every pod that waits or has been handed out."""
        for part in (self._active, self._waiting, self._erring):
            yield from (entry.pod for entry in part)
        for group in self._unschedulable.values():
            yield from (entry.pod for entry in group.values())
        for held in (self._gated, self._taken):
            yield from (entry.pod for entry in held.values())

    def add(self, pod: Pod) -> None:
        """A pod waits, or one that waits has changed; a change gives one that failed another chance."""
        if (taken := self._taken.get(pod.key)) is not None:
            taken.pod = pod
            return
        entry, event = self._remove(pod.key), CHANGED
        if entry is None:
            entry, event = QueuedPod(pod, self._clock.monotonic()), ADDED
        entry.pod = pod
        self._enter(entry, event)

    def refresh(self, pod: Pod) -> None:
        """A waiting pod has changed in nothing that matters to its chances."""
        if (entry := self.get(pod.key)) is not None:
            entry.pod = pod

    def get(self, key: str) -> QueuedPod | None:
        """The entry of a pod that waits or has been handed out."""
        if (group := self._groups.get(key)) is not None:
            return self._unschedulable[group][key]
        for part in (self._active, self._waiting, self._erring):
            if (entry := part.get(key)) is not None:
                return entry
        return self._taken.get(key) or self._gated.get(key)

    def remove(self, key: str) -> None:
        """A pod does not wait any more."""
        self._remove(key)
        self._taken.pop(key, None)

    async def next(self) -> QueuedPod:
        """Take the next pod; `done` or `fail` must follow."""
        while True:
            if (entry := self.poll()) is not None:
                return entry
            self._arrived.clear()
            await self._wait()

    def poll(self) -> QueuedPod | None:
        """Take the next pod if there is one. With nothing active, one that backs off may come early."""
        self._release()
        entry = self._active.pop() or self._waiting.pop()
        if entry is not None:
            entry.attempts += 1
            self._taken[entry.pod.key] = entry
        return entry

    def done(self, key: str) -> None:
        """The pod was bound or has gone."""
        self._taken.pop(key, None)

    def fail(self, entry: QueuedPod, rejected_by: Iterable[str], *, has_error: bool = False) -> bool:
        """The attempt failed: rejected by these plugins, or for an error, which only time heals.

        False if the pod has gone in the meantime.
        """
        if self._taken.get(entry.pod.key) is not entry:
            return False
        del self._taken[entry.pod.key]
        entry.failed_at = self._clock.monotonic()
        entry.rejected_by = frozenset(rejected_by)
        entry.has_error = has_error
        if has_error:
            self._incoming.add(FAILED, "backoff")
            self._erring.push(entry, self._due(entry))
            self._arrived.set()
        else:
            self._incoming.add(FAILED, "unschedulable")
            self._shelve(entry)
        return True

    def retry(self, entry: QueuedPod) -> None:
        """The pod changed while it was tried: try it as it is now. One that has gone stays away."""
        if self._taken.get(entry.pod.key) is entry:
            del self._taken[entry.pod.key]
            entry.attempts -= 1
            self._enter(entry, CHANGED)

    def move(self, event: ClusterEvent) -> None:
        """Something happened: give the pods another chance that it may help."""
        if not self._interests.is_heard(event):
            return
        for entry in list(self._gated.values()) if self._gates_hear(event) else ():
            if self._interests.is_worth_a_try(entry, event):
                self._remove(entry.pod.key)
                self._enter(entry, event.label)
        for group, entries in list(self._unschedulable.items()):
            if self._interests.is_worth_a_try(next(iter(entries.values())), event):
                self._revive(group, event.label)

    def revive(self, key: str) -> None:
        """Give one pod another chance."""
        if key in self._groups and (entry := self._remove(key)) is not None:
            self._activate(entry, FORCED)

    def _gates_hear(self, event: ClusterEvent) -> bool:
        """Whether a plugin that keeps pods out of the queue is interested in events of this kind."""
        gates = {entry.gate.plugin for entry in self._gated.values() if entry.gate is not None}
        return self._interests.is_any_interested(gates, event)

    def _enter(self, entry: QueuedPod, event: str) -> None:
        entry.gate = self._gate(entry.pod)
        if entry.gate is not None:
            entry.rejected_by = frozenset((entry.gate.plugin,))
            self._incoming.add(event, "gated")
            self._gated[entry.pod.key] = entry
        else:
            self._activate(entry, event)

    def _gate(self, pod: Pod) -> Refusal | None:
        for plugin in self._profiles[pod.shape.scheduler_name].pre_enqueue:
            if (refusal := plugin.pre_enqueue(pod)) is not None:
                return Refusal(refusal.reason, refusal.is_resolvable, plugin.name)  # type: ignore[attr-defined]
        return None

    def _activate(self, entry: QueuedPod, event: str) -> None:
        """To the active pods, or to those that back off while it is too early."""
        due = self._due(entry)
        if due > self._clock.monotonic():
            self._incoming.add(event, "backoff")
            self._waiting.push(entry, due)
        else:
            self._incoming.add(event, "active")
            self._active.push(entry, self._sort_key(entry.pod, entry.since))
        self._arrived.set()

    def _due(self, entry: QueuedPod) -> float:
        return entry.failed_at + self._backoff.seconds(entry.attempts) if entry.attempts else 0.0

    def _shelve(self, entry: QueuedPod) -> None:
        group = entry.group
        self._groups[entry.pod.key] = group
        self._unschedulable.setdefault(group, {})[entry.pod.key] = entry

    def _revive(self, group: Hashable, event: str) -> None:
        for key, entry in self._unschedulable.pop(group).items():
            del self._groups[key]
            self._activate(entry, event)

    def _remove(self, key: str) -> QueuedPod | None:
        if (group := self._groups.pop(key, None)) is not None:
            entry = self._unschedulable[group].pop(key)
            if not self._unschedulable[group]:
                del self._unschedulable[group]
            return entry
        for part in (self._active, self._waiting, self._erring):
            if (found := part.remove(key)) is not None:
                return found
        return self._gated.pop(key, None)

    def _release(self) -> None:
        """Make active what has waited long enough."""
        now = self._clock.monotonic()
        for part in (self._waiting, self._erring):
            while (found := part.first()) is not None and found[0] <= now:
                part.pop()
                self._incoming.add(WAITED, "active")
                self._active.push(found[1], self._sort_key(found[1].pod, found[1].since))
        if now >= self._flush_at:
            self._flush(now)

    def _flush(self, now: float) -> None:
        limit = self._leftover
        for group, entries in list(self._unschedulable.items()):
            if any(now - entry.failed_at >= limit for entry in entries.values()):
                self._revive(group, TIMED_OUT)
        self._flush_at = now + min(30.0, limit)

    async def _wait(self) -> None:
        """Until a pod arrives, or the time of one has come."""
        dues = [found[0] for part in (self._waiting, self._erring) if (found := part.first())]
        until = min((*dues, self._flush_at)) if dues or self._groups else None
        if until is None:
            await self._arrived.wait()
            return
        await changed_or_slept(self._arrived, self._clock, max(0.001, until - self._clock.monotonic()))
