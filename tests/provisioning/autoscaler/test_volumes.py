"""Machines are made where volumes are, or can be; and only so many volumes go to one."""

from __future__ import annotations

from typing import Any

from cloudk8s.client.interface import Object
from cloudk8s.provisioning.autoscaler.consolidation import removable
from cloudk8s.provisioning.autoscaler.decision import Decision
from cloudk8s.provisioning.autoscaler.demand import Surroundings
from cloudk8s.provisioning.autoscaler.packing import decide
from cloudk8s.provisioning.autoscaler.volumes import ATTACHED, Volumes
from tests.provisioning.autoscaler.objects import ZONE, node, offer, pod

DRIVER = "csi.example.com"
ZONES = [offer(f"m-{zone}", zone=zone, price=price) for zone, price in (("a", 0.1), ("b", 0.2), ("c", 0.3))]


def kind(name: str, provisioner: str = DRIVER, mode: str = "WaitForFirstConsumer", *zones: str) -> Object:
    topologies = [{"matchLabelExpressions": [{"key": ZONE, "values": list(zones)}]}] if zones else []
    return {
        "kind": "StorageClass", "metadata": {"name": name}, "provisioner": provisioner, "volumeBindingMode": mode,
        "allowedTopologies": topologies,
    }  # fmt: skip


def volume(name: str, zone: str = "", cls: str = "late", phase: str = "Available", **labels: str) -> Object:
    term = {"matchExpressions": [{"key": ZONE, "operator": "In", "values": [zone]}]}
    affinity = {"nodeAffinity": {"required": {"nodeSelectorTerms": [term]}}} if zone else {}
    return {
        "kind": "PersistentVolume", "metadata": {"name": name, "labels": labels}, "status": {"phase": phase},
        "spec": {"capacity": {"storage": "5Gi"}, "storageClassName": cls, "accessModes": ["ReadWriteOnce"],
                 "csi": {"driver": DRIVER, "volumeHandle": name}, **affinity},
    }  # fmt: skip


def claim(name: str, cls: str = "late", bound: str = "", mode: str = "ReadWriteOnce", **annotations: str) -> Object:
    notes = {**annotations, **({"pv.kubernetes.io/bind-completed": "yes"} if bound else {})}
    spec = {"storageClassName": cls, "accessModes": [mode], "resources": {"requests": {"storage": "1Gi"}}}
    metadata = {"name": name, "namespace": "d", "uid": name, "annotations": notes}
    return {
        "kind": "PersistentVolumeClaim", "metadata": metadata, "spec": {**spec, "volumeName": bound}, "status": {},
    }  # fmt: skip


def user(name: str, *claims: str, **fields: Any) -> Any:
    volumes = [{"name": f"v{each}", "persistentVolumeClaim": {"claimName": each}} for each in claims]
    return pod(name, volumes=volumes, **fields)


def storage(*objects: Object, running: tuple[Object, ...] = ()) -> Surroundings:
    def of(kind: str) -> list[Object]:
        return [each for each in objects if each["kind"] == kind]

    return Surroundings(
        Volumes.of(
            of("PersistentVolumeClaim"), of("PersistentVolume"), of("StorageClass"), of("CSIDriver"),
            of("CSIStorageCapacity"), running,
        )
    )  # fmt: skip


def zones(decision: Decision) -> list[str]:
    return [machine.offer.zone for machine in decision.machines]


def refusal(*objects: Object, pod: Object | None = None, running: tuple[Object, ...] = ()) -> str:
    decision = decide([pod or user("p", "c")], [], ZONES, storage(*objects, running=running))
    assert not decision.machines
    return decision.refused[0].reason


def test_a_machine_is_made_where_the_volume_is() -> None:
    decision = decide([user("p", "c")], [], ZONES, storage(claim("c", bound="v"), volume("v", "b")))
    assert zones(decision) == ["b"]


