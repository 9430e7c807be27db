from __future__ import annotations

import asyncio

from cloudk8s.client.resources import PODS
from cloudk8s.machinery.clock import FakeClock
from cloudk8s.node.cluster.pod_status import PodStatusWriter
from cloudk8s.testing.fake_client import FakeClient


async def test_an_address_that_the_pod_has_no_more_is_removed() -> None:
    clock = FakeClock()
    client = FakeClient(clock=clock)
    metadata = {"name": "web", "namespace": "default"}
    pod = await client.create(PODS, {"apiVersion": "v1", "kind": "Pod", "metadata": metadata}, namespace="default")
    writer = PodStatusWriter(client, clock=clock)
    task = asyncio.create_task(writer.run())
    for ip in ("192.0.2.2", "10.244.0.2"):
        writer.put(pod, {"phase": "Running", "podIP": ip, "podIPs": [{"ip": ip}]})
        await writer.flush()
    patches = [action for action in client.actions if action.verb == "patch"]
    task.cancel()
    assert patches[-1].body["status"]["podIPs"] == [{"ip": "10.244.0.2"}, {"ip": "192.0.2.2", "$patch": "delete"}]
