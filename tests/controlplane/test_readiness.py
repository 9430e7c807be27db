from __future__ import annotations

from cloudk8s.client.resources import NODES
from cloudk8s.controlplane.readiness import late_nodes
from cloudk8s.machinery.clock import FakeClock
from cloudk8s.testing.fake_client import FakeClient


async def make_node(client: FakeClient, name: str, ready: str) -> None:
    await client.create(NODES, {"apiVersion": "v1", "kind": "Node", "metadata": {"name": name}})
    status = {"conditions": [{"type": "Ready", "status": ready}]}
    await client.patch(NODES, name, {"status": status}, subresource="status")


async def test_nodes_are_late_until_they_say_that_they_are_ready() -> None:
    clock = FakeClock()
    client = FakeClient(clock=clock)
    await make_node(client, "a", "True")
    await make_node(client, "b", "False")
    assert await late_nodes(client, ["a"], clock=clock, patience=0) == []
    assert await late_nodes(client, ["a", "b", "absent"], clock=clock, patience=0) == ["b", "absent"]