def test_zone_labels_of_a_volume_count_as_well() -> None:
    labelled = volume("v", **{ZONE: "c__b"})
    assert zones(decide([user("p", "c")], [], ZONES, storage(claim("c", bound="v"), labelled))) == ["b"]


def test_a_machine_is_made_where_the_class_lets_volumes_be_made() -> None:
    decision = decide(
        [user("p", "c")], [], ZONES, storage(claim("c"), kind("late", DRIVER, "WaitForFirstConsumer", "c"))
    )
    assert zones(decision) == ["c"]


def test_volumes_in_zones_where_no_machine_can_be_are_told() -> None:
    objects = claim("c", bound="v"), volume("v", "z")
    assert refusal(*objects) == "0/3 kinds of machines help: 3 had volume node affinity conflict"


def test_each_free_volume_serves_one_claim() -> None:
    objects = [kind("late", "kubernetes.io/no-provisioner"), volume("v1", "b"), volume("v2", "c")]
    objects += [claim(name) for name in "xyz"]
    decision = decide([user(f"p-{name}", name) for name in "xyz"], [], ZONES, storage(*objects))
    assert sorted(zones(decision)) == ["b", "c"]
    assert [each.reason for each in decision.refused] == [
        'persistentvolumeclaim "z" finds no volume of class late that is free'
    ]


def test_no_machine_helps_a_claim_that_nobody_can_use() -> None:
    assert refusal() == 'persistentvolumeclaim "c" not found'
    assert refusal(claim("c", "now"), kind("now", mode="Immediate")) == (
        'persistentvolumeclaim "c" is not bound yet, and waits for no pod'
    )
    assert refusal(claim("c", bound="gone")) == 'persistentvolumeclaim "c" has lost its volume'
    other = user("other", "c", nodeName="n")
    single = claim("c", bound="v", mode="ReadWriteOncePod")
    assert "in use by the one pod" in refusal(single, volume("v"), running=(other,))


def test_space_counts_where_the_driver_reports_it() -> None:
    driver = {"kind": "CSIDriver", "metadata": {"name": DRIVER}, "spec": {"storageCapacity": True}}
    space = {
        "kind": "CSIStorageCapacity", "metadata": {"name": "s"}, "storageClassName": "late", "capacity": "9Gi",
        "nodeTopology": {"matchLabels": {ZONE: "b"}},
    }  # fmt: skip
    assert zones(decide([user("p", "c")], [], ZONES, storage(claim("c"), kind("late"), driver, space))) == ["b"]
    assert "more space than" in refusal(claim("c"), kind("late"), driver, {**space, "capacity": "1Mi"})


def test_only_so_many_volumes_go_to_a_machine() -> None:
    small = offer("m", allocatable_more={ATTACHED + DRIVER: 2})
    objects = [kind("late"), *(claim(f"c{number}") for number in range(5))]
    users = [user(f"p{number}", f"c{number}", cpu="100m") for number in range(5)]
    assert len(decide(users, [], [small], storage(*objects)).machines) == 3
    assert len(decide(users, [], [offer("m")], storage(*objects)).machines) == 1


def test_pods_whose_volumes_ask_the_same_are_decided_together() -> None:
    objects = [kind("late"), *(claim(f"c{number}") for number in range(50))]
    decision = decide(
        [user(f"p{number}", f"c{number}", cpu="99") for number in range(50)], [], ZONES, storage(*objects)
    )
    assert len(decision.refused) == 1


def test_nodes_are_not_taken_away_from_volumes() -> None:
    around = storage(claim("c", bound="v"), volume("v", "a"))
    nodes = [node("n", user("p", "c"), zone="a"), node("other", pod("q"), zone="b", cpus=64)]
    _, kept = removable(nodes, {"m": 2}, None, around)
    assert (kept[0].node, kept[0].reason) == ("n", "its pods do not all fit elsewhere")
    removals, _ = removable([nodes[0], node("same", pod("q"), zone="a")], {"m": 2}, None, around)
    assert [each.node for each in removals] == ["n"]
