"""Objects show what became of a cluster."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from cloudk8s.client.interface import Object
from cloudk8s.client.objects import condition
from cloudk8s.cloud.model.machine import Machine, MachineState
from cloudk8s.provisioning.declaration.cluster import CONTROL_PLANE, ClusterDeclaration
from cloudk8s.provisioning.machines.template import TEMPLATE_TAG, VERSION_TAG, groups_of
from cloudk8s.provisioning.machines.view import MachineView, NodeState
from cloudk8s.provisioning.objects import kinds
from cloudk8s.provisioning.objects.ledger import Ledger
from cloudk8s.provisioning.objects.publishing import HISTORY, Outcome, publish, write_declaration
from tests.provisioning.harness import declaration, workers
from tests.provisioning.objects.fake_api import FakeApi

NOW = datetime(2026, 1, 1, 12, tzinfo=UTC)
ENDPOINT = "10.0.0.1:6443"


class World:
    """A cluster's objects, shown turn after turn."""

    def __init__(self, declared: ClusterDeclaration) -> None:
        self.api = FakeApi()
        self.declared = declared
        self.now = NOW

    def machines(self, **groups: int) -> list[MachineView]:
        wanted = groups or {CONTROL_PLANE: 1, "workers": self.declared.pools[0].replicas}
        return [self.machine(group, number) for group, count in wanted.items() for number in range(count)]

    def machine(
        self, group: str, number: int, *, state: MachineState = "running", ready: bool = True, template: str = "",
        minutes: float = 60,
    ) -> MachineView:  # fmt: skip
        name = group.replace("_", "-")
        current = {each.name: each.template for each in groups_of(self.declared)}[name]
        tags = {TEMPLATE_TAG: template or current.hash, VERSION_TAG: current.version}
        made = Machine(
            f"i-{name}-{number}", f"u-{name}-{number}", f"demo-{name}-{number}", "demo", state, f"sim://{name}-{number}",
            current.role, name if current.role == "worker" else "", zone="sim-1a", tags=tags,
            created=NOW - timedelta(minutes=minutes),
        )  # fmt: skip
        node = NodeState(made.name, ready, "v1.37.0", None if ready else NOW - timedelta(hours=1), "silent")
        return MachineView(made, node if state == "running" else None, needs_node=True)

    def turn(self, machines: Sequence[MachineView], *, writes: bool = True, problem: str = "") -> None:
        ledger = Ledger(self.api, "demo")  # type: ignore[arg-type]
        if writes:
            assert write_declaration(ledger, self.declared, ENDPOINT)
        publish(ledger, Outcome(self.declared, machines, ENDPOINT, self.now, problem))

    def of(self, resource: Any, name: str) -> Object:
        return self.api.objects[resource][name]

    def names(self, resource: Any) -> list[str]:
        return sorted(self.api.objects.get(resource, {}))


@pytest.fixture
def world() -> World:
    return World(declaration(pools=workers(2)))


def state(obj: Object, type: str) -> tuple[str, str]:
    found = condition(obj, type) or {}
    return found.get("status", ""), found.get("message", "")


def test_everything_that_is_there_is_shown(world: World) -> None:
    world.turn(world.machines())
    assert world.names(kinds.MACHINES) == ["demo-control-plane-0", "demo-workers-0", "demo-workers-1"]
    root = world.of(kinds.CLUSTERS, "demo")
    assert (root["status"]["phase"], state(root, "Available")[0]) == ("Provisioned", "True")
    assert root["spec"]["controlPlaneEndpoint"] == {"host": "10.0.0.1", "port": 6443}
    assert root["status"]["workers"]["availableReplicas"] == 2
    pool = world.of(kinds.MACHINE_DEPLOYMENTS, "demo-workers")
    assert (pool["status"]["phase"], pool["status"]["upToDateReplicas"]) == ("Running", 2)
    machine = world.of(kinds.MACHINES, "demo-workers-0")
    assert machine["status"]["nodeRef"] == {"name": "demo-workers-0"}
    assert (machine["spec"]["version"], machine["spec"]["failureDomain"]) == ("v1.37", "sim-1a")
    check = world.of(kinds.MACHINE_HEALTH_CHECKS, "demo-workers")
    assert (check["status"]["expectedMachines"], check["status"]["currentHealthy"]) == (2, 2)


