"""What is decided can be scheduled: the scheduler's own filters are asked."""

from __future__ import annotations

from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from cloudk8s.client.interface import Object
from cloudk8s.provisioning.autoscaler.demand import Surroundings
from cloudk8s.provisioning.autoscaler.packing import decide
from cloudk8s.provisioning.autoscaler.volumes import Volumes
from tests.provisioning.autoscaler.objects import HOSTNAME, ZONE, anti, near, node, offer, pod, spread
from tests.provisioning.autoscaler.scheduling import misplaced

RACK = "example.com/rack"
OFFERS = [
    offer("small-a", 2, 8, 0.1, "a", labels={RACK: "1"}),
    offer("big-a", 8, 32, 0.35, "a", labels={RACK: "2"}),
    offer("small-b", 2, 8, 0.1, "b", labels={RACK: "1"}, room=2),
    offer("big-b", 8, 32, 0.4, "b", labels={RACK: "3"}),
    offer("tainted-c", 8, 32, 0.1, "c", labels={RACK: "4"}, taints=("only",)),
]
ANYWHERE = [{"operator": "Exists"}]
FILTERS: dict[str, dict[str, Any]] = {
    "plain": {},
    "alone": {"affinity": anti(HOSTNAME, "alone")},
    "alone-in-zone": {"affinity": anti(ZONE, "alone-in-zone")},
    "alone-in-rack": {"affinity": anti(RACK, "alone-in-rack"), "tolerations": ANYWHERE},
    "shy": {"affinity": anti(RACK, "plain")},
    "together": {"affinity": near(ZONE, "together")},
    "racked": {"affinity": near(RACK, "racked")},
    "follower": {"affinity": near(RACK, "zonal")},
    "zonal": {"topologySpreadConstraints": spread(ZONE, 1, "zonal")},
    "zonal-by-taints": {
        "topologySpreadConstraints": [{**spread(ZONE, 1, "zonal-by-taints")[0], "nodeTaintsPolicy": "Honor"}]
    },
    "everywhere": {"topologySpreadConstraints": spread(ZONE, 1, "everywhere"), "tolerations": ANYWHERE},
    "in-zone-a": {
        "topologySpreadConstraints": spread(ZONE, 1, "in-zone-a"), "nodeSelector": {ZONE: "a"},
    },
    "at-least-three": {"topologySpreadConstraints": [{**spread(ZONE, 1, "at-least-three")[0], "minDomains": 3}]},
    "over-racks": {"topologySpreadConstraints": [*spread(RACK, 2, "over-racks"), *spread(ZONE, 1, "over-racks")]},
    "by-others": {"topologySpreadConstraints": spread(RACK, 1, "plain")},
    "careless": {
        "topologySpreadConstraints": [{**spread(ZONE, 1, "careless")[0], "nodeAffinityPolicy": "Ignore"}],
        "nodeSelector": {ZONE: "b"},
    },
}  # fmt: skip
VOLUMES = ("", "", "", "zonal", "late", "bound")


def storage(names: list[str], kinds: list[str]) -> list[Object]:
    """Claims of pods, each of one kind, with their volumes and classes."""
    topology = [{"matchLabelExpressions": [{"key": ZONE, "values": ["b"]}]}]
    found: list[Object] = [_class("late"), _class("zonal", allowedTopologies=topology)]
    for name, kind in zip(names, kinds, strict=True):
        if kind == "bound":
            term = {"matchExpressions": [{"key": ZONE, "operator": "In", "values": ["a"]}]}
            spec = {"nodeAffinity": {"required": {"nodeSelectorTerms": [term]}}, "capacity": {"storage": "1Gi"},
                    "storageClassName": "late", "csi": {"driver": "csi.example.com", "volumeHandle": name}}  # fmt: skip
            found.append({"apiVersion": "v1", "kind": "PersistentVolume", "metadata": {"name": name}, "spec": spec})
        if kind:
            found.append(claim(name, "zonal" if kind == "zonal" else "late", name if kind == "bound" else ""))
    return found


