from __future__ import annotations

import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest

from cloudk8s.client.interface import Object
from cloudk8s.client.objects import annotations_of, condition, controller_of, finalizers_of, labels_of, name_of
from cloudk8s.client.resources import JOBS, PODS
from cloudk8s.controllers.job.controller import JobController
from cloudk8s.controllers.job.indexes import INDEX, index_of
from cloudk8s.controllers.job.pods import FAILURES, FINALIZER
from cloudk8s.errors import Forbidden, ServiceUnavailable
from cloudk8s.machinery import codec
from cloudk8s.testing.fake_client import Action
from tests.controllers.harness import NS, Harness, pod, running, template

LABELS = {"batch.kubernetes.io/job-name": "job"}


def job(*, policy: str = "Never", **spec: Any) -> Object:
    return {
        "apiVersion": "batch/v1",
        "kind": "Job",
        "metadata": {"name": "job", "namespace": NS},
        "spec": {
            "selector": {"matchLabels": LABELS},
            "template": template(LABELS, restartPolicy=policy),
            "parallelism": 1,
            "completions": 1,
            "backoffLimit": 6,
            **spec,
        },
    }


@asynccontextmanager
async def jobs(*objects: Object) -> AsyncIterator[Harness]:
    async with running(JobController, objects=objects) as run:
        await run.settle()
        yield run


def status(run: Harness) -> dict[str, Any]:
    found: dict[str, Any] = run.get(JOBS, "job")["status"]
    return found


def said(run: Harness, type: str) -> tuple[str, str] | None:
    """Reason and message of a condition that is true."""
    found = condition(run.get(JOBS, "job"), type)
    return (found["reason"], found["message"]) if found and found["status"] == "True" else None


def live(run: Harness, *indexes: int) -> list[Object]:
    """Pods that run; with these indexes if any are named."""
    found = [p for p in run.pods() if p["status"]["phase"] in ("Pending", "Running")]
    return [p for p in found if index_of(p) in indexes] if indexes else found


async def end(run: Harness, *pods: Object, code: int = 0, **status: Any) -> None:
    for item in pods:
        terminated = {"terminated": {"exitCode": code}}
        containers = [{"name": "c", "state": terminated}]
        phase = "Failed" if code else "Succeeded"
        await run.set_pod(run.get(PODS, name_of(item)), phase=phase, containerStatuses=containers, **status)


async def test_a_job_runs_until_enough_pods_have_succeeded() -> None:
    async with jobs(job(completions=3, parallelism=2)) as run:
        (one, two) = live(run)
        assert finalizers_of(one) == [FINALIZER]
        assert one["metadata"]["generateName"] == "job-"
        assert controller_of(one) is not None
        assert (status(run)["active"], status(run)["ready"]) == (2, 2)
        assert status(run)["startTime"]
        await end(run, one, two)
        await run.settle()
        assert len(live(run)) == 1
        assert (status(run)["succeeded"], status(run)["active"]) == (2, 1)
        await end(run, *live(run))
        await run.settle()
        assert said(run, "SuccessCriteriaMet") == ("CompletionsReached", "Reached expected number of succeeded pods")
        assert said(run, "Complete") == said(run, "SuccessCriteriaMet")
        assert status(run)["succeeded"] == 3
        assert "active" not in status(run)
        assert status(run)["completionTime"]
        assert status(run)["uncountedTerminatedPods"] == {}
        assert all(finalizers_of(p) == () for p in run.client.all(PODS))
        assert ("Completed", "Job completed") in run.events("job")


async def test_a_work_queue_is_done_when_one_pod_succeeded_and_all_have_ended() -> None:
    async with jobs(job(completions=None, parallelism=3)) as run:
        pods = live(run)
        assert len(pods) == 3
        await end(run, pods[0])
        await run.settle()
        assert len(live(run)) == 2
        assert said(run, "Complete") is None
        await end(run, pods[1])
        await end(run, pods[2], code=1)
        await run.settle(2)
        assert said(run, "Complete") is not None
        assert (status(run)["succeeded"], status(run)["failed"]) == (2, 1)