def test_owners_lead_from_a_machine_to_its_cluster(world: World) -> None:
    world.turn(world.machines())
    [first] = world.of(kinds.MACHINES, "demo-workers-0")["metadata"]["ownerReferences"]
    assert first["kind"] == "MachineSet"
    [second] = world.of(kinds.MACHINE_SETS, first["name"])["metadata"]["ownerReferences"]
    assert (second["kind"], second["name"]) == ("MachineDeployment", "demo-workers")
    [third] = world.of(kinds.MACHINE_DEPLOYMENTS, "demo-workers")["metadata"]["ownerReferences"]
    assert (third["kind"], third["uid"]) == ("Cluster", world.of(kinds.CLUSTERS, "demo")["metadata"]["uid"])
    [control] = world.of(kinds.MACHINES, "demo-control-plane-0")["metadata"]["ownerReferences"]
    assert control["kind"] == "CloudK8sControlPlane"


def test_nothing_is_written_while_nothing_differs(world: World) -> None:
    world.turn(world.machines())
    world.api.writes.clear()
    world.now += timedelta(minutes=5)
    world.turn(world.machines())
    assert world.api.writes == []


def test_a_machine_that_is_not_well_is_told_all_the_way_up(world: World) -> None:
    world.turn([*world.machines(control_plane=1, workers=1), world.machine("workers", 1, ready=False)])
    sick = world.of(kinds.MACHINES, "demo-workers-1")
    assert state(sick, "NodeReady") == ("False", "Node demo-workers-1: silent")
    assert state(sick, "HealthCheckSucceeded")[0] == "False"
    pool = world.of(kinds.MACHINE_DEPLOYMENTS, "demo-workers")
    assert state(pool, "Available") == ("False", "1 available replicas, at least 2 required")
    assert "* Machine demo-workers-1: Node demo-workers-1: silent" in state(pool, "MachinesReady")[1]
    assert state(pool, "Remediating")[0] == "True"
    root = world.of(kinds.CLUSTERS, "demo")
    assert state(root, "Available") == ("False", "* WorkersAvailable: 1 of 2 machines available")
    assert world.of(kinds.MACHINE_HEALTH_CHECKS, "demo-workers")["status"]["currentHealthy"] == 1


def test_the_time_of_a_condition_is_that_of_its_change(world: World) -> None:
    world.turn(world.machines())
    world.now += timedelta(minutes=5)
    world.turn([*world.machines(control_plane=1, workers=1), world.machine("workers", 1, ready=False)])
    sick = world.of(kinds.MACHINES, "demo-workers-1")
    times = {entry["type"]: entry["lastTransitionTime"] for entry in sick["status"]["conditions"]}
    assert times["Ready"] == "2026-01-01T12:05:00Z"
    assert times["InfrastructureReady"] == "2026-01-01T12:00:00Z"


def test_a_machine_that_has_not_joined_is_unknown(world: World) -> None:
    fresh = world.machine("workers", 1, minutes=1)
    world.turn([*world.machines(control_plane=1, workers=1), MachineView(fresh.machine, needs_node=True)])
    machine = world.of(kinds.MACHINES, "demo-workers-1")
    assert machine["status"]["phase"] == "Provisioned"
    assert state(machine, "NodeReady") == ("Unknown", "it has not joined the cluster yet")
    assert state(machine, "Ready")[0] == "False"


def test_objects_of_machines_go_with_them(world: World) -> None:
    world.turn(world.machines())
    world.turn(world.machines(control_plane=1, workers=1))
    assert world.names(kinds.MACHINES) == ["demo-control-plane-0", "demo-workers-0"]


def test_an_object_that_is_deleted_stays_until_its_machine_is_gone(world: World) -> None:
    world.turn(world.machines())
    world.api.doom(kinds.MACHINES, "demo-workers-1", "2026-01-01T12:00:00Z")
    going = world.machine("workers", 1, state="deleting")
    world.turn([*world.machines(control_plane=1, workers=1), going])
    assert world.of(kinds.MACHINES, "demo-workers-1")["status"]["phase"] == "Deleting"
    world.turn(world.machines(control_plane=1, workers=1))
    assert "demo-workers-1" not in world.names(kinds.MACHINES)


