"""The controllers against the API server itself: defaults, admission, validation and all."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest

from cloudk8s.client.interface import Client, DeleteOptions, Object, Resource
from cloudk8s.client.objects import controller_of, name_of
from cloudk8s.client.resources import (
    CONFIG_MAPS,
    DEPLOYMENTS,
    ENDPOINT_SLICES,
    ENDPOINTS,
    JOBS,
    NAMESPACES,
    PODS,
    REPLICA_SETS,
    SERVICE_ACCOUNTS,
    SERVICES,
)
from cloudk8s.controlplane.api_server import running_api_server
from cloudk8s.controlplane.controllers import running_controllers
from cloudk8s.errors import NotFound
from cloudk8s.machinery.clock import SystemClock
from cloudk8s.settings import ClusterSettings

NS = "work"


@pytest.fixture
async def client(tmp_path: Path) -> AsyncIterator[Client]:
    settings = ClusterSettings(data_dir=tmp_path, port=0, store="memory://")
    async with running_api_server(settings) as server, running_controllers(server, ["*"], clock=SystemClock()):
        client = server.client("system:test", "system:masters")
        await client.create(NAMESPACES, {"metadata": {"name": NS}})
        await until(client, SERVICE_ACCOUNTS, lambda found: len(found) == 1)
        yield client


async def until(client: Client, resource: Resource, holds: Callable[[list[Object]], bool]) -> list[Object]:
    """Watch a collection until something holds of it."""
    known: dict[str, Object] = {}
    async with (
        asyncio.timeout(20),
        client.watch(resource, namespace=NS if resource.namespaced else "", send_initial_events=True) as events,
    ):
        is_complete = False
        async for event in events:
            if event.type == "BOOKMARK":
                is_complete = True
            elif event.type == "DELETED":
                known.pop(name_of(event.object), None)
            else:
                known[name_of(event.object)] = event.object
            if is_complete and holds(list(known.values())):
                break
    return list(known.values())


def template(**spec: object) -> Object:
    return {"metadata": {"labels": {"app": "web"}}, "spec": {"containers": [{"name": "c", "image": "i"}], **spec}}


async def test_a_deployment_becomes_pods_and_goes_with_them(client: Client) -> None:
    spec = {"replicas": 3, "selector": {"matchLabels": {"app": "web"}}, "template": template()}
    await client.create(DEPLOYMENTS, {"metadata": {"name": "web"}, "spec": spec}, namespace=NS)
    pods = await until(client, PODS, lambda found: len(found) == 3)
    (replica_set,) = await until(client, REPLICA_SETS, lambda found: found[0].get("status", {}).get("replicas") == 3)
    assert {controller_of(pod)["name"] for pod in pods} == {name_of(replica_set)}  # type: ignore[index]
    await client.delete(DEPLOYMENTS, "web", namespace=NS, options=DeleteOptions(propagation_policy="Foreground"))
    await until(client, DEPLOYMENTS, lambda found: not found)
    assert (await client.list(PODS, namespace=NS)).items == []


async def test_a_job_counts_its_pods(client: Client) -> None:
    spec = {"completions": 2, "parallelism": 2, "template": template(restartPolicy="Never")}
    await client.create(JOBS, {"metadata": {"name": "job"}, "spec": spec}, namespace=NS)
    for pod in await until(client, PODS, lambda found: len(found) == 2):
        done = {"status": {"phase": "Succeeded"}}
        await client.patch(PODS, name_of(pod), done, namespace=NS, subresource="status")
    (job,) = await until(client, JOBS, lambda found: bool(found[0].get("status", {}).get("completionTime")))
    assert job["status"]["succeeded"] == 2


async def test_a_service_has_endpoints(client: Client) -> None:
    spec = {"selector": {"app": "web"}, "ports": [{"port": 80}]}
    await client.create(SERVICES, {"metadata": {"name": "web"}, "spec": spec}, namespace=NS)
    pod = {"metadata": {"name": "p", "labels": {"app": "web"}}, "spec": template()["spec"]}
    await client.create(PODS, pod, namespace=NS)
    ready = {"type": "Ready", "status": "True"}
    status = {"phase": "Running", "podIP": "10.0.0.1", "podIPs": [{"ip": "10.0.0.1"}], "conditions": [ready]}
    await client.patch(PODS, "p", {"status": status}, namespace=NS, subresource="status")
    await until(client, ENDPOINTS, lambda found: bool(found and found[0].get("subsets")))
    (found,) = await until(client, ENDPOINT_SLICES, lambda found: bool(found and found[0].get("endpoints")))
    assert found["endpoints"][0]["addresses"] == ["10.0.0.1"]


async def test_a_namespace_goes_with_its_content(client: Client) -> None:
    await until(client, CONFIG_MAPS, lambda found: [name_of(item) for item in found] == ["kube-root-ca.crt"])
    await client.create(CONFIG_MAPS, {"metadata": {"name": "x"}}, namespace=NS)
    await client.delete(NAMESPACES, NS)
    await until(client, NAMESPACES, lambda found: NS not in [name_of(item) for item in found])
    with pytest.raises(NotFound):
        await client.get(CONFIG_MAPS, "x", namespace=NS)
