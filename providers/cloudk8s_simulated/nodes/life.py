"""How pods live that no stage is about: they start, may fail and be started again, end, and go when deleted."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Final

from cloudk8s.client import resources
from cloudk8s.client.events import EventRecorder
from cloudk8s.client.informer import Informers
from cloudk8s.client.interface import Client, DeleteOptions, Object
from cloudk8s.client.objects import key_of, split_key, uid_of
from cloudk8s.client.queue import WorkQueue, run_workers
from cloudk8s.errors import NotFound
from cloudk8s.machinery.clock import Clock
from cloudk8s.machinery.times import parse_time
from cloudk8s_simulated.nodes import pod as pods
from cloudk8s_simulated.nodes.addresses import FleetAddresses
from cloudk8s_simulated.stages.choosing import chance_for
from cloudk8s_simulated.stages.documents import PodBehavior
from cloudk8s_simulated.stages.world import BY_NODE, node_of

_WORKERS: Final = 32
_ERROR: Final = 1
"""What containers exit with that fail by themselves."""


@dataclass(frozen=True, slots=True)
class LifeSettings:
    """How pods behave, and the seed of what is left to chance."""

    behavior: PodBehavior = field(default_factory=PodBehavior)
    seed: int = 0


class PodLives:
    """Lives the pods of the nodes for which `is_up` holds; `run` until cancelled."""

    def __init__(
        self, client: Client, informers: Informers, is_up: Callable[[str], bool], addresses: FleetAddresses,
        settings: LifeSettings, *, events: EventRecorder, clock: Clock,
    ) -> None:  # fmt: skip
        self._client, self._clock, self._events = client, clock, events
        self._is_up, self._addresses, self._settings = is_up, addresses, settings
        self._queue: WorkQueue[str] = WorkQueue("simulated pods", clock=clock)
        self._pods = informers.of(resources.PODS)
        self._pods.add_index(BY_NODE, node_of)
        self._pods.add_handler(self._on_pod)

    async def run(self) -> None:
        """Bring pods on."""
        await run_workers(self._queue, _WORKERS, self._sync)

    def look_again(self, node: str) -> None:
        """A node came or went: look at its pods."""
        for pod in self._pods.by_index(BY_NODE, node):
            self._queue.add(key_of(pod))

    def _on_pod(self, old: Object | None, new: Object | None) -> None:
        if new is None:
            self._addresses.release(uid_of(old or {}))
        elif self._is_up(new["spec"].get("nodeName", "")):
            self._queue.add(key_of(new))

    async def _sync(self, key: str) -> timedelta | None:
        """Bring one pod a step forward; returns when to look again."""
        namespace, name = split_key(key)
        pod = self._pods.get(name, namespace)
        if pod is None or not self._is_up(pod["spec"].get("nodeName", "")):
            return None
        if pod["metadata"].get("deletionTimestamp"):
            await self._remove(pod)
            return None
        phase = (pod.get("status") or {}).get("phase", "Pending")
        if phase == "Pending":
            return await self._start(pod)
        return await self._continue(pod) if phase == "Running" else None

    async def _start(self, pod: Object) -> timedelta | None:
        if (left := self._until_start(pod)) > timedelta(0):
            return left
        host = self._addresses.of_node(pod["spec"]["nodeName"])
        address = host if pod["spec"].get("hostNetwork") else self._addresses.of_pod(uid_of(pod))
        await self._report(pod, pods.running(pod, address=address, host=host, now=self._clock.now()))
        seconds = self._run_seconds(pod)
        return timedelta(seconds=seconds[0]) if seconds is not None else None

    async def _continue(self, pod: Object) -> timedelta | None:
        """Containers run until their time is over, or wait until they are started again."""
        if (ended := pods.last_ended(pod)) is not None:
            return await self._restart(pod, ended["finishedAt"], int(ended["exitCode"]))
        seconds, since = self._run_seconds(pod), pods.running_since(pod)
        if seconds is None or not since:
            return None
        left = parse_time(since) + timedelta(seconds=seconds[0]) - self._clock.now()
        if left > timedelta(0):
            return left
        return await self._end(pod, seconds[1])

    async def _end(self, pod: Object, code: int) -> timedelta | None:
        now = self._clock.now()
        if not pods.is_restarted_after(pod, code):
            await self._report(pod, pods.finished(pod, code=code, now=now))
            return None
        seconds = pods.backoff(pods.restart_count(pod))
        if not seconds:
            await self._report(pod, pods.restarted(pod, code=code, now=now))
            return None
        await self._report(pod, pods.waiting(pod, code=code, now=now))
        for container in pod["spec"]["containers"]:
            name, place = container["name"], f"{pod['metadata']['name']}_{pod['metadata']['namespace']}({uid_of(pod)})"
            text = f"Back-off restarting failed container {name} in pod {place}"
            path = f"spec.containers{{{name}}}"
            self._events.event(pod, "Warning", "BackOff", text, resource=resources.PODS, field_path=path)
        return timedelta(seconds=seconds)

    async def _restart(self, pod: Object, ended_at: str, code: int) -> timedelta | None:
        seconds = pods.backoff(pods.restart_count(pod))
        left = parse_time(ended_at) + timedelta(seconds=seconds) - self._clock.now()
        if left > timedelta(0):
            return left
        await self._report(pod, pods.restarted(pod, code=code, now=self._clock.now()))
        return None

    def _until_start(self, pod: Object) -> timedelta:
        behavior, scheduled = self._settings.behavior, _scheduled_at(pod)
        delay = pods.start_seconds(pod)
        if delay is None:
            jitter = behavior.startJitter and behavior.startJitter * self._chance(pod, -1)[0]
            delay = behavior.startDelay + jitter
        if not delay or not scheduled:
            return timedelta(0)
        return parse_time(scheduled) + timedelta(seconds=delay) - self._clock.now()

    def _run_seconds(self, pod: Object) -> tuple[float, int] | None:
        """How long the containers run this time and what they exit with; None where they run for ever."""
        behavior = self._settings.behavior
        told = pods.run_seconds(pod, behavior.jobDuration)
        if behavior.failureShare:
            fails, after = self._chance(pod, pods.restart_count(pod))
            failing = 2 * behavior.failureAfter * after
            if fails < behavior.failureShare and (told is None or failing < told):
                return failing, _ERROR
        return None if told is None else (told, pods.exit_code(pod))

    def _chance(self, pod: Object, turn: int) -> tuple[float, float]:
        """Two numbers from 0 to 1 for one turn of a pod's life."""
        dice = chance_for(self._settings.seed, "pod", key_of(pod), turn)
        return dice.random(), dice.random()

    async def _report(self, pod: Object, status: dict[str, object]) -> None:
        metadata = pod["metadata"]
        await self._client.patch(
            resources.PODS, metadata["name"], {"status": status}, namespace=metadata["namespace"], subresource="status"
        )

    async def _remove(self, pod: Object) -> None:
        metadata = pod["metadata"]
        options = DeleteOptions(grace_period_seconds=0, uid=metadata["uid"])
        try:
            await self._client.delete(
                resources.PODS, metadata["name"], namespace=metadata["namespace"], options=options
            )
        except NotFound:
            return


def _scheduled_at(pod: Object) -> str:
    for condition in (pod.get("status") or {}).get("conditions") or []:
        if condition["type"] == "PodScheduled":
            return str(condition.get("lastTransitionTime") or "")
    return ""
