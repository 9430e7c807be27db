"""The life of a cluster on a libcloud driver, against an emulator's server."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from cloudk8s.cloud.stack.engine import Engine
from cloudk8s.cloud.stack.retry import Retries
from cloudk8s.errors import FieldError, SettingsError
from cloudk8s.plugin import Plugins
from cloudk8s.provisioning.converging import converge
from cloudk8s.provisioning.declaration.cluster import ClusterDeclaration
from cloudk8s.provisioning.declaration.reading import declare
from cloudk8s.provisioning.description import list_clusters
from cloudk8s.provisioning.following import check_followed
from cloudk8s.provisioning.planning import plan_cluster, settled
from cloudk8s.provisioning.site import Site, open_site
from cloudk8s.provisioning.state import look
from cloudk8s.provisioning.teardown import tear_down
from cloudk8s_libcloud.testing import Ec2World


@pytest.fixture(scope="module")
def world() -> Iterator[Ec2World]:
    with Ec2World() as world:
        yield world.reset()


def site(world: Ec2World) -> Site:
    """Fresh contracts, as a new command has."""
    networks = world.networks()
    engine = Engine(networks.resource_types(), retries=Retries(timer=world.wire.timer))
    return Site("libcloud", "demo", {}, world.machines(), networks, engine)


def wanted(workers: int) -> ClusterDeclaration:
    return declare({"name": "demo", "provider": "libcloud", "pools": [{"replicas": workers}]}, "test")


def test_machines_come_and_go_and_carry_what_was_declared(world: Ec2World) -> None:
    converge(site(world), wanted(2))
    state = look(site(world))
    assert state.recorded == wanted(2)
    assert len(state.machines) == 3
    world.faults.forget()
    converge(site(world), wanted(2))
    assert world.mutations() == 0
    converge(site(world), wanted(1))
    state = look(site(world))
    assert state.recorded == wanted(1), "the record follows although no machine was made"
    assert plan_cluster(site(world), settled(site(world), wanted(1), state), state).is_empty
    assert [(row["name"], row["workers"]) for row in list_clusters(site(world))] == [("demo", 1)]
    assert world.left(), "a security group and a key pair"
    tear_down(site(world))
    assert not world.left()
    assert not [machine for machine in look(site(world)).machines if machine.machine.state != "gone"]


def test_what_a_driver_can_do_is_looked_at_before_the_first_call() -> None:
    with pytest.raises(SettingsError, match="driver 'dummy'"):
        open_site(Plugins.load(), "libcloud", {"driver": "dummy"}, "demo")


@pytest.mark.parametrize(
    ("entry", "said"),
    [
        ({"network": {"cidr": "10.9.0.0/16"}}, "network.cidr: libcloud makes no networks"),
        ({"network": {"nat": "per-zone"}}, "network.nat: libcloud makes no networks"),
        ({"network": {"zones": ["a"]}}, "network.zones: libcloud has no choice of zones"),
        ({"network": {"zoneCount": 2}}, "network.zoneCount: libcloud has no choice"),
        ({"controlPlane": {"zones": ["a"]}}, "controlPlane.zones: libcloud has no choice"),
        ({"pools": [{"name": "a"}, {"name": "b", "zones": ["a"]}]}, "pools[1].zones: libcloud has no choice"),
        ({"network": {"api": {"scheme": "internal"}}}, "network.api.scheme: libcloud does not choose"),
        ({"pools": [{"name": "a"}, {"name": "b", "spot": True}]}, "pools[1].spot: libcloud has no spare capacity"),
        ({"pools": [{"rootVolumeGiB": 50}]}, "pools[0].rootVolumeGiB: libcloud does not size root volumes"),
        ({"controlPlane": {"rootVolumeGiB": 50}}, "controlPlane.rootVolumeGiB: libcloud does not size root volumes"),
        (
            {"pools": [{"options": {"ex_subnett": "s"}}]},
            "pools[0].options.ex_subnett: libcloud knows no such option; did",
        ),
        ({"pools": [{"scalingGroup": True}]}, "pools[0].scalingGroup: libcloud has no groups that keep machines"),
        ({"network": {"options": {"vpcid": "v"}}}, "network.options.vpcid: libcloud knows no such option, only vpc_id"),
    ],
)
def test_what_it_cannot_follow_is_refused_before_the_first_call(
    world: Ec2World, entry: dict[str, Any], said: str
) -> None:
    declared = declare({"name": "demo", "provider": "libcloud", **entry}, "test")
    state = look(site(world))
    world.faults.forget()
    with pytest.raises(FieldError, match=re.escape(said)):
        converge(site(world), declared, state=state)
    assert not world.faults.calls


def test_who_may_reach_machines_is_refused_where_nobody_would_see_to_it(world: Ec2World) -> None:
    declared = declare({"name": "demo", "provider": "libcloud", "network": {"sshSourceRanges": ["10.0.0.0/8"]}}, "test")
    check_followed(site(world), declared)
    with pytest.raises(FieldError, match="sshSourceRanges: libcloud does not restrict"):
        check_followed(replace(site(world), networks=None), declared)
