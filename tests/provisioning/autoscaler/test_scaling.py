"""What is gathered of a cluster, and what comes of it."""

from __future__ import annotations

from typing import Any

from cloudk8s.client.interface import Resource
from cloudk8s.cloud.model.machine import Machine, MachineType
from cloudk8s.cloud.stack.interface import Observation
from cloudk8s.provisioning.autoscaler.consolidation import Removal
from cloudk8s.provisioning.autoscaler.decision import Decision
from cloudk8s.provisioning.autoscaling import Unneeded
from cloudk8s.provisioning.declaration.cluster import ClusterDeclaration
from cloudk8s.provisioning.machines.priority import victims
from cloudk8s.provisioning.machines.view import MachineView, NodeState
from cloudk8s.provisioning.scaling import Outlook, outlook, replicas_after
from cloudk8s.provisioning.state import State
from tests.provisioning.autoscaler.objects import pod
from tests.provisioning.autoscaler.test_volumes import DRIVER, claim, kind, volume

UNSCHEDULABLE = {
    "phase": "Pending",
    "conditions": [{"type": "PodScheduled", "status": "False", "reason": "Unschedulable"}],
}


class Account:
    """A site with two types of machines."""

    cluster = "demo"

    class machines:
        @staticmethod
        def types() -> list[MachineType]:
            return [MachineType("s", 2, 8 << 30, zones=("a",), price_per_hour=0.1),
                    MachineType("l", 8, 32 << 30, zones=("a", "b"), price_per_hour=0.4)]  # fmt: skip


class Api:
    """A cluster's objects by plural."""

    def __init__(self, **objects: list[Any]) -> None:
        self._objects = objects

    def list(self, resource: Resource) -> list[Any]:
        return self._objects.get(resource.plural, [])


def declared(*pools: dict[str, Any]) -> ClusterDeclaration:
    return ClusterDeclaration.model_validate({"name": "demo", "provider": "simulated", "pools": list(pools)})


def waiting(name: str, **fields: Any) -> Any:
    return pod(name, **fields) | {"status": UNSCHEDULABLE}


def node(name: str, number: int, **spec: Any) -> Any:
    status = {
        "allocatable": {"cpu": "2", "memory": "8Gi", "pods": "110"},
        "conditions": [{"type": "Ready", "status": "True"}],
    }
    return {
        "metadata": {"name": name, "labels": {}},
        "spec": {"providerID": f"c:///{number}", **spec},
        "status": status,
    }


def look(declaration: ClusterDeclaration, machines: int, **objects: list[Any]) -> Outlook:
    views = tuple(
        MachineView(
            Machine(f"m{number}", f"u{number}", f"m{number}", "demo", "running", f"c:///{number}", pool="workers")
        )
        for number in range(machines)
    )
    state = State(Observation(()), views, declaration)
    return outlook(Account(), state, Api(**objects))  # type: ignore[arg-type]


def test_pools_with_a_maximum_grow_for_pods_that_the_scheduler_refused() -> None:
    cluster = declared({"name": "workers", "type": "l", "replicas": 0, "max": 5})
    pods = [*(waiting(f"p{number}", cpu="4") for number in range(3)), pod("new") | {"status": {"phase": "Pending"}}]
    found = look(cluster, 0, pods=pods)
    assert replicas_after(cluster, found.decision) == {"workers": 2}
    assert found.lines()[0] == "pool workers: 2 × l in a for 3 pods"


def test_other_pools_stay_as_they_are() -> None:
    cluster = declared({"name": "workers", "type": "l", "replicas": 1})
    found = look(cluster, 0, pods=[waiting("p")])
    assert found.decision.refused[0].reason == "no pool may grow"
    assert replicas_after(cluster, found.decision) == {}


