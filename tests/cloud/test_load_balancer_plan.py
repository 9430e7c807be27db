"""`lb plan` says what would be done, `lb gc` finds what nobody owns."""

from __future__ import annotations

from datetime import timedelta

import pytest

from cloudk8s.client.resources import SERVICES
from cloudk8s.cloud.controllers.assembly import SERVICE
from cloudk8s.cloud.controllers.service_request import service_key
from cloudk8s.cloud.directory import CloudDirectory
from cloudk8s.cloud.load_balancer_plan import find_orphans, plan_load_balancers, remove_orphans
from cloudk8s.cloud.lookup import InstanceLookup
from cloudk8s.cloud.model.load_balancer import LoadBalancerState
from cloudk8s.errors import CloudError
from cloudk8s.testing.cloud_harness import CloudHarness, make_node, make_service
from cloudk8s.testing.recording_cloud import Call, RecordingLoadBalancers
from cloudk8s_simulated.testing import SimulatedWorld


def directory_of(harness: CloudHarness) -> CloudDirectory:
    return CloudDirectory(harness.clouds)


def lookup_of(harness: CloudHarness) -> InstanceLookup:
    return InstanceLookup(directory_of(harness), clock=harness.clock, window=timedelta(0))


@pytest.fixture
def world() -> SimulatedWorld:
    return SimulatedWorld()


@pytest.fixture
def harness(world: SimulatedWorld) -> CloudHarness:
    harness = CloudHarness(clock=world.clock, cluster=world.cluster)
    harness.attach("sim", "simulated", load_balancers=world.load_balancers())
    harness.client.add(make_node("n1", provider_id=world.start_instance("n1").provider_id))
    return harness


async def test_a_plan_names_every_change_and_makes_none(harness: CloudHarness, world: SimulatedWorld) -> None:
    harness.client.add(make_service("web"))
    harness.client.add(make_service("other", loadBalancerClass="example.com/other"))
    harness.client.add(make_service("wrong", annotations={"cloudk8s.io/cloud": "nowhere"}))
    before = world.mutations()
    plans = await plan_load_balancers(harness.client, directory_of(harness), lookup_of(harness), cluster="contract")
    assert [plan.service.name for plan in plans] == ["other", "web", "wrong"]
    assert plans[0].note == "another controller's, by its loadBalancerClass"
    assert plans[1].plan is not None
    assert plans[1].plan.counts["create"] == 5
    assert "'nowhere' has no load balancers" in plans[2].error
    assert plans[1].as_dict()["changes"] is True
    assert world.mutations() == before


async def test_a_plan_is_empty_once_the_controller_has_run(harness: CloudHarness) -> None:
    harness.client.add(make_service("web"))
    async with harness.running(SERVICE):
        pass
    plans = await plan_load_balancers(
        harness.client, directory_of(harness), lookup_of(harness), cluster="contract", name="web"
    )
    assert not plans[0].has_changes
    assert str(plans[0]) == "service default/web: nothing to do"


async def test_a_provider_that_does_not_plan_is_compared_by_digest() -> None:
    harness = CloudHarness(cluster="contract")
    harness.attach(load_balancers=RecordingLoadBalancers())
    harness.client.add(make_service("web"))
    args = (harness.client, directory_of(harness), lookup_of(harness))
    assert [str(plan) for plan in await plan_load_balancers(*args, cluster="contract")] == [
        "service default/web: would be made"
    ]
    async with harness.running(SERVICE):
        pass
    assert not (await plan_load_balancers(*args, cluster="contract"))[0].has_changes
    harness.client.add(make_node("late"))
    assert (await plan_load_balancers(*args, cluster="contract"))[0].note == "would be ensured"


async def test_what_nobody_owns_is_found_and_removed(harness: CloudHarness, world: SimulatedWorld) -> None:
    for name in ("kept", "lost", "changed"):
        harness.client.add(make_service(name))
    async with harness.running(SERVICE):
        pass
    for name in ("lost", "changed"):
        await harness.client.patch(SERVICES, name, {"metadata": {"finalizers": []}}, namespace="default")
    await harness.client.delete(SERVICES, "lost", namespace="default")
    await harness.client.patch(SERVICES, "changed", {"spec": {"type": "ClusterIP"}}, namespace="default")
    orphans = await find_orphans(harness.client, directory_of(harness))
    assert sorted((orphan.state.service.name, orphan.reason) for orphan in orphans) == [
        ("changed", "the Service is not of type LoadBalancer"),
        ("lost", "the Service does not exist"),
    ]
    assert await remove_orphans(directory_of(harness), orphans) == {}
    assert await find_orphans(harness.client, directory_of(harness)) == []
    assert len([thing for thing in world.account.everything() if thing.kind == "balancer"]) == 1


async def test_leftovers_without_a_load_balancer_are_found(harness: CloudHarness, world: SimulatedWorld) -> None:
    harness.client.add(make_service("web"))
    async with harness.running(SERVICE):
        pass
    balancer = next(thing for thing in world.account.everything() if thing.kind == "balancer")
    world.account.delete([balancer.id])
    await harness.client.patch(SERVICES, "web", {"metadata": {"finalizers": []}}, namespace="default")
    await harness.client.delete(SERVICES, "web", namespace="default")
    harness.clouds.clear()
    harness.attach("sim", "simulated", load_balancers=world.load_balancers())
    orphans = await find_orphans(harness.client, directory_of(harness))
    assert len(orphans) == 1
    assert orphans[0].state.leftovers == ("group-1", "members-1")
    await remove_orphans(directory_of(harness), orphans)
    assert not world.left()


async def test_a_cloud_that_can_not_be_read_finds_nothing() -> None:
    harness, balancers = CloudHarness(), RecordingLoadBalancers()
    harness.attach(load_balancers=balancers)
    balancers.recorder.answer("list_owned", CloudError("throttled"))
    with pytest.raises(CloudError, match="throttled"):
        await find_orphans(harness.client, directory_of(harness))


async def test_what_is_made_while_clouds_are_read_is_nobodys_leftover() -> None:
    harness, balancers = CloudHarness(), RecordingLoadBalancers()
    harness.attach(load_balancers=balancers)

    def make(call: Call) -> None:
        if call.method == "list_owned":
            service = service_key(harness.client.add(make_service()))
            balancers.states[service.uid] = LoadBalancerState(service)

    balancers.recorder.on_call = make
    assert await find_orphans(harness.client, directory_of(harness)) == []
    assert balancers.states