def test_a_new_machine_of_the_same_name_gets_an_object_of_its_own(world: World) -> None:
    world.turn(world.machines())
    before = world.of(kinds.MACHINES, "demo-workers-1")["metadata"]["uid"]
    world.api.doom(kinds.MACHINES, "demo-workers-1", "2026-01-01T11:50:00Z")
    world.turn([*world.machines(control_plane=1, workers=1), world.machine("workers", 1, minutes=1)])
    after = world.of(kinds.MACHINES, "demo-workers-1")["metadata"]
    assert after["uid"] != before
    assert "deletionTimestamp" not in after


def test_sets_of_earlier_templates_are_kept_as_history(world: World) -> None:
    world.turn(world.machines())
    for number in range(HISTORY + 3):
        world.declared = declaration(pools=workers(2, type=f"type-{number}"))
        world.turn(world.machines())
    sets = world.api.objects[kinds.MACHINE_SETS].values()
    revisions = sorted(int(each["metadata"]["annotations"][kinds.REVISION]) for each in sets)
    assert revisions == list(range(4, HISTORY + 5))
    pool = world.of(kinds.MACHINE_DEPLOYMENTS, "demo-workers")
    assert pool["metadata"]["annotations"][kinds.REVISION] == str(HISTORY + 4)


def test_a_rollout_is_shown(world: World) -> None:
    world.turn(
        [world.machine(CONTROL_PLANE, 0), world.machine("workers", 0), world.machine("workers", 1, template="x")]
    )
    pool = world.of(kinds.MACHINE_DEPLOYMENTS, "demo-workers")
    assert state(pool, "RollingOut") == ("True", "Rolling out 1 not up-to-date replicas")
    assert state(world.of(kinds.MACHINES, "demo-workers-1"), "UpToDate")[0] == "False"


def test_a_pool_that_is_no_longer_declared_goes_when_its_machines_have(world: World) -> None:
    world.turn(world.machines())
    left = world.machine("workers", 0, state="deleting")
    world.declared = declaration(pools=[])
    world.turn([world.machine(CONTROL_PLANE, 0), left])
    assert world.of(kinds.MACHINE_DEPLOYMENTS, "demo-workers")["metadata"]["deletionTimestamp"]
    world.turn([world.machine(CONTROL_PLANE, 0)])
    assert world.names(kinds.MACHINE_DEPLOYMENTS) == []


def test_a_pool_that_somebody_has_just_made_is_not_taken_away(world: World) -> None:
    world.turn(world.machines())
    fresh = {"metadata": {"name": "demo-more", "namespace": kinds.NAMESPACE}, "spec": {"replicas": 1}}
    world.api.create(kinds.MACHINE_DEPLOYMENTS, fresh)
    world.turn(world.machines())
    assert "demo-more" in world.names(kinds.MACHINE_DEPLOYMENTS)


def test_what_somebody_changes_meanwhile_is_not_overwritten(world: World) -> None:
    world.turn(world.machines())
    ledger = Ledger(world.api, "demo")  # type: ignore[arg-type]
    world.api.patch(kinds.MACHINE_DEPLOYMENTS, "demo-workers", {"spec": {"replicas": 9}})
    assert not write_declaration(ledger, declaration(pools=workers(3)), ENDPOINT)
    assert world.of(kinds.MACHINE_DEPLOYMENTS, "demo-workers")["spec"]["replicas"] == 9


def test_why_objects_are_not_followed_is_told(world: World) -> None:
    world.turn(world.machines(), problem="controlPlane.replicas: 2 machines tolerate no more failures")
    root = world.of(kinds.CLUSTERS, "demo")
    assert state(root, "TopologyReconciled") == ("False", "controlPlane.replicas: 2 machines tolerate no more failures")
    assert state(root, "Available")[0] == "False"


def test_a_cluster_does_not_delete_what_it_runs_on(world: World) -> None:
    world.turn(world.machines())
    world.api.doom(kinds.CLUSTERS, "demo")
    world.turn(world.machines(), writes=False)
    root = world.of(kinds.CLUSTERS, "demo")
    assert root["status"]["phase"] == "Deleting"
    assert "cloudk8s cluster delete demo" in state(root, "Deleting")[1]
