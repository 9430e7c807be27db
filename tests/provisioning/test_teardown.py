"""Deleting clusters: everything goes, what blocks is named."""

from __future__ import annotations

import pytest

from cloudk8s.cloud.model.load_balancer import LoadBalancerRequest, ServiceKey, ServicePort
from cloudk8s.cloud.model.volume import VolumeRequest
from cloudk8s.errors import RetryLater
from cloudk8s.provisioning.converging import converge
from cloudk8s.provisioning.inheritance import inheritance
from cloudk8s.provisioning.leftovers import Consent
from cloudk8s.provisioning.planning import plan_deletion
from cloudk8s.provisioning.state import look_to_delete
from cloudk8s.provisioning.teardown import tear_down
from cloudk8s.provisioning.waiting import NotConverged
from tests.provisioning.harness import SimulatedCloud, declaration, workers


@pytest.fixture
def cloud() -> SimulatedCloud:
    cloud = SimulatedCloud(balancer=30)
    converge(cloud.site(), declaration(pools=workers(2)))
    return cloud


def test_nothing_is_left(cloud: SimulatedCloud) -> None:
    tear_down(cloud.site())
    assert cloud.left() == []


def test_a_cluster_that_is_gone_is_success(cloud: SimulatedCloud) -> None:
    tear_down(cloud.site())
    cloud.faults.forget()
    tear_down(cloud.site())
    assert cloud.faults.mutations == []


def test_other_clusters_are_left_alone(cloud: SimulatedCloud) -> None:
    converge(cloud.site("other"), declaration("other", pools=workers(1)))
    tear_down(cloud.site())
    assert len(cloud.instances()) == 2
    assert {thing.tags["cloudk8s.io/cluster"] for thing in cloud.account.everything()} == {"other"}


def test_load_balancers_and_volumes_of_workloads_go_too(cloud: SimulatedCloud) -> None:
    site = cloud.site()
    assert site.load_balancers is not None
    assert site.volumes is not None
    request = LoadBalancerRequest(ServiceKey("uid-1", "default", "web"), "demo", (ServicePort(80, 30080),))
    with pytest.raises(RetryLater):
        site.load_balancers.ensure(request)
    site.volumes.create(VolumeRequest("claim-1", "data", "demo", 10))
    tear_down(cloud.site())
    assert cloud.left() == []


@pytest.mark.parametrize("consent", ["declared", "none"])
def test_what_workloads_made_is_in_the_plan(cloud: SimulatedCloud, consent: Consent) -> None:
    site = cloud.site()
    assert site.load_balancers is not None
    assert site.volumes is not None
    with pytest.raises(RetryLater):
        site.load_balancers.ensure(
            LoadBalancerRequest(ServiceKey("uid-1", "default", "web"), "demo", (ServicePort(80, 30080),))
        )
    volume = site.volumes.create(VolumeRequest("claim-1", "data", "demo", 10))
    state = look_to_delete(site)
    plan = plan_deletion(site, state, inheritance(site, consent))
    told = f"volume {volume.id} (data)"
    balancer = "load balancer of service default/web"
    assert (plan.going, plan.kept) == (((balancer,), (told,)) if consent == "none" else ((balancer, told), ()))
    assert plan.changes == plan_deletion(site, state).changes + len(plan.going)
    assert (f"= keeps {told}" in list(plan.lines())) is (consent == "none")


def test_volumes_are_kept_on_request(cloud: SimulatedCloud) -> None:
    site = cloud.site()
    assert site.volumes is not None
    site.volumes.create(VolumeRequest("claim-1", "data", "demo", 10))
    tear_down(cloud.site(), consent="none")
    assert len(cloud.left()) == 1


def test_what_blocks_is_named_when_time_is_up(cloud: SimulatedCloud) -> None:
    network = next(thing for thing in cloud.account.everything() if thing.kind == "subnet")
    cloud.account.create("instance", {"name": "pet", "subnet": network.id, "zone": "sim-1a"}, {"owner": "somebody"})
    with pytest.raises(NotConverged, match=r"subnet-1 is in use by instance-4.*run the command again"):
        tear_down(cloud.site(), timeout=120)