async def test_failures_are_retried_ever_later_until_the_limit() -> None:
    async with jobs(job(backoffLimit=2)) as run:
        for wait in (10, 20):
            await end(run, *live(run), code=1)
            await run.settle(wait - 2)
            assert live(run) == []
            await run.settle(4)
            assert len(live(run)) == 1
        await end(run, *live(run), code=1)
        await run.settle()
        expected = ("BackoffLimitExceeded", "Job has reached the specified backoff limit")
        assert said(run, "FailureTarget") == said(run, "Failed") == expected
        assert status(run)["failed"] == 3
        assert expected in run.events("job")


async def test_a_failing_job_ends_its_other_pods_and_counts_them() -> None:
    async with jobs(job(completions=3, parallelism=3, backoffLimit=0)) as run:
        await end(run, live(run)[0], code=1)
        await run.settle(2)
        assert said(run, "Failed") is not None
        assert status(run)["failed"] == 3
        assert live(run) == []


async def test_the_end_waits_for_pods_that_are_on_their_way_out() -> None:
    async with jobs(job(completions=2, parallelism=2, backoffLimit=0)) as run:
        run.has_kubelet = False
        for item in live(run):
            await run.client.patch(PODS, name_of(item), {"spec": {"nodeName": "n1"}}, namespace=NS)
        await end(run, live(run)[0], code=1)
        await run.settle(2)
        assert said(run, "FailureTarget") is not None
        assert said(run, "Failed") is None
        assert status(run)["terminating"] == 1
        run.has_kubelet = True
        await run.settle(2)
        assert said(run, "Failed") is not None
        assert status(run)["terminating"] == 0


async def test_the_deadline_ends_a_job() -> None:
    async with jobs(job(activeDeadlineSeconds=30)) as run:
        await run.settle(25)
        assert said(run, "Failed") is None
        await run.settle(8)
        assert said(run, "Failed") == ("DeadlineExceeded", "Job was active longer than specified deadline")


async def test_restarts_count_where_pods_restart_their_containers() -> None:
    async with jobs(job(policy="OnFailure", backoffLimit=2)) as run:
        restarted: Any = [{"name": "c", "restartCount": 1}]
        await run.set_pod(live(run)[0], containerStatuses=restarted)
        await run.settle()
        assert said(run, "Failed") is None
        restarted[0]["restartCount"] = 2
        await run.set_pod(live(run)[0], containerStatuses=restarted)
        await run.settle()
        assert said(run, "Failed") is not None


async def test_indexed_pods_know_their_index() -> None:
    async with jobs(job(completionMode="Indexed", completions=4, parallelism=4)) as run:
        pods = {index_of(p): p for p in live(run)}
        assert sorted(pods, key=lambda i: i or 0) == [0, 1, 2, 3]
        for index, item in pods.items():
            assert labels_of(item)[INDEX] == annotations_of(item)[INDEX] == str(index)
            assert item["spec"]["hostname"] == f"job-{index}"
            assert name_of(item).startswith(f"job-{index}-")
            (variable,) = item["spec"]["containers"][0]["env"]
            assert variable["name"] == "JOB_COMPLETION_INDEX"
            assert variable["valueFrom"]["fieldRef"]["fieldPath"] == f"metadata.labels['{INDEX}']"
        await end(run, pods[0], pods[1], pods[3])
        await run.settle()
        assert (status(run)["completedIndexes"], status(run)["succeeded"]) == ("0,1,3", 3)
        await end(run, pods[2], code=1)
        await run.settle(15)
        await end(run, *live(run, 2))
        await run.settle()
        assert status(run)["completedIndexes"] == "0-3"
        assert said(run, "Complete") is not None


