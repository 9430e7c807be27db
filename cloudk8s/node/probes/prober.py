"""The probes of one pod's running containers: a task for each, a health for each."""

from __future__ import annotations

import asyncio
import logging
import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Literal

from cloudk8s.machinery.clock import Clock
from cloudk8s.node.probes.handlers import Subject, ask
from cloudk8s.node.probes.outcome import Health, Outcome, ProbeError, Verdict
from cloudk8s.node.runtimes.interface import Container as RuntimeContainer
from cloudk8s.node.runtimes.interface import Runtime

Kind = Literal["startup", "liveness", "readiness"]
FIELDS: Mapping[Kind, str] = {"startup": "startupProbe", "liveness": "livenessProbe", "readiness": "readinessProbe"}
_INITIAL: Mapping[Kind, Health] = {"startup": "unknown", "liveness": "success", "readiness": "failure"}
_TRIES = 3

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Report:
    """A failed probe, or a success that is worth a word, for the event."""

    container_name: str
    kind: Kind
    text: str
    is_warning: bool = False


class Prober:
    """Probes containers until told that they have gone. `on_change` is called when a health changes.

    `on_outcome` is told of each answer; None is one that could not be had.
    """

    def __init__(
        self, runtime: Runtime, *, clock: Clock, on_change: Callable[[], None], on_failure: Callable[[Report], None],
        on_outcome: Callable[[str, Kind, Outcome | None], None] = lambda name, kind, outcome: None,
    ) -> None:  # fmt: skip
        self._runtime, self._clock, self._on_outcome = runtime, clock, on_outcome
        self._on_change, self._on_failure = on_change, on_failure
        self._verdicts: dict[tuple[str, Kind], Verdict] = {}
        self._tasks: dict[tuple[str, Kind], asyncio.Task[None]] = {}
        self._starts: dict[str, asyncio.Event] = {}
        """By container id: set once the startup probe has succeeded, so that the others need not wait longer."""

    def health(self, kind: Kind) -> Mapping[str, Health]:
        """The healths of one kind by container id; containers without such a probe are not in it."""
        return {container_id: each.health for (container_id, its), each in self._verdicts.items() if its == kind}

    def watch(self, subject: Subject, container: RuntimeContainer, *, was_ready: bool, was_started: bool) -> None:
        """Probe a running container; `was_*` is what an earlier agent knew of it. Idempotent."""
        for kind, field in FIELDS.items():
            probe = subject.container.get(field)
            key = (subject.container_id, kind)
            if not probe or key in self._verdicts:
                continue
            initial = _INITIAL[kind]
            if (kind == "readiness" and was_ready) or (kind == "startup" and was_started):
                initial = "success"
            self._verdicts[key] = Verdict(
                initial,
                success_threshold=int(probe.get("successThreshold") or 1),
                failure_threshold=int(probe.get("failureThreshold") or 3),
            )
            work = self._run(kind, subject, container, probe, is_adopted=was_ready or was_started)
            self._tasks[key] = asyncio.create_task(work, name=f"{kind} probe of {container.name}")

    def keep_only(self, container_ids: set[str]) -> None:
        """Forget containers that no longer run."""
        self._starts = {key: event for key, event in self._starts.items() if key in container_ids}
        for key in [key for key in self._verdicts if key[0] not in container_ids]:
            self._stop(key)
            del self._verdicts[key]

    def stop_restarting(self) -> None:
        """The pod is being ended: only readiness matters now."""
        for key in [key for key in self._tasks if key[1] != "readiness"]:
            self._stop(key)

    async def close(self) -> None:
        """Stop all."""
        tasks = list(self._tasks.values())
        for key in list(self._tasks):
            self._stop(key)
        await asyncio.gather(*tasks, return_exceptions=True)

    def _stop(self, key: tuple[str, Kind]) -> None:
        if task := self._tasks.pop(key, None):
            task.cancel()

    async def _run(
        self, kind: Kind, subject: Subject, container: RuntimeContainer, probe: Mapping[str, Any], *, is_adopted: bool
    ) -> None:  # fmt: skip
        period = max(1, int(probe.get("periodSeconds") or 10))
        verdict = self._verdicts[(subject.container_id, kind)]
        if kind == "startup" and verdict.health == "success":
            return
        if is_adopted:
            await self._clock.sleep(random.random() * period)
        await self._initial_delay(container, int(probe.get("initialDelaySeconds") or 0))
        if kind != "startup" and not self._has_started(subject.container_id):
            await self._starts.setdefault(subject.container_id, asyncio.Event()).wait()
        while True:
            before = verdict.health
            outcome = await self._ask(subject, probe)
            self._on_outcome(subject.container["name"], kind, outcome)
            if outcome is not None:
                self._judge(kind, subject, verdict, outcome)
                if verdict.health != before:
                    self._on_change()
                if kind != "readiness" and verdict.health == "failure":
                    return  # the container is killed; what replaces it is probed anew
                if kind == "startup" and verdict.health == "success":
                    self._starts.setdefault(subject.container_id, asyncio.Event()).set()
                    return
            await self._clock.sleep(period)

    def _judge(self, kind: Kind, subject: Subject, verdict: Verdict, outcome: Outcome) -> None:
        if not outcome.is_success or outcome.is_warning:
            self._on_failure(Report(subject.container["name"], kind, outcome.text, outcome.is_warning))
        verdict.observe(outcome.is_success)

    async def _initial_delay(self, container: RuntimeContainer, seconds: int) -> None:
        if seconds and container.started_at is not None:
            passed = (self._clock.now() - container.started_at).total_seconds()
            await self._clock.sleep(seconds - passed)

    def _has_started(self, container_id: str) -> bool:
        startup = self._verdicts.get((container_id, "startup"))
        return startup is None or startup.health == "success"

    async def _ask(self, subject: Subject, probe: Mapping[str, Any]) -> Outcome | None:
        """One outcome; None where the probe could not be made."""
        timeout = timedelta(seconds=int(probe.get("timeoutSeconds") or 1))
        for _ in range(_TRIES):
            try:
                return await ask(self._runtime, subject, probe, timeout)
            except ProbeError as error:
                _log.debug("probe of %s not made: %s", subject.container["name"], error)
        return None