def test_a_pool_that_has_a_node_offers_what_that_one_has_without_its_daemons() -> None:
    cluster = declared({"name": "workers", "type": "s", "replicas": 1, "max": 9})
    daemon = pod("agent", cpu="500m", owner="DaemonSet", nodeName="n0") | {"status": {"phase": "Running"}}
    full = pod("old", cpu="1500m", nodeName="n0") | {"status": {"phase": "Running"}}
    found = look(
        cluster, 1, nodes=[node("n0", 0)], pods=[daemon, full, *(waiting(f"p{n}", cpu="1500m") for n in range(2))]
    )
    assert replicas_after(cluster, found.decision) == {"workers": 3}


def daemons(name: str, cpu: str, **spec: Any) -> Any:
    return {
        "metadata": {"name": name, "namespace": "d"},
        "spec": {"template": {"spec": pod(name, cpu=cpu, **spec)["spec"]}},
    }


def test_a_pool_without_nodes_offers_its_type_less_the_daemons_that_would_run_there() -> None:
    cluster = declared({"name": "workers", "type": "s", "replicas": 0, "max": 9, "labels": {"tier": "web"}})
    sets = [daemons("agent", "600m"), daemons("elsewhere", "1", nodeSelector={"tier": "db"})]
    found = look(cluster, 0, pods=[waiting(f"p{n}", cpu="700m") for n in range(3)], daemonsets=sets)
    assert replicas_after(cluster, found.decision) == {"workers": 2}
    assert look(cluster, 0, pods=[waiting("p", cpu="1500m")], daemonsets=sets).decision.refused


def test_daemons_of_one_name_in_two_namespaces_are_two() -> None:
    cluster = declared({"name": "workers", "type": "s", "replicas": 1, "max": 9})
    there = pod("agent-x", "600m", app="agent", owner="DaemonSet", nodeName="n0") | {"status": {"phase": "Running"}}
    same, other = daemons("agent", "600m"), daemons("agent", "600m")
    other["metadata"]["namespace"] = "e"
    pods = [there, *(waiting(f"p{number}", cpu="1200m") for number in range(2))]
    assert len(look(cluster, 1, nodes=[node("n0", 0)], pods=pods, daemonsets=[same]).decision.machines) == 1
    assert not look(cluster, 1, nodes=[node("n0", 0)], pods=pods, daemonsets=[same, other]).decision.machines


def test_new_nodes_are_called_by_their_own_zone_and_not_like_another_node() -> None:
    cluster = declared({"name": "workers", "type": "l", "replicas": 1, "max": 9})
    there = node("n0", 0)
    there["metadata"]["labels"] = {
        "topology.kubernetes.io/zone": "a", "topology.csi.example.com/zone": "a", "topology.csi.example.com/node": "n0",
    }  # fmt: skip
    zonal = waiting("p", cpu="1", nodeSelector={"topology.csi.example.com/zone": "b"})
    local = waiting("q", cpu="4", nodeSelector={"topology.csi.example.com/node": "n0"})
    found = look(cluster, 1, nodes=[there], pods=[zonal, local])
    assert [(each.offer.zone, each.pods) for each in found.decision.machines] == [("b", ("d/p",))]
    assert found.decision.refused[0].pods == ("d/q",)


def test_storage_is_asked_for_where_pods_have_claims() -> None:
    cluster = declared({"name": "workers", "type": "l", "replicas": 0, "max": 9})
    volumes = [{"name": "v", "persistentVolumeClaim": {"claimName": "c"}}]
    bound = claim("c", bound="v")
    place = volume("v", "b")
    found = look(cluster, 0, pods=[waiting("p", volumes=volumes)], persistentvolumeclaims=[bound],
                 persistentvolumes=[place])  # fmt: skip
    assert [each.offer.zone for each in found.decision.machines] == ["b"]