async def test_indexes_fail_by_themselves() -> None:
    spec: Any = {"completionMode": "Indexed", "completions": 4, "parallelism": 4, "backoffLimitPerIndex": 1}
    async with jobs(job(**spec, backoffLimit=2**31 - 1)) as run:
        await end(run, *live(run, 0, 2))
        await end(run, *live(run, 1, 3), code=1)
        await run.settle(15)
        again = live(run)
        assert sorted(index_of(p) or 0 for p in again) == [1, 3]
        assert {annotations_of(p)[FAILURES] for p in again} == {"1"}
        await end(run, *again, code=1)
        await run.settle(2)
        assert (status(run)["failedIndexes"], status(run)["completedIndexes"]) == ("1,3", "0,2")
        assert (status(run)["failed"], status(run)["succeeded"]) == (4, 2)
        assert said(run, "Failed") == ("FailedIndexes", "Job has failed indexes")
        assert all(finalizers_of(p) == () for p in run.client.all(PODS))


async def test_too_many_failed_indexes_end_the_job() -> None:
    spec: Any = {"completionMode": "Indexed", "completions": 4, "backoffLimitPerIndex": 0, "maxFailedIndexes": 0}
    async with jobs(job(**spec, backoffLimit=2**31 - 1)) as run:
        await end(run, *live(run, 0), code=1)
        await run.settle(2)
        reason = "Job has exceeded the specified maximal number of failed indexes"
        assert said(run, "Failed") == ("MaxFailedIndexesExceeded", reason)
        assert (status(run)["failedIndexes"], status(run)["failed"]) == ("0", 1)


def on_exit(action: str, *codes: int) -> Object:
    return {"rules": [{"action": action, "onExitCodes": {"operator": "In", "values": list(codes)}}]}


async def test_a_failure_policy_can_fail_the_job() -> None:
    async with jobs(job(podFailurePolicy=on_exit("FailJob", 42))) as run:
        (item,) = live(run)
        await end(run, item, code=42)
        await run.settle(2)
        message = f"Container c for pod {NS}/{name_of(item)} failed with exit code 42 matching FailJob rule at index 0"
        assert said(run, "Failed") == ("PodFailurePolicy", message)
        assert status(run)["failed"] == 1


async def test_a_failure_policy_can_ignore_disruptions() -> None:
    policy = {"rules": [{"action": "Ignore", "onPodConditions": [{"type": "DisruptionTarget", "status": "True"}]}]}
    async with jobs(job(podFailurePolicy=policy, backoffLimit=0)) as run:
        disrupted = {"type": "DisruptionTarget", "status": "True"}
        (item,) = live(run)
        patch = {"status": {"phase": "Failed", "conditions": [disrupted]}}
        await run.client.patch(PODS, name_of(item), patch, namespace=NS, type="strategic", subresource="status")
        await run.settle(15)
        assert said(run, "Failed") is None
        assert "failed" not in status(run)
        await end(run, *live(run))
        await run.settle()
        assert said(run, "Complete") is not None


async def test_a_failure_policy_can_fail_an_index() -> None:
    spec: Any = {"completionMode": "Indexed", "completions": 2, "parallelism": 2, "backoffLimitPerIndex": 5}
    async with jobs(job(**spec, backoffLimit=100, podFailurePolicy=on_exit("FailIndex", 7))) as run:
        await end(run, *live(run, 1), code=7)
        await end(run, *live(run, 0))
        await run.settle(15)
        assert (status(run)["failedIndexes"], status(run)["completedIndexes"]) == ("1", "0")
        assert (status(run)["failed"], status(run)["succeeded"]) == (1, 1)
        assert said(run, "Failed") is not None


