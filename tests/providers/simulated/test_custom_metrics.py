from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from cloudk8s.client.informer import Informers
from cloudk8s.client.interface import Object
from cloudk8s.client.resources import NAMESPACES, PODS, REPLICA_SETS, SERVICES
from cloudk8s.machinery.clock import FakeClock
from cloudk8s.machinery.quantity import parse
from cloudk8s.testing.fake_client import FakeClient
from cloudk8s_simulated.nodes.custom_metrics import CUSTOM, EXTERNAL, LOAD, SimulatedMetrics
from cloudk8s_simulated.nodes.sharing import Sharing


@asynccontextmanager
async def world() -> AsyncIterator[tuple[FakeClient, FakeClock, SimulatedMetrics]]:
    clock = FakeClock()
    client = FakeClient(clock=clock)
    informers = Informers(client, clock=clock)
    metrics = SimulatedMetrics(informers, Sharing(informers))
    async with informers:
        yield client, clock, metrics


def annotated(kind: str, name: str, **annotations: str) -> Object:
    version = "apps/v1" if kind == "ReplicaSet" else "v1"
    metadata = {"name": name, "namespace": "d", "annotations": annotations}
    if kind == "Namespace":
        del metadata["namespace"]
    return {"apiVersion": version, "kind": kind, "metadata": metadata, "spec": {}}


async def test_objects_have_the_metrics_that_their_annotations_tell() -> None:
    async with world() as (client, clock, metrics):
        service = await client.create(SERVICES, annotated("Service", "front", **{CUSTOM + "hits": "12"}), namespace="d")
        await clock.advance(1)
        assert metrics.of_object(service, "hits") == parse("12")
        assert metrics.of_object(service, "misses") is None
        assert metrics.custom_names() == {("services", "hits")}


async def test_pods_share_a_load_that_is_measured() -> None:
    async with world() as (client, clock, metrics):
        owner = await client.create(REPLICA_SETS, annotated("ReplicaSet", "web", **{LOAD + "hits": "9"}), namespace="d")
        pods = []
        for name in ("a", "b", "c"):
            pod = annotated("Pod", name)
            reference = {"apiVersion": "apps/v1", "kind": "ReplicaSet", "name": "web", "controller": True}
            pod["metadata"]["ownerReferences"] = [{**reference, "uid": owner["metadata"]["uid"]}]
            await client.create(PODS, pod, namespace="d")
            running = {"status": {"phase": "Running"}}
            pods.append(await client.patch(PODS, name, running, namespace="d", subresource="status"))
        await clock.advance(1)
        assert [metrics.of_object(pod, "hits") for pod in pods] == [parse("3")] * 3
        assert ("pods", "hits") in metrics.custom_names()


async def test_a_namespace_tells_what_is_outside_and_changes_are_told() -> None:
    async with world() as (client, clock, metrics):
        changes: list[frozenset[str]] = []
        metrics.follow(lambda: changes.append(metrics.external_names()))
        await client.create(NAMESPACES, annotated("Namespace", "d", **{EXTERNAL + "queue": "40"}))
        await clock.advance(1)
        assert [item.value for item in metrics.external("d", "queue")] == [parse("40")]
        assert metrics.external("e", "queue") == []
        await client.patch(NAMESPACES, "d", {"metadata": {"annotations": {EXTERNAL + "queue": "50"}}})
        await clock.advance(1)
        await client.patch(NAMESPACES, "d", {"metadata": {"annotations": {EXTERNAL + "queue": None}}})
        await clock.advance(1)
        assert changes == [{"queue"}, frozenset()]
