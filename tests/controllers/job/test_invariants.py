"""Jobs in bad weather: every finished pod is counted once, whatever is lost, late or dead in between."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from cloudk8s.client.interface import Object
from cloudk8s.client.objects import is_deleting, name_of, uid_of
from cloudk8s.client.resources import JOBS, PODS
from cloudk8s.controllers.job import indexes
from cloudk8s.controllers.job.controller import JobController, is_finished
from cloudk8s.controllers.job.indexes import index_of
from cloudk8s.controllers.job.pods import is_tracked
from cloudk8s.controllers.pods import is_active, phase
from cloudk8s.testing.unreliable_client import Weather
from tests.controllers.harness import NS
from tests.controllers.job.test_controller import job
from tests.controllers.storm import STORMY, Storm, seeds, storm, weathers

FAILURES = 4
steps = st.lists(st.sampled_from(("kill", "suspend", "resume", "more", "fewer", "restart", "wait")), max_size=6)


class Books:
    """The truth, kept by looking at every change: how each pod stood when the Job let go of it."""

    def __init__(self, run: Storm, *, parallelism: int) -> None:
        self._run = run
        self._held: dict[str, Object] = {}
        self.parallelism = parallelism
        self.succeeded: set[str] = set()
        self.failed: set[str] = set()
        self.either: set[str] = set()
        """Deleted, and then it ended well: whichever of the two the Job saw first counts."""
        self.broken: list[str] = []
        self._before: Mapping[str, int] = {}

    def check(self) -> None:
        pods = {uid_of(pod): pod for pod in self._run.client.all(PODS)}
        for uid in [uid for uid in self._held if uid not in pods or not is_tracked(pods[uid])]:
            self._let_go(self._held.pop(uid))
        self._held |= {uid: pod for uid, pod in pods.items() if is_tracked(pod)}
        active = [pod for pod in pods.values() if is_active(pod)]
        if len(active) > self.parallelism:
            self.broken.append(f"{len(active)} pods run, at most {self.parallelism} may")
        self._check_counts()

    def _let_go(self, pod: Object) -> None:
        if phase(pod) == "Succeeded" and is_deleting(pod):
            self.either.add(uid_of(pod))
        elif phase(pod) == "Succeeded":
            self.succeeded.add(uid_of(pod))
        elif phase(pod) == "Failed" or is_deleting(pod):
            self.failed.add(uid_of(pod))

    def _check_counts(self) -> None:
        status = self._run.harness.get(JOBS, "job").get("status", {})
        counts = {field: int(status.get(field) or 0) for field in ("succeeded", "failed")}
        for field, count in counts.items():
            if count < self._before.get(field, 0):
                self.broken.append(f"{field} went back from {self._before[field]} to {count}")
        for field, most in (("succeeded", self.succeeded), ("failed", self.failed)):
            if counts[field] > len(most | self.either | self._held.keys()):
                self.broken.append(f"{field} {counts[field]}, in truth {len(most)}")
        self._before = counts


@STORMY
@given(seeds, weathers(), st.integers(1, 4), st.integers(1, 6), st.booleans(), steps)
def test_every_finished_pod_is_counted_once(
    seed: int, weather: Weather, parallelism: int, completions: int, is_indexed: bool, doing: list[str]
) -> None:
    asyncio.run(_work(seed, weather, parallelism, completions, is_indexed, doing))


async def _work(
    seed: int, weather: Weather, parallelism: int, completions: int, is_indexed: bool, doing: list[str]
) -> None:
    mode = "Indexed" if is_indexed else "NonIndexed"
    made = job(parallelism=parallelism, completions=completions, completionMode=mode, backoffLimit=1000)
    made["spec"]["template"]["spec"]["nodeName"] = "node"
    async with storm(JobController, seed=seed, weather=weather, objects=[made], fate=Fate()) as run:
        books = Books(run, parallelism=max(parallelism, 5))
        run.client.observe(books.check)
        for step in doing:
            await run.pass_time(run.random.choice((0.1, 1, 5)))
            await _do(run, step, parallelism)
        await run.pass_time(20, step=1)
        await _patch(run, {"suspend": False, "parallelism": parallelism})
        await run.clear_up(5)
        await _until_over(run)
        _assert_done(run, books, completions, is_indexed)


class Fate:
    """Pods end well sooner or later; only so many fail, for each failure makes the next try wait longer."""

    def __init__(self) -> None:
        self._failures = 0

    def __call__(self, run: Storm, pod: Object) -> str:
        if is_deleting(pod) or run.random.random() < 0.3:
            return ""
        if self._failures < FAILURES and run.random.random() < 0.3:
            self._failures += 1
            return "Failed"
        return "Succeeded"


async def _do(run: Storm, step: str, parallelism: int) -> None:
    match step:
        case "kill":
            running = [pod for pod in run.client.all(PODS) if is_active(pod)]
            if running:
                await run.client.delete(PODS, name_of(run.random.choice(running)), namespace=NS)
        case "suspend" | "resume":
            await _patch(run, {"suspend": step == "suspend"})
        case "more" | "fewer":
            await _patch(run, {"parallelism": 5 if step == "more" else 1})
        case "restart":
            await run.restart()
        case _:
            await run.pass_time(5)


async def _patch(run: Storm, spec: Mapping[str, Any]) -> None:
    await run.client.patch(JOBS, "job", {"spec": spec}, namespace=NS)


async def _until_over(run: Storm) -> None:
    """Failures make the next try wait, so this may take an hour of the clock."""
    for _ in range(360):
        await run.pass_time(10, step=10)
        if is_finished(run.harness.get(JOBS, "job")):
            break
    await run.pass_time(10, step=1)


def _assert_done(run: Storm, books: Books, completions: int, is_indexed: bool) -> None:
    assert books.broken == []
    status = run.harness.get(JOBS, "job")["status"]
    said = {item["type"] for item in status["conditions"] if item["status"] == "True"}
    assert {"Complete", "SuccessCriteriaMet"} <= said
    failed = int(status.get("failed") or 0)
    assert status["succeeded"] == completions
    assert len(books.failed) <= failed <= len(books.failed | books.either)
    if not is_indexed:
        assert completions + failed == len(books.succeeded | books.failed | books.either)
    assert not status.get("uncountedTerminatedPods")
    assert not any(is_tracked(pod) for pod in run.client.all(PODS))
    assert (status.get("active") or 0, status["ready"], status["terminating"]) == (0, 0, 0)


@STORMY
@given(seeds, weathers(), st.integers(1, 4), st.integers(1, 5), st.integers(0, 2), st.sets(st.integers(0, 4)))
def test_every_failure_of_an_index_is_counted_once(
    seed: int, weather: Weather, parallelism: int, completions: int, limit: int, bad: set[int]
) -> None:
    asyncio.run(_fail(seed, weather, parallelism, completions, limit, bad))


async def _fail(seed: int, weather: Weather, parallelism: int, completions: int, limit: int, bad: set[int]) -> None:
    """Pods of `bad` indexes always fail, others never do."""

    def fate(run: Storm, pod: Object) -> str:
        if is_deleting(pod) or run.random.random() < 0.3:
            return ""
        return "Failed" if index_of(pod) in bad else "Succeeded"

    made = job(
        parallelism=parallelism, completions=completions, completionMode="Indexed", backoffLimitPerIndex=limit,
        backoffLimit=2**31 - 1,
    )  # fmt: skip
    made["spec"]["template"]["spec"]["nodeName"] = "node"
    async with storm(JobController, seed=seed, weather=weather, objects=[made], fate=fate) as run:
        books = Books(run, parallelism=parallelism)
        run.client.observe(books.check)
        await run.pass_time(30, step=1)
        await run.clear_up(5)
        await _until_over(run)
        failed = bad & set(range(completions))
        status = run.harness.get(JOBS, "job")["status"]
        assert books.broken == []
        assert indexes.parse(status.get("completedIndexes", ""), completions) == set(range(completions)) - failed
        assert indexes.parse(status.get("failedIndexes", ""), completions) == failed
        assert int(status.get("failed") or 0) == len(books.failed) == len(failed) * (limit + 1)
        said = {item["type"] for item in status["conditions"] if item["status"] == "True"}
        assert ("Failed" if failed else "Complete") in said
        assert not any(is_tracked(pod) for pod in run.client.all(PODS))
