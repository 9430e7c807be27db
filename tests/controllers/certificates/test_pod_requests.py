from __future__ import annotations

from datetime import timedelta

from cloudk8s.client.interface import Object, Resource
from cloudk8s.client.resources import BUILT_IN
from cloudk8s.controllers.certificates.pod_requests import PodRequestCleaner
from cloudk8s.machinery.clock import FakeClock
from cloudk8s.machinery.times import format_time
from cloudk8s.testing.fake_client import FakeClient
from tests.controllers.harness import NS, running

REQUESTS = Resource("certificates.k8s.io", "v1", "podcertificaterequests", "PodCertificateRequest")


async def test_requests_go_after_a_quarter_of_an_hour() -> None:
    clock = FakeClock()
    client = FakeClient(clock=clock, resources=(*BUILT_IN, REQUESTS))

    def request(name: str, minutes: int) -> Object:
        created = format_time(clock.now() - timedelta(minutes=minutes))
        metadata = {"name": name, "namespace": NS, "creationTimestamp": created}
        return {"apiVersion": REQUESTS.api_version, "kind": REQUESTS.kind, "metadata": metadata, "spec": {}}

    objects = [request("old", 16), request("new", 1)]
    async with running(PodRequestCleaner, client=client, clock=clock, objects=objects) as run:
        await run.settle(1)
        assert run.names(REQUESTS) == ["new"]
        await run.settle(20 * 60, step=60)
        assert run.names(REQUESTS) == []


async def test_servers_without_such_requests_are_left_alone() -> None:
    async with running(PodRequestCleaner) as run:
        await run.settle(600, step=60)
        assert not [action for action in run.client.actions if action.verb in ("watch", "delete")]