def test_limits_of_volumes_are_those_that_nodes_report() -> None:
    cluster = declared({"name": "workers", "type": "s", "replicas": 1, "max": 9})
    report = {"metadata": {"name": "n0"}, "spec": {"drivers": [{"name": DRIVER, "allocatable": {"count": 1}}]}}
    pods = [
        waiting(f"p{n}", cpu="100m", volumes=[{"name": "v", "persistentVolumeClaim": {"claimName": f"c{n}"}}])
        for n in range(3)
    ]
    claims = [claim(f"c{n}") for n in range(3)]
    found = look(cluster, 1, nodes=[node("n0", 0)], pods=pods, csinodes=[report], persistentvolumeclaims=claims,
                 storageclasses=[kind("late")])  # fmt: skip
    assert (len(found.decision.fitting), len(found.decision.machines)) == (1, 2)


def test_pods_that_room_is_made_for_and_pods_that_go_need_no_machine() -> None:
    cluster = declared({"name": "workers", "type": "s", "replicas": 0, "max": 9})
    nominated, going = waiting("p"), waiting("q")
    nominated["status"] = {**UNSCHEDULABLE, "nominatedNodeName": "n0"}
    going["metadata"]["deletionTimestamp"] = "2026-01-01T00:00:00Z"
    assert not look(cluster, 0, pods=[nominated, going]).decision.machines


def test_a_node_has_room_although_a_taint_of_its_beginning_is_still_there() -> None:
    cluster = declared({"name": "workers", "type": "s", "replicas": 1, "max": 9})
    fresh, other = ({"key": key, "effect": "NoSchedule"} for key in ("node.kubernetes.io/not-ready", "dedicated"))
    assert not look(cluster, 1, nodes=[node("n0", 0, taints=[fresh])], pods=[waiting("p")]).decision.machines
    assert look(cluster, 1, nodes=[node("n0", 0, taints=[other])], pods=[waiting("p")]).decision.machines


def test_a_node_may_say_that_it_stays() -> None:
    cluster = declared({"name": "workers", "type": "s", "replicas": 1, "max": 9})
    there = node("n0", 0)
    there["metadata"]["annotations"] = {"cluster-autoscaler.kubernetes.io/scale-down-disabled": "true"}
    assert "scale-down-disabled" in look(cluster, 1, nodes=[there]).kept[0].reason


def test_empty_nodes_above_the_minimum_can_go_and_budgets_hold_others() -> None:
    cluster = declared({"name": "workers", "type": "s", "replicas": 3, "min": 1, "max": 9})
    guarded = pod("db", app="db", nodeName="n0") | {"status": {"phase": "Running"}}
    budget = {
        "metadata": {"name": "db", "namespace": "d"}, "spec": {"selector": {"matchLabels": {"app": "db"}}},
        "status": {"disruptionsAllowed": 0},
    }  # fmt: skip
    nodes = [node(f"n{number}", number) for number in range(3)]
    found = look(cluster, 3, nodes=nodes, pods=[guarded], poddisruptionbudgets=[budget])
    assert [each.node for each in found.removals] == ["n1", "n2"]
    assert [(each.node, each.reason) for each in found.kept] == [("n0", "pool workers may not lose another machine")]
    assert replicas_after(cluster, Decision(), found.removals) == {"workers": 1}


def test_nodes_go_only_after_they_were_not_needed_for_long_enough() -> None:
    patience, removal = Unneeded(60), Removal("n", "workers", ())
    assert patience.over([removal], 0) == []
    assert patience.over([removal], 59) == []
    assert patience.over([removal], 60) == [removal]
    assert patience.over([], 61) == []
    assert patience.over([removal], 120) == []


def test_a_marked_node_is_the_one_that_goes() -> None:
    def view(name: str, **annotations: str) -> MachineView:
        return MachineView(Machine(name, name, name, "demo", "running"), NodeState(name, True, annotations=annotations))

    marked = view("b", **{"cluster.x-k8s.io/delete-machine": "true"})
    assert victims([view("a"), marked, view("c")], 1, order="Oldest", now=None) == [marked]  # type: ignore[arg-type]