@pytest.mark.parametrize("rule", [{"succeededIndexes": "0"}, {"succeededCount": 1}])
async def test_a_success_policy_ends_the_job_early(rule: Object) -> None:
    spec: Any = {"completionMode": "Indexed", "completions": 3, "parallelism": 3, "successPolicy": {"rules": [rule]}}
    async with jobs(job(**spec)) as run:
        await end(run, *live(run, 0))
        await run.settle(2)
        assert said(run, "SuccessCriteriaMet") == ("SuccessPolicy", "Matched rules at index 0")
        assert said(run, "Complete") == ("SuccessPolicy", "Matched rules at index 0")
        assert status(run)["completedIndexes"] == "0"
        assert status(run)["succeeded"] == 1
        assert not {"active", "failed"} & status(run).keys()
        assert (status(run)["ready"], status(run)["terminating"]) == (0, 0)
        assert live(run) == []


async def test_suspending_ends_pods_without_counting_them_and_resuming_starts_anew() -> None:
    async with jobs(job(parallelism=2, completions=2)) as run:
        started = status(run)["startTime"]
        await run.client.patch(JOBS, "job", {"spec": {"suspend": True}}, namespace=NS)
        await run.settle(5)
        assert live(run) == []
        assert said(run, "Suspended") == ("JobSuspended", "Job suspended")
        assert not {"active", "failed"} & status(run).keys()
        await run.client.patch(JOBS, "job", {"spec": {"suspend": False}}, namespace=NS)
        await run.settle(2)
        assert len(live(run)) == 2
        assert said(run, "Suspended") is None
        assert status(run)["startTime"] > started
        assert {"Suspended", "Resumed"} <= {reason for reason, _ in run.events("job")}


async def test_a_job_created_suspended_has_no_pods_and_no_start() -> None:
    async with jobs(job(suspend=True)) as run:
        assert run.names(PODS) == []
        assert "startTime" not in status(run)


async def test_less_parallelism_ends_pods_without_counting_them() -> None:
    async with jobs(job(parallelism=5, completions=10)) as run:
        await run.client.patch(JOBS, "job", {"spec": {"parallelism": 2}}, namespace=NS)
        await run.settle(2)
        assert len(live(run)) == 2
        assert "failed" not in status(run)


async def test_orphans_are_adopted_with_the_finalizer_and_others_released() -> None:
    async with jobs(pod("orphan", labels=LABELS), job()) as run:
        adopted = run.get(PODS, "orphan")
        assert controller_of(adopted) is not None
        assert finalizers_of(adopted) == [FINALIZER]
        await run.client.patch(PODS, "orphan", {"metadata": {"labels": None}}, namespace=NS)
        await run.settle(2)
        assert controller_of(run.get(PODS, "orphan")) is None
        assert finalizers_of(run.get(PODS, "orphan")) == ()
        assert len(run.pods(**LABELS)) == 1


async def test_pods_of_a_deleted_job_lose_their_finalizer() -> None:
    async with jobs(job(parallelism=2, completions=2)) as run:
        await run.client.delete(JOBS, "job", namespace=NS)
        await run.settle()
        assert all(finalizers_of(p) == () for p in run.client.all(PODS))


async def test_jobs_of_other_controllers_and_finished_ones_are_left_alone() -> None:
    async with jobs(job(managedBy="example.com/mine")) as run:
        assert run.names(PODS) == []
    finished = job()
    finished["status"] = {"conditions": [{"type": "Complete", "status": "True"}]}
    async with jobs(finished) as run:
        assert run.names(PODS) == []


async def test_pods_are_replaced_while_they_terminate_unless_told_otherwise() -> None:
    for policy, expected in (("TerminatingOrFailed", 1), ("Failed", 0)):
        async with jobs(job(podReplacementPolicy=policy)) as run:
            run.has_kubelet = False
            (item,) = live(run)
            await run.client.patch(PODS, name_of(item), {"spec": {"nodeName": "n1"}}, namespace=NS)
            await run.client.delete(PODS, name_of(item), namespace=NS)
            await run.settle(12)
            assert len(live(run)) == expected
            assert status(run)["terminating"] == 1


