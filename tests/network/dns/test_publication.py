from __future__ import annotations

import asyncio
from dataclasses import replace

from cloudk8s.client.resources import ENDPOINT_SLICES, ENDPOINTS, SERVICES
from cloudk8s.machinery.clock import FakeClock
from cloudk8s.network.dns.publication import NAME, NAMESPACE, Publication, cluster_ip_of, keep_published, publish
from cloudk8s.testing.fake_client import FakeClient

HERE = Publication("10.96.0.10", "192.0.2.2", 10053)


def test_the_address_is_the_tenth_of_the_range():
    assert cluster_ip_of("10.96.0.0/16") == "10.96.0.10"
    assert cluster_ip_of("fd00:96::/112") == "fd00:96::a"


async def test_the_service_leads_to_the_server():
    client = FakeClient(clock=FakeClock())
    await publish(client, HERE)
    service = client.peek(SERVICES, NAME, NAMESPACE)
    assert (service["spec"]["clusterIP"], len(service["spec"]["ports"])) == ("10.96.0.10", 2)
    (endpoint,) = client.peek(ENDPOINT_SLICES, NAME, NAMESPACE)["endpoints"]
    assert endpoint["addresses"] == ["192.0.2.2"]
    assert client.peek(ENDPOINTS, NAME, NAMESPACE)["subsets"][0]["ports"][0]["port"] == 10053


async def test_a_new_port_replaces_the_old_one_and_the_same_one_writes_nothing():
    client = FakeClient(clock=FakeClock())
    await publish(client, HERE)
    await publish(client, replace(HERE, port=10054))
    assert client.peek(ENDPOINT_SLICES, NAME, NAMESPACE)["ports"][0]["port"] == 10054
    before = len([action for action in client.actions if action.verb in ("create", "update")])
    await publish(client, replace(HERE, port=10054))
    assert len([action for action in client.actions if action.verb in ("create", "update")]) == before


async def test_a_service_that_selects_pods_is_left_alone():
    client = FakeClient(clock=FakeClock())
    metadata = {"name": NAME, "namespace": NAMESPACE}
    spec = {"clusterIP": "10.96.0.10", "selector": {"k8s-app": "kube-dns"}}
    await client.create(SERVICES, {"kind": "Service", "metadata": metadata, "spec": spec}, namespace=NAMESPACE)
    await publish(client, HERE)
    assert client.peek(ENDPOINT_SLICES, NAME, NAMESPACE) is None


async def test_what_somebody_removes_comes_back():
    clock = FakeClock()
    client = FakeClient(clock=clock)
    task = asyncio.create_task(keep_published(client, HERE, clock=clock))
    await clock.advance(1)
    await client.delete(SERVICES, NAME, namespace=NAMESPACE)
    await clock.advance(61)
    assert client.peek(SERVICES, NAME, NAMESPACE) is not None
    task.cancel()
