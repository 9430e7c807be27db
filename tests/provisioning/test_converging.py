"""Clusters on the simulated cloud: made, changed, repaired; crashes at every call."""

from __future__ import annotations

import re
from typing import Any

import pytest

from cloudk8s.errors import FieldError, QuotaExceeded, SettingsError
from cloudk8s.provisioning.converging import converge
from cloudk8s.provisioning.declaration.cluster import ClusterDeclaration
from cloudk8s.provisioning.planning import plan_cluster, settled
from cloudk8s.provisioning.state import look
from cloudk8s.provisioning.teardown import tear_down
from cloudk8s.provisioning.waiting import NotConverged
from cloudk8s.testing.faults import Crash
from tests.provisioning.harness import SimulatedCloud, declaration, workers


@pytest.fixture
def cloud() -> SimulatedCloud:
    return SimulatedCloud(balancer=30, instance=20)


def test_a_cluster_is_made_as_declared(cloud: SimulatedCloud) -> None:
    state = converge(cloud.site(), declaration(controlPlane={"replicas": 3}, pools=workers(4)))
    assert len(state.members) == 3
    zones = sorted(view.machine.zone for view in state.machines if view.group == "workers")
    assert zones == ["sim-1a", "sim-1a", "sim-1b", "sim-1c"]
    targets = next(thing for thing in cloud.account.everything() if thing.kind == "members")
    assert tuple(targets.properties["targets"]) == state.members
    waits = [event.detail for event in cloud.events if event.kind == "waiting"]
    assert any("usually" in text for text in waits), "and how long that takes is told"


def test_applying_again_changes_nothing(cloud: SimulatedCloud) -> None:
    converge(cloud.site(), declaration(pools=workers(3)))
    cloud.faults.forget()
    converge(cloud.site(), declaration(pools=workers(3)))
    assert cloud.faults.mutations == []


def test_the_account_alone_tells_what_was_declared(cloud: SimulatedCloud) -> None:
    converge(cloud.site(), declaration(pools=workers(3)))
    recorded = look(cloud.site()).recorded
    assert recorded is not None
    assert recorded.pools[0].replicas == 3
    assert recorded.network.zones == ("sim-1a",)


def test_zones_chosen_once_stay(cloud: SimulatedCloud) -> None:
    converge(cloud.site(), declaration())
    site = cloud.site()
    later = settled(site, declaration(controlPlane={"replicas": 3}), look(site))
    assert later.network.zones == ("sim-1a",)


def test_how_many_zones_may_stand_in_a_file_that_is_applied_again_and_grow(cloud: SimulatedCloud) -> None:
    def wanted(count: int) -> ClusterDeclaration:
        return declaration(network={"zoneCount": count}, pools=workers(2))

    converge(cloud.site(), wanted(2))
    cloud.faults.forget()
    for count in (2, 1):
        converge(cloud.site(), wanted(count))
        assert cloud.faults.mutations == []
    converge(cloud.site(), wanted(3))
    recorded = look(cloud.site()).recorded
    assert recorded is not None
    assert recorded.network.zones == ("sim-1a", "sim-1b", "sim-1c")


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"network": {"cidr": "10.9.0.0/16"}}, "network.cidr: machines have addresses of it; it stays 10.0.0.0/16"),
        ({"network": {"podCidrs": ["10.9.0.0/16"]}}, "network.podCidrs: pods have addresses of it"),
        ({"network": {"serviceCidrs": ["10.9.0.0/16"]}}, "network.serviceCidrs: Services have addresses of it"),
        ({"network": {"api": {"port": 443}}}, "network.api.port: machines and kubeconfigs know the API by it"),
        ({"network": {"api": {"scheme": "internal"}}}, "network.api.scheme: the API would get another address"),
        ({"network": {"nat": "none"}}, "network.nat: machines are in subnets"),
        ({"network": {"zones": ["sim-1b"]}}, "network.zones: a cluster leaves no zone, not sim-1a either"),
        ({"kubernetesVersion": "1.36"}, "kubernetesVersion: 1.36 is older than 1.37; a control plane can't go back"),
        ({"kubernetesVersion": "1.39"}, "kubernetesVersion: 1.37 can't go to 1.39 in one step; go to 1.38 first"),
        ({"bootstrap": {"method": "k3s"}}, "bootstrap.method: machines of two methods are no cluster"),
    ],
)
def test_what_would_cut_off_machines_is_refused_while_they_live(
    cloud: SimulatedCloud, change: dict[str, Any], said: str
) -> None:
    converge(cloud.site(), declaration())
    cloud.faults.forget()
    with pytest.raises(FieldError, match=re.escape(said)):
        converge(cloud.site(), declaration(**change))
    assert cloud.faults.mutations == []