async def test_more_successes_than_asked_for_are_said() -> None:
    """As when completions are made fewer while pods end."""
    async with jobs(job(completions=2, parallelism=2)) as run:
        for held in live(run):
            run.client.store.put(PODS, codec.copy(held) | {"status": {"phase": "Succeeded"}}, held)
        held = run.get(JOBS, "job")
        run.client.store.put(JOBS, codec.copy(held) | {"spec": {**held["spec"], "completions": 1}}, held)
        await run.settle(3)
        assert status(run)["succeeded"] == 2
        note = "Too many succeeded pods running after completion count reached"
        assert ("TooManySucceededPods", note) in run.events("job")


async def test_a_user_condition_in_status_is_kept() -> None:
    async with jobs(job()) as run:
        mine = {"type": "Mine", "status": "True", "lastTransitionTime": "2020-01-01T00:00:00Z"}
        await run.client.patch(JOBS, "job", {"status": {"conditions": [mine]}}, namespace=NS, subresource="status")
        await end(run, *live(run))
        await run.settle()
        assert mine in status(run)["conditions"]


async def test_a_refused_creation_is_tried_again() -> None:
    def refuse(action: Action) -> None:
        if action.verb == "create" and action.resource == PODS:
            raise Forbidden("exceeded quota")

    async with running(JobController) as run:
        stop = run.client.on(refuse)
        run.client.add(job())
        await run.settle(2)
        assert ("FailedCreate", "Error creating: exceeded quota") in run.events("job")
        stop()
        await run.settle(20)
        assert len(live(run)) == 1


@pytest.mark.parametrize("seed", range(6))
async def test_every_pod_is_counted_once_whatever_fails(seed: int) -> None:
    """Lost watches, conflicts, refused requests and a restart of the controller, in an order of the seed's choosing."""

    chance = random.Random(seed)

    def fail(action: Action) -> None:
        by_kubelet = action.resource == PODS and action.subresource == "status"
        if action.verb in ("update", "patch", "create") and not by_kubelet and chance.random() < 0.15:
            raise ServiceUnavailable("now and then")

    async with jobs(job(completions=20, parallelism=5, backoffLimit=1000)) as run:
        stop = run.client.on(fail)
        client, clock = run.client, run.clock
        ended: set[str] = set()
        failures = 0
        for _ in range(60):
            for item in live(run):
                if chance.random() < 0.5:
                    stop()
                    code = int(chance.random() < 0.2)
                    failures += code
                    ended.add(name_of(item))
                    await end(run, item, code=code)
                    stop = run.client.on(fail)
            if chance.random() < 0.2:
                client.drop_watches()
            if chance.random() < 0.1:
                client.compact()
            seconds = chance.choice([0.05, 0.3, 2, 30])
            await run.settle(seconds, step=max(0.05, seconds / 10))
        stop()
    async with running(JobController, client=client, clock=clock) as run:
        for _ in range(40):
            await run.settle(700, step=20)
            if said(run, "Complete"):
                break
            await end(run, *live(run))
        assert said(run, "Complete") is not None
        assert status(run)["succeeded"] == 20
        assert status(run).get("failed", 0) == failures
        assert all(finalizers_of(p) == () for p in run.client.all(PODS))


async def test_more_than_five_hundred_pods_end_at_once() -> None:
    async with jobs(job(completions=600, parallelism=600)) as run:
        await run.settle(3)
        assert len(live(run)) == 600
        await end(run, *live(run))
        await run.settle(5)
        assert said(run, "Complete") is not None
        assert status(run)["succeeded"] == 600


async def test_a_running_job_costs_nothing() -> None:
    async with jobs(job()) as run:
        before = run.writes(JOBS), run.writes(PODS)
        await run.settle(3600, step=300)
        assert (run.writes(JOBS), run.writes(PODS)) == before
