"""What watches in the server's process are handed is the tree that was written: it says what the stored bytes say."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from cloudk8s.api.resource import Object
from cloudk8s.client.interface import Client, Resource
from cloudk8s.client.resources import CONFIG_MAPS, DEPLOYMENTS, PODS, SERVICE_ACCOUNTS, SERVICES
from cloudk8s.controlplane.api_server import running_api_server
from cloudk8s.machinery import codec
from cloudk8s.settings import ClusterSettings

CONTAINER = {"name": "main", "image": "fake"}
LABELS = {"app": "web"}
OBJECTS: list[tuple[Resource, Object]] = [
    (PODS, {"metadata": {"generateName": "web-", "labels": LABELS}, "spec": {"containers": [CONTAINER]}}),
    (CONFIG_MAPS, {"metadata": {"name": "c", "annotations": None}, "data": {"a": "b"}}),
    (SERVICES, {"metadata": {"name": "s"}, "spec": {"ports": [{"port": 80}], "selector": LABELS}}),
    (DEPLOYMENTS, {"metadata": {"name": "d"}, "spec": {
        "selector": {"matchLabels": LABELS},
        "template": {"metadata": {"labels": LABELS}, "spec": {"containers": [CONTAINER]}},
    }}),
]  # fmt: skip


@pytest.fixture
async def client(tmp_path: Path) -> AsyncIterator[Client]:
    async with running_api_server(ClusterSettings(name="t", data_dir=tmp_path, store="memory://", port=0)) as server:
        client = server.client("tester", "system:masters")
        await client.create(SERVICE_ACCOUNTS, {
            "metadata": {"name": "default", "namespace": "default"}
        })  # fmt: skip
        yield client


async def stored(client: Client, resource: Resource, name: str) -> Object:
    found: Object = await client.request("GET", resource.path("default", name))
    return found


@pytest.mark.parametrize(("resource", "body"), OBJECTS, ids=[resource.plural for resource, _ in OBJECTS])
async def test_trees_of_writes_are_what_is_stored(client: Client, resource: Resource, body: Object) -> None:
    async with client.watch(resource, namespace="default", send_initial_events=True) as events:
        made = await client.create(resource, body, namespace="default")
        name = made["metadata"]["name"]
        assert made == await stored(client, resource, name)
        changed = await client.patch(resource, name, {"metadata": {"labels": {"more": "1"}}}, namespace="default")
        assert changed == await stored(client, resource, name)
        await client.delete(resource, name, namespace="default")
        seen: list[tuple[str, Any]] = []
        async for event in events:
            if event.type != "BOOKMARK" and event.object["metadata"]["name"] == name:
                seen.append((event.type, event.object))
            if event.type == "DELETED":
                break
    assert [type for type, _ in seen][:2] == ["ADDED", "MODIFIED"]
    assert [tree for _, tree in seen[:2]] == [made, changed]
    revisions = [int(tree["metadata"]["resourceVersion"]) for _, tree in seen]
    assert revisions == sorted(set(revisions))


async def test_what_was_handed_out_stays_as_it_was(client: Client) -> None:
    pod = {"metadata": {"name": "p"}, "spec": {"containers": [CONTAINER]}}
    async with client.watch(PODS, namespace="default", send_initial_events=True):
        made = await client.create(PODS, pod, namespace="default")
        before = codec.copy(made)
        binding = {"metadata": {"name": "p"}, "target": {"kind": "Node", "name": "n"}}
        await client.create(PODS, binding, namespace="default", name="p", subresource="binding")
        bound = await client.get(PODS, "p", namespace="default")
        then = codec.copy(bound)
        status = {"status": {"phase": "Running", "podIP": "10.0.0.1"}}
        await client.patch(PODS, "p", status, namespace="default", subresource="status")
        assert (made, bound) == (before, then)
        assert bound["spec"]["nodeName"] == "n"
        assert await client.get(PODS, "p", namespace="default") == await stored(client, PODS, "p")