def test_scaling_makes_and_takes_the_difference(cloud: SimulatedCloud) -> None:
    converge(cloud.site(), declaration(pools=workers(3)))
    first = cloud.instances()
    converge(cloud.site(), declaration(pools=workers(5)))
    assert set(first) < set(cloud.instances())
    converge(cloud.site(), declaration(pools=workers(1)))
    assert len(cloud.instances()) == 2


def test_an_upgrade_rolls_the_control_plane_before_the_pools(cloud: SimulatedCloud) -> None:
    converge(cloud.site(), declaration(controlPlane={"replicas": 3}, pools=workers(2)))
    cloud.events.clear()
    converge(cloud.site(), declaration(kubernetesVersion="1.38", controlPlane={"replicas": 3}, pools=workers(2)))
    made = [event.subject for event in cloud.events if event.kind == "made"]
    assert ["control-plane" in subject for subject in made] == [True] * 3 + [False] * 2
    assert all(view.version == "1.38" for view in look(cloud.site()).machines)


def test_a_pool_that_is_no_longer_declared_goes(cloud: SimulatedCloud) -> None:
    converge(cloud.site(), declaration(pools=[*workers(2), {"name": "gpu", "replicas": 1}]))
    converge(cloud.site(), declaration(pools=workers(2)))
    assert not [name for name in cloud.instances() if "gpu" in name]


def test_drift_is_repaired(cloud: SimulatedCloud) -> None:
    converge(cloud.site(), declaration(pools=workers(2)))
    things = cloud.account.everything()
    cloud.account.delete([next(thing.id for thing in things if thing.kind == "listener")])
    cloud.account.delete([next(t.id for t in things if t.kind == "instance" and "workers" in t.properties["name"])])
    firewall = next(thing for thing in things if thing.kind == "firewall")
    cloud.account.update(firewall.id, {"rules": ["tcp 1-65535 from 0.0.0.0/0"]})
    site = cloud.site()
    state = look(site)
    assert state.recorded is not None
    plan = plan_cluster(site, state.recorded, state)
    assert plan.summary == "2 to create, 1 to update"
    converge(site, state.recorded)
    assert plan_cluster(site, state.recorded, look(site)).is_empty


def test_the_plan_tells_every_machine_step_beforehand(cloud: SimulatedCloud) -> None:
    converge(cloud.site(), declaration(pools=workers(3)))
    site, wanted = cloud.site(), declaration(kubernetesVersion="1.38", pools=workers(3))
    state = look(site)
    plan = plan_cluster(site, settled(site, wanted, state), state)
    cloud.events.clear()
    converge(site, wanted)
    planned = [(step.action, name) for step in plan.machines for name in step.names]
    happened = [
        ("create" if event.kind == "made" else "delete", event.subject.removeprefix("machine/"))
        for event in cloud.events
        if event.subject.startswith("machine/")
    ]
    assert sorted(planned) == sorted(happened)


def test_a_quota_stops_at_once_and_is_named(cloud: SimulatedCloud) -> None:
    limited = SimulatedCloud()
    limited.account.kinds["instance"] = type(limited.account.kinds["instance"])("instance", limit=2)
    with pytest.raises(QuotaExceeded, match="machine demo-workers"):
        converge(limited.site(), declaration(pools=workers(5)))


