from __future__ import annotations

from typing import Any

from cloudk8s.client.interface import Object
from cloudk8s.client.objects import condition
from cloudk8s.client.resources import NODES, PODS
from cloudk8s.controllers.pod_garbage_collector import PodGarbageCollector
from cloudk8s.controllers.settings import ControllerSettings
from cloudk8s.testing.fake_client import Action
from tests.controllers.harness import NS, Harness, node, pod, running


def made(name: str, *, on: str = "", phase: str = "Running", created: str = "", **metadata: Any) -> Object:
    item = pod(name, **metadata)
    if created:
        item["metadata"]["creationTimestamp"] = created
    if on:
        item["spec"]["nodeName"] = on
    item["status"] = {"phase": phase}
    return item


async def idle(run: Harness, seconds: float) -> None:
    run.has_kubelet = False
    await run.settle(seconds, step=5)


async def test_pods_of_a_node_that_is_gone_fail_and_go_after_a_while() -> None:
    patches: list[Object] = []

    def note(action: Action) -> None:
        if action.verb == "patch" and action.subresource == "status":
            patches.append(action.body)

    async with running(PodGarbageCollector, objects=[node("n0"), made("a", on="n0"), made("b", on="n1")]) as run:
        run.client.on(note)
        await idle(run, 50)
        assert run.names(PODS) == ["a", "b"]
        await idle(run, 20)
        assert run.names(PODS) == ["a"]
        assert patches[0]["status"]["phase"] == "Failed"
        found = condition(patches[0], "DisruptionTarget")
        assert found is not None
        assert (found["reason"], found["message"]) == ("DeletionByPodGC", "PodGC: node no longer exists")
        assert found["observedGeneration"] == 1


async def test_a_node_that_comes_back_in_time_keeps_its_pods() -> None:
    async with running(PodGarbageCollector, objects=[made("a", on="n0")]) as run:
        await idle(run, 50)
        run.client.add(node("n0"))
        await idle(run, 100)
        assert run.names(PODS) == ["a"]


async def test_ended_pods_beyond_the_threshold_go_the_evicted_and_the_oldest_first() -> None:
    stamps = [f"2025-12-0{number}T00:00:00Z" for number in range(1, 5)]
    pods = [made(f"p{i}", phase="Succeeded", created=stamp) for i, stamp in enumerate(stamps)]
    pods[3]["status"] = {"phase": "Failed", "reason": "Evicted"}
    options = ControllerSettings(terminated_pod_gc_threshold=2)
    async with running(PodGarbageCollector, objects=[*pods, made("runs")], options=options) as run:
        await idle(run, 25)
        assert run.names(PODS) == ["p1", "p2", "runs"]


async def test_pods_deleted_before_they_had_a_node_go() -> None:
    gone: dict[str, Any] = {"deletionTimestamp": "2026-01-01T00:00:00Z", "deletionGracePeriodSeconds": 30}
    async with running(PodGarbageCollector, objects=[made("a", **gone), made("b", phase="Pending")]) as run:
        await idle(run, 25)
        assert run.names(PODS) == ["b"]


async def test_pods_being_deleted_on_a_node_out_of_service_go() -> None:
    gone: dict[str, Any] = {"deletionTimestamp": "2026-01-01T00:00:00Z", "deletionGracePeriodSeconds": 30}
    objects = [node("n0"), made("a", on="n0", **gone), made("b", on="n0")]
    async with running(PodGarbageCollector, objects=objects) as run:
        taint = {"key": "node.kubernetes.io/out-of-service", "effect": "NoExecute"}
        await run.client.patch(NODES, "n0", {"spec": {"taints": [taint]}})
        await idle(run, 25)
        assert run.names(PODS) == ["a", "b"], "the node is ready"
        not_ready = {"status": {"conditions": [{"type": "Ready", "status": "Unknown"}]}}
        await run.client.patch(NODES, "n0", not_ready, subresource="status")
        await idle(run, 25)
        assert run.names(PODS) == ["b"]
        assert run.get(PODS, "b", NS)["status"]["phase"] == "Running"
