"""Turns of looking after a cluster: the account is read once, and the objects stay in line with it."""

from __future__ import annotations

from cloudk8s.client.objects import annotations_of, condition
from cloudk8s.provisioning.converging import converge
from cloudk8s.provisioning.objects import kinds
from cloudk8s.provisioning.objects.managing import DECLARED, Manager, digest
from cloudk8s.provisioning.state import look
from tests.provisioning.harness import SimulatedCloud, declaration, workers
from tests.provisioning.objects.fake_api import FakeApi


def turn(cloud: SimulatedCloud, api: FakeApi) -> int:
    """One turn; how many calls it took, beside the look it begins with."""
    site = cloud.site()
    state = look(site)
    assert state.recorded is not None
    cloud.faults.forget()
    Manager(60)._work(site, state, state.recorded, api)  # type: ignore[arg-type]
    return len(cloud.faults.calls)


def in_line(cloud: SimulatedCloud, api: FakeApi) -> bool:
    recorded = look(cloud.site()).recorded
    assert recorded is not None
    return annotations_of(api.objects[kinds.CLUSTERS]["demo"])[DECLARED] == digest(recorded)


def test_a_turn_that_changes_nothing_reads_the_account_no_second_time() -> None:
    cloud, api = SimulatedCloud(), FakeApi()
    converge(cloud.site(), declaration(pools=workers(2)))
    turn(cloud, api)
    assert in_line(cloud, api)
    site = cloud.site()
    state = look(site)
    assert state.recorded is not None
    cloud.faults.forget()
    converge(site, state.recorded, state=state)
    alone = len(cloud.faults.calls)
    assert turn(cloud, api) == alone
    assert in_line(cloud, api)


def test_a_mistake_that_only_the_cloud_knows_is_told_and_the_rest_goes_on() -> None:
    cloud, api = SimulatedCloud(), FakeApi()
    converge(cloud.site(), declaration(pools=workers(2)))
    turn(cloud, api)
    api.objects[kinds.TEMPLATES]["demo-workers"]["spec"]["template"]["spec"]["zones"] = ["mars-1a"]
    victim = next(thing for thing in cloud.account.everything() if thing.properties.get("pool") == "workers")
    cloud.account.update(victim.id, {"state": "stopped"})
    turn(cloud, api)
    told = condition(api.objects[kinds.CLUSTERS]["demo"], "TopologyReconciled")
    assert told is not None
    assert "pools[0].zones: mars-1a" in told["message"]
    assert victim.id not in cloud.left()
    assert len(cloud.instances()) == 3


def test_what_objects_and_commands_declare_stays_in_line_with_what_the_account_remembers() -> None:
    cloud, api = SimulatedCloud(), FakeApi()
    converge(cloud.site(), declaration(pools=workers(2)))
    turn(cloud, api)
    api.objects[kinds.MACHINE_DEPLOYMENTS]["demo-workers"]["spec"]["replicas"] = 4
    turn(cloud, api)
    assert len(cloud.instances()) == 5
    assert in_line(cloud, api)
    converge(cloud.site(), declaration(pools=workers(1), tags={"team": "a"}))
    turn(cloud, api)
    assert api.objects[kinds.MACHINE_DEPLOYMENTS]["demo-workers"]["spec"]["replicas"] == 1
    assert in_line(cloud, api)
    turn(cloud, api)
    assert len(cloud.instances()) == 2
