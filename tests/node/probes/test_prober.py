"""When a container is probed, and what comes of it; time is the test's."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, cast

import pytest

from cloudk8s.machinery.clock import FakeClock
from cloudk8s.node.probes.handlers import Subject
from cloudk8s.node.probes.outcome import Outcome, Verdict
from cloudk8s.node.probes.prober import Prober, Report
from cloudk8s.node.runtimes.interface import Container, ExecResult, Runtime


@dataclass
class Answers:
    """A runtime whose commands are words, which fail if they are among the `bad` ones."""

    clock: FakeClock
    bad: set[str] = field(default_factory=set)
    calls: list[tuple[str, float]] = field(default_factory=list)

    async def exec_sync(self, container_id: str, command: Sequence[str], timeout: timedelta | None) -> ExecResult:
        self.calls.append((command[0], self.clock.monotonic()))
        return ExecResult(1 if command[0] in self.bad else 0, stdout=b"said")

    def times(self, word: str) -> list[float]:
        return [time for called, time in self.calls if called == word]


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def answers(clock: FakeClock) -> Answers:
    return Answers(clock)


@pytest.fixture
def reports() -> list[Report]:
    return []


@pytest.fixture
async def prober(clock: FakeClock, answers: Answers, reports: list[Report]) -> AsyncIterator[Prober]:
    runtime = cast(Runtime, answers)
    prober = Prober(runtime, clock=clock, on_change=lambda: None, on_failure=reports.append)
    yield prober
    await prober.close()


def probe(word: str, **fields: Any) -> dict[str, Any]:
    return {"exec": {"command": [word]}, "periodSeconds": 5, **fields}


def watch(prober: Prober, clock: FakeClock, **probes: dict[str, Any]) -> None:
    running = Container(
        "c-1", "s", "c", 0, "running", "i", "i", created_at=clock.now(), started_at=clock.now()
    )  # fmt: skip
    subject = Subject({"name": "c", **probes}, "c-1", "10.0.0.1")
    prober.watch(subject, running, was_ready=False, was_started=False)


async def test_thresholds_period_and_delay_are_heeded(
    prober: Prober, clock: FakeClock, answers: Answers, reports: list[Report]
) -> None:
    answers.bad = {"ready"}
    given = probe("ready", initialDelaySeconds=3, failureThreshold=2, successThreshold=2)
    watch(prober, clock, readinessProbe=given)
    await clock.advance(2)
    assert (answers.calls, prober.health("readiness")["c-1"]) == ([], "failure")
    answers.bad.clear()
    await clock.advance(1)
    assert prober.health("readiness")["c-1"] == "failure", "two successes are wanted"
    await clock.advance(5)
    assert prober.health("readiness")["c-1"] == "success"
    answers.bad = {"ready"}
    await clock.advance(5)
    assert prober.health("readiness")["c-1"] == "success", "one failure is forgiven"
    await clock.advance(5)
    assert prober.health("readiness")["c-1"] == "failure"
    assert answers.times("ready") == [3, 8, 13, 18]
    assert [(each.kind, each.text) for each in reports] == [("readiness", "said")] * 2


async def test_the_others_wait_for_the_start_and_no_longer(prober: Prober, clock: FakeClock, answers: Answers) -> None:
    answers.bad = {"start"}
    ready, alive = probe("ready", periodSeconds=60), probe("alive", periodSeconds=60)
    watch(prober, clock, startupProbe=probe("start", failureThreshold=30), readinessProbe=ready, livenessProbe=alive)
    await clock.advance(11)
    assert (answers.times("start"), answers.times("ready"), answers.times("alive")) == ([0, 5, 10], [], [])
    answers.bad.clear()
    await clock.advance(4)
    assert prober.health("startup")["c-1"] == "success"
    assert (answers.times("ready"), answers.times("alive")) == ([15], [15])
    assert prober.health("readiness")["c-1"] == "success"


async def test_a_start_that_takes_too_long_is_a_failure(prober: Prober, clock: FakeClock, answers: Answers) -> None:
    answers.bad = {"start"}
    watch(prober, clock, startupProbe=probe("start", failureThreshold=3))
    await clock.advance(30)
    assert prober.health("startup")["c-1"] == "failure"
    assert answers.times("start") == [0, 5, 10], "the container is killed then"


async def test_a_pod_that_ends_is_asked_only_whether_it_is_ready(
    prober: Prober, clock: FakeClock, answers: Answers
) -> None:
    watch(prober, clock, livenessProbe=probe("alive"), readinessProbe=probe("ready"))
    await clock.advance(1)
    prober.stop_restarting()
    await clock.advance(5)
    assert (answers.times("alive"), answers.times("ready")) == ([0], [0, 5])


async def test_a_success_may_be_worth_a_word(prober: Prober, clock: FakeClock, reports: list[Report]) -> None:
    outcome = Outcome(True, "Probe terminated redirects, Response body: ", is_warning=True)
    verdict = Verdict("failure", success_threshold=1, failure_threshold=1)
    prober._judge("readiness", Subject({"name": "c"}, "c-1", ""), verdict, outcome)
    assert verdict.health == "success"
    assert [(each.text, each.is_warning) for each in reports] == [(outcome.text, True)]
