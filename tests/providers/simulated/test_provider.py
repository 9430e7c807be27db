"""The simulated provider by the plugin manager's road, and at cloud speed."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path

import pytest

from cloudk8s.client.events import EventRecorder
from cloudk8s.client.informer import Informers
from cloudk8s.client.resources import SERVICES
from cloudk8s.cloud.controllers.assembly import SERVICE, attach, build
from cloudk8s.cloud.settings import CloudControllerSettings
from cloudk8s.controllers.interface import ControllerContext
from cloudk8s.machinery.clock import SystemClock
from cloudk8s.plugin import NodeRef, Plugins, describe_provider
from cloudk8s.settings import ClusterSettings
from cloudk8s.testing.cloud_harness import make_service
from cloudk8s.testing.fake_client import FakeClient


def test_it_loads_and_offers_every_contract() -> None:
    plugins = Plugins.load()
    cloud = plugins.cloud("sim", "simulated", {"zones": ["a", "b"]}, cluster="c")
    described = describe_provider(plugins, cloud)
    assert all(described.values())
    assert described["load_balancers"]["protocols"] == ["TCP", "UDP"]


def test_contracts_of_one_cloud_share_their_account() -> None:
    plugins = Plugins.load()
    cloud = plugins.cloud("sim", "simulated", cluster="c")
    machines, instances = plugins.machines(cloud), plugins.instances(cloud)
    assert machines is not None
    assert instances is not None
    from cloudk8s.plugin import Machine, MachineRequest

    made = machines.create([MachineRequest("u", "n", "c")])["u"]
    assert isinstance(made, Machine)
    assert instances.describe([NodeRef("n", provider_id=made.provider_id)])["n"].state == "present"


def test_any_node_may_be_taken_as_present() -> None:
    plugins = Plugins.load()
    cloud = plugins.cloud("sim", "simulated", {"any_node": True}, cluster="c")
    instances = plugins.instances(cloud)
    assert instances is not None
    first = instances.describe([NodeRef("fake-1")])["fake-1"]
    assert (first.state, first.region) == ("present", "sim-1")
    assert instances.describe([NodeRef("fake-1")])["fake-1"] == first


@pytest.mark.slow
async def test_200_services_at_200_ms_a_call_have_addresses_within_ten_seconds() -> None:
    plugins, clock = Plugins.load(), SystemClock()
    settings = CloudControllerSettings(cluster="c")
    cloud = plugins.cloud("sim", "simulated", {"latency": 0.2}, cluster="c")
    client = FakeClient([make_service(f"web-{number}") for number in range(200)])
    informers, events = Informers(client, clock=clock), EventRecorder(client, "test", clock=clock)
    context = ControllerContext(client, informers, events, clock, ClusterSettings(data_dir=Path("/nonexistent")))
    attached = attach("sim", "simulated", clock=clock, settings=settings, load_balancers=plugins.load_balancers(cloud))
    controller = build(context, [attached], settings)[SERVICE]
    async with informers:
        await informers.synced()
        started = time.monotonic()
        task = asyncio.create_task(controller.run())
        while not all(service["status"].get("loadBalancer") for service in client.all(SERVICES)):
            assert time.monotonic() - started < 60
            await asyncio.sleep(0.05)
        elapsed = time.monotonic() - started
        task.cancel()
    assert elapsed < 10, f"{elapsed:.1f} s"