def claim(name: str, kind: str, volume: str = "") -> Object:
    spec = {"storageClassName": kind, "accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}}
    notes = {"pv.kubernetes.io/bind-completed": "yes"} if volume else {}
    return {
        "apiVersion": "v1", "kind": "PersistentVolumeClaim",
        "metadata": {"name": name, "namespace": "d", "uid": name, "annotations": notes},
        "spec": {**spec, **({"volumeName": volume} if volume else {})}, "status": {},
    }  # fmt: skip


def _class(name: str, **more: Any) -> Object:
    return {
        "apiVersion": "storage.k8s.io/v1", "kind": "StorageClass", "metadata": {"name": name},
        "provisioner": "csi.example.com", "volumeBindingMode": "WaitForFirstConsumer", **more,
    }  # fmt: skip


def around(objects: list[Object]) -> Surroundings:
    by_kind: dict[str, list[Object]] = {}
    for each in objects:
        by_kind.setdefault(each["kind"], []).append(each)
    kinds = ("PersistentVolumeClaim", "PersistentVolume", "StorageClass")
    return Surroundings(Volumes.of(*(by_kind.get(kind, []) for kind in kinds)))


def made(kind: str, number: int, cpu: str, volume: str, port: int) -> Any:
    name = f"{kind}-{number}"
    fields = dict(FILTERS[kind])
    if volume:
        fields["volumes"] = [{"name": "v", "persistentVolumeClaim": {"claimName": name}}]
    found = pod(name, cpu=cpu, app=kind, **fields)
    if port:
        found["spec"]["containers"][0]["ports"] = [{"containerPort": port, "hostPort": port}]
    return found


ONE = st.tuples(
    st.sampled_from(sorted(FILTERS)), st.integers(1, 6), st.sampled_from(["250m", "1", "3"]), st.sampled_from(VOLUMES),
    st.sampled_from([0, 0, 0, 9100, 9200]),
)  # fmt: skip


@settings(max_examples=60, deadline=None)
@given(st.lists(ONE, min_size=1, max_size=5), st.lists(ONE, max_size=3), st.booleans())
def test_every_planned_place_passes_all_filters(wanted: list[Any], running: list[Any], closed: bool) -> None:
    asked, kinds, there = [], [], []
    for place, (kind, count, cpu, volume, port) in enumerate(wanted):
        for number in range(count):
            asked.append(made(kind, 100 * place + number, cpu, volume, port))
            kinds.append(volume)
    for place, (kind, _, _, _, _) in enumerate(running):
        there.append(made(kind, 1000 + place, "250m", "", 0))
    nodes = [
        node("n0", *there[:2], zone="a", labels={RACK: "1"}),
        node("n1", *there[2:], zone="b", labels={RACK: "3"}, accepts=not closed),
    ]
    objects = storage([each["metadata"]["name"] for each in asked], kinds)
    decision = decide(asked, nodes, OFFERS, around(objects))
    told = [key for machine in decision.machines for key in machine.pods] + [key for key, _ in decision.fitting]
    told += [key for each in decision.refused for key in each.pods]
    assert sorted(told) == sorted(f"d/{each['metadata']['name']}" for each in asked), "every pod is told of once"
    assert misplaced(decision, asked, nodes, objects) == {}


def test_who_is_near_others_goes_after_them_when_their_spread_is_evened_out() -> None:
    """A zone that comes into being later, and that they may not use, takes places from pods that are spread."""
    wanted = [("plain", 3, "3"), ("follower", 1, "250m"), ("zonal", 3, "1"), ("alone-in-rack", 3, "250m")]
    asked = [
        made(kind, 100 * place + number, cpu, "", 0)
        for place, (kind, count, cpu) in enumerate(wanted) for number in range(count)
    ]  # fmt: skip
    nodes = [node("n0", zone="a", labels={RACK: "1"}), node("n1", zone="b", labels={RACK: "3"})]
    decision = decide(asked, nodes, OFFERS)
    assert misplaced(decision, asked, nodes) == {}
