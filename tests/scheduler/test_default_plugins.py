"""The default plugins: which there are, where they take part, and that each alone makes a difference.

https://kubernetes.io/docs/reference/scheduling/config/#scheduling-plugins
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
import pytest

from cloudk8s.client.interface import Object
from cloudk8s.plugin.manager import Plugins
from cloudk8s.plugin.registries import SchedulerPlugins
from cloudk8s.scheduler.configuration.model import ProfileConfiguration
from cloudk8s.scheduler.framework.profile import POINTS, Profile
from cloudk8s.scheduler.plugins.catalog import BUILT_IN
from tests.scheduler.harness import REQUIRED, near, node, pod, running, spread, zone
from tests.scheduler.table import Table

DOCUMENT: Final = Path(__file__).parents[2] / "docs" / "scheduler.md"
CLAIM: Final[dict[str, Any]] = {"volumes": [{"name": "v", "persistentVolumeClaim": {"claimName": "data"}}]}
PORT: Final = ({"containerPort": 80, "hostPort": 80},)

UPSTREAM: Final = {
    # name: (weight, extension points that decide about nodes or pods)
    "SchedulingGates": (0, {"pre_enqueue"}),
    "PrioritySort": (0, {"queue_sort"}),
    "NodeUnschedulable": (0, {"filter"}),
    "NodeName": (0, {"filter"}),
    "TaintToleration": (3, {"filter", "score"}),
    "NodeAffinity": (2, {"pre_filter", "filter", "score"}),
    "NodePorts": (0, {"filter"}),
    "NodeResourcesFit": (1, {"filter", "score"}),
    "VolumeRestrictions": (0, {"filter"}),
    "NodeVolumeLimits": (0, {"filter"}),
    "VolumeBinding": (0, {"pre_filter", "filter", "reserve", "pre_bind"}),
    "VolumeZone": (0, {"filter"}),
    "PodTopologySpread": (2, {"filter", "score"}),
    "InterPodAffinity": (2, {"filter", "score"}),
    "DynamicResources": (0, {"pre_enqueue", "pre_filter", "filter", "post_filter", "reserve", "pre_bind"}),
    "NodeDeclaredFeatures": (0, {"filter"}),
    "DefaultPreemption": (0, {"post_filter"}),
    "NodeResourcesBalancedAllocation": (1, {"score"}),
    "ImageLocality": (1, {"score"}),
    "DefaultBinder": (0, {"bind"}),
}


def taking_part(profile: Profile) -> dict[str, set[str]]:
    found: dict[str, set[str]] = {}
    for point in POINTS:
        for item in getattr(profile, point):
            plugin = item[0] if point == "score" else item
            found.setdefault(plugin.name, set()).add(point)
    return found


def test_the_default_profile_has_upstreams_plugins_weights_and_points() -> None:
    profile = Table().profile
    weights: dict[str, int] = {plugin.name: weight for plugin, weight in profile.score}  # type: ignore[attr-defined]
    expected = {name: points for name, (_, points) in UPSTREAM.items()}
    assert taking_part(profile) == expected
    assert weights == {name: weight for name, (weight, _) in UPSTREAM.items() if weight}
    assert list(BUILT_IN) == list(UPSTREAM), "in upstream's order"


def test_our_own_plugins_are_off_by_default_and_can_be_had() -> None:
    registry = {entry.name for entry in Plugins.load().registry(SchedulerPlugins)}
    assert {"Interference", "Deadline"} <= registry
    assert registry.isdisjoint(taking_part(Table().profile))


@dataclass(frozen=True)
class Rejecting:
    """What the plugin, and no other, keeps the pod from node a for."""

    plugin: str
    objects: tuple[Object, ...]
    pod: Object
    reason: str


def bound(**volume: Any) -> tuple[Object, Object]:
    """The claim `data`, bound to volume v."""
    claim = {
        "apiVersion": "v1", "kind": "PersistentVolumeClaim",
        "metadata": {
            "name": "data", "namespace": "default", "annotations": {"pv.kubernetes.io/bind-completed": "yes"}
        },
        "spec": {"accessModes": ["ReadWriteOnce"], "storageClassName": "", "volumeName": "v",
                 "resources": {"requests": {"storage": "1Gi"}}},
        "status": {"phase": "Bound"},
    }  # fmt: skip
    spec = {"capacity": {"storage": "1Gi"}, "accessModes": ["ReadWriteOnce"], "storageClassName": ""}
    made = {
        "apiVersion": "v1", "kind": "PersistentVolume", "metadata": {"name": "v", "labels": volume.pop("labels", {})},
        "spec": {**spec, "claimRef": {"name": "data", "namespace": "default"}, **volume}, "status": {"phase": "Bound"},
    }  # fmt: skip
    return claim, made


def elsewhere() -> Object:
    """Node affinity of a volume that is not on node a."""
    expression = {"key": "kubernetes.io/hostname", "operator": "In", "values": ["b"]}
    return {"required": {"nodeSelectorTerms": [{"matchExpressions": [expression]}]}}


def csi_node() -> Object:
    driver = {"name": "csi.example.com", "nodeID": "a", "topologyKeys": [], "allocatable": {"count": 0}}
    return {
        "apiVersion": "storage.k8s.io/v1",
        "kind": "CSINode",
        "metadata": {"name": "a"},
        "spec": {"drivers": [driver]},
    }


def restarting(name: str) -> Object:
    """A pod that begins anew when its container ends."""
    made = pod(name)
    rule = {"action": "RestartAllContainers", "exitCodes": {"operator": "In", "values": [1]}}
    made["spec"]["containers"][0]["restartPolicyRules"] = [rule]
    return made


REJECTING: Final = (
    Rejecting(
        "NodeDeclaredFeatures", (node("a"),), restarting("p"),
        "node declared features check failed - unsatisfied requirements: RestartAllContainersOnContainerExits",
    ),
    Rejecting("NodeUnschedulable", (node("a", unschedulable=True),), pod("p"), "node(s) were unschedulable"),
    Rejecting(
        "TaintToleration", (node("a", taints=[("k", "v", "NoSchedule")]),), pod("p"), "node(s) had untolerated taint"
    ),
    Rejecting(
        "NodeAffinity", (node("a"),), pod("p", nodeSelector={"disk": "ssd"}),
        "node(s) didn't match Pod's node affinity/selector",
    ),
    Rejecting(
        "NodePorts", (node("a"), pod("q", node="a", ports=PORT)), pod("p", ports=PORT),
        "node(s) didn't have free ports for the requested pod ports",
    ),
    Rejecting("NodeResourcesFit", (node("a", cpu="1"),), pod("p", cpu="2"), "Insufficient cpu"),
    Rejecting(
        "VolumeRestrictions",
        (node("a"), pod("q", node="a", volumes=[{"name": "d", "gcePersistentDisk": {"pdName": "x"}}])),
        pod("p", volumes=[{"name": "d", "gcePersistentDisk": {"pdName": "x"}}]),
        "node(s) had no available disk",
    ),
    Rejecting(
        "NodeVolumeLimits",
        (node("a"), csi_node(), *bound(csi={"driver": "csi.example.com", "volumeHandle": "h"})),
        pod("p", **CLAIM), "node(s) exceed max volume count",
    ),
    Rejecting(
        "VolumeBinding", (node("a"), *bound(nodeAffinity=elsewhere())), pod("p", **CLAIM),
        "node(s) didn't match PersistentVolume's node affinity",
    ),
    Rejecting(
        "VolumeZone", (node("a", labels=zone("1")), *bound(labels=zone("2"))), pod("p", **CLAIM),
        "node(s) had no available volume zone",
    ),
    Rejecting(
        "PodTopologySpread", (node("a"),),
        pod("p", labels={"app": "x"}, topologySpreadConstraints=[spread("topology.kubernetes.io/zone", {"app": "x"})]),
        "node(s) didn't match pod topology spread constraints (missing required label)",
    ),
    Rejecting(
        "InterPodAffinity", (node("a"), pod("q", node="a", labels={"app": "x"})),
        pod("p", affinity={"podAntiAffinity": {REQUIRED: [near({"app": "x"}, "kubernetes.io/hostname")]}}),
        "node(s) didn't match pod anti-affinity rules",
    ),
)  # fmt: skip


@pytest.mark.parametrize("case", REJECTING, ids=lambda case: case.plugin)
def test_a_node_is_rejected_by_one_plugin_and_fits_without_it(case: Rejecting) -> None:
    assert case.reason in Table(*case.objects).why(case.pod)
    without = ProfileConfiguration.model_validate({"plugins": {"multiPoint": {"disabled": [{"name": case.plugin}]}}})
    assert Table(*case.objects, configuration=without).fits(case.pod) == {"a"}


async def test_gates_keep_pods_out_of_the_queue_and_bindings_are_posted() -> None:
    gated = pod("gated", schedulingGates=[{"name": "example.com/wait"}])
    async with running(node("a"), gated, pod("p")) as run:
        assert (run.node_of("gated"), run.node_of("p")) == ("", "a")
        assert [action.name for action in run.client.actions if action.subresource == "binding"] == ["p"]


def spent(nodes: int) -> int:
    """How many calls of filters it takes to look for one pod among so many nodes."""
    table = Table(*(node(f"n{index}", labels=zone(str(index % 3))) for index in range(nodes)))
    calls = 0

    def counting(call: Callable[..., Any]) -> Callable[..., Any]:
        def counted(*arguments: Any) -> Any:
            nonlocal calls
            calls += 1
            return call(*arguments)

        return counted

    asked: list[tuple[Any, str]] = [(plugin, "filter") for plugin in table.profile.filter]
    for plugin, point in (*asked, *((plugin, "score") for plugin, _ in table.profile.score)):
        setattr(plugin, point, counting(getattr(plugin, point)))
    assert len(table.fits(pod("p", cpu="1"))) == nodes
    return calls


def test_filters_are_asked_as_often_for_many_nodes_as_for_few() -> None:
    assert spent(10) == spent(1000)


def test_nodes_are_columns_that_follow_changes_one_by_one() -> None:
    table = Table(*(node(f"n{index}") for index in range(50)))
    columns = table.cluster.nodes
    free = columns.free
    slot = columns.slot("n7")
    before = free[:, : columns.size].copy()
    table.put(pod("p", cpu="1", node="n7"))
    assert columns.free is free, "the same arrays"
    changed = np.flatnonzero((before != free[:, : columns.size]).any(axis=0))
    assert changed.tolist() == [slot]


def test_the_documentation_says_where_each_concern_lives() -> None:
    table = DOCUMENT.read_text().split("## Where each concern lives")[1].split("\n\n")[0]
    rows = {line.split("|")[1].strip(): line for line in table.splitlines() if line.startswith("| ")}
    for concern in (
        "resource requirements", "hardware", "software and policy", "affinity and anti-affinity",
        "data locality: volumes", "data locality: images", "interference between workloads", "deadlines", "importance",
    ):  # fmt: skip
        assert concern in rows
    named = set(re.findall(r"`([A-Z][A-Za-z]+)`", " ".join(line.split("|")[3] for line in rows.values())))
    known = {*BUILT_IN, "Interference", "Deadline"}
    assert named <= known
    assert known - named <= {"NodeName", "DefaultBinder"}, "a plugin that no concern is told of"