def test_when_time_is_up_it_is_told_what_was_waited_for_and_how_to_go_on() -> None:
    slow = SimulatedCloud(balancer=10_000)
    with pytest.raises(NotConverged, match=r"demo is not done after 60 s: .*balancer.*run the command again to go on"):
        converge(slow.site(), declaration(), timeout=60)
    assert slow.timer.monotonic() <= 60
    assert any(event.kind == "waiting" and "balancer" in event.subject for event in slow.events)


def test_zones_that_do_not_exist_are_refused_before_the_first_call(cloud: SimulatedCloud) -> None:
    site = cloud.site()
    with pytest.raises(SettingsError, match=r"network\.zones: mars-1a"):
        plan_cluster(site, settled(site, declaration(network={"zones": ["mars-1a"]}), look(site)), look(site))
    assert cloud.left() == []


def test_machines_are_only_where_the_network_is(cloud: SimulatedCloud) -> None:
    elsewhere = workers(1, zones=["sim-1a", "sim-1c"])
    with pytest.raises(FieldError, match=r"pools\[0\]\.zones: sim-1c: the cluster is in sim-1a; network\.zones names"):
        converge(cloud.site(), declaration(pools=elsewhere))
    assert cloud.left() == []
    converge(cloud.site(), declaration(network={"zones": ["sim-1a", "sim-1c"]}, pools=elsewhere))


@pytest.mark.parametrize("life", ["create", "scale", "upgrade", "delete"])
def test_a_crash_after_any_call_converges(life: str) -> None:
    """The process dies after the n-th mutating call, for every n; the next one goes on, and nothing is made twice."""
    first = declaration(controlPlane={"replicas": 3}, pools=workers(3))
    second = {
        "create": first,
        "scale": declaration(controlPlane={"replicas": 3}, pools=workers(6)),
        "upgrade": declaration(kubernetesVersion="1.38", controlPlane={"replicas": 3}, pools=workers(3)),
    }.get(life, first)
    for call in range(1, 60):
        cloud = SimulatedCloud(instance=5)
        if life != "create":
            converge(cloud.site(), first)
            cloud.faults.forget()
        cloud.faults.crash_after = call
        survived = _survives(cloud, None if life == "delete" else second)
        cloud.faults.crash_after = 0
        if life != "delete":
            converge(cloud.site(), second)
            assert len(cloud.instances()) == 3 + second.pools[0].replicas
        tear_down(cloud.site())
        assert cloud.left() == []
        if survived:
            assert call > 1
            return
    raise AssertionError("more calls than this should take")


def _survives(cloud: SimulatedCloud, wanted: ClusterDeclaration | None) -> bool:
    """Converge, or delete where nothing is wanted; False where the process died."""
    try:
        tear_down(cloud.site()) if wanted is None else converge(cloud.site(), wanted)
    except Crash:
        return False
    return True


def test_a_machine_that_stopped_is_replaced() -> None:
    cloud = SimulatedCloud()
    converge(cloud.site(), declaration(pools=workers(3)))
    victim = next(thing for thing in cloud.account.everything() if thing.properties.get("pool") == "workers")
    cloud.account.update(victim.id, {"state": "stopped"})
    converge(cloud.site(), declaration(pools=workers(3)))
    assert victim.id not in cloud.left()
    assert len(cloud.instances()) == 4
    assert any("it has stopped" in event.detail for event in cloud.events)


def test_a_change_can_be_undone_and_done_again() -> None:
    cloud = SimulatedCloud()
    for number in (2, 4):
        converge(cloud.site(), declaration(pools=workers(number)))
    for number in (2, 4):
        recorded = look(cloud.site()).recorded
        assert recorded is not None
        assert recorded.previous is not None
        converge(cloud.site(), recorded.previous)
        assert len(cloud.instances()) == number + 1
    cloud.faults.forget()
    converge(cloud.site(), declaration(pools=workers(4)))
    assert cloud.faults.mutations == []
