"""Queueing hints of the default plugins: a pod waits until something happens that may help it, and no longer."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any

import pytest

from cloudk8s.client.interface import DeleteOptions, Object
from cloudk8s.client.resources import NODES, PODS
from cloudk8s.scheduler.plugins.catalog import BUILT_IN
from tests.scheduler.harness import NS, REQUIRED, Harness, near, node, pod, running, spread
from tests.scheduler.table import Table

Step = Callable[[Harness], Awaitable[Any]]
CLAIM: dict[str, Any] = {"volumes": [{"name": "v", "persistentVolumeClaim": {"claimName": "data"}}]}
PORT = ({"containerPort": 80, "hostPort": 80},)
ZONE = "topology.kubernetes.io/zone"


@dataclass(frozen=True)
class Case:
    """A pod that a plugin keeps waiting, what does not help it, and what does."""

    plugin: str
    objects: tuple[Object, ...]
    waiting: Object
    useless: Step
    helpful: Step


def label(**labels: str) -> Step:
    found = {name.replace("__", "/").replace("_", "."): value for name, value in labels.items()}
    return lambda run: run.client.patch(NODES, "a", {"metadata": {"labels": found}})


def change_node(patch: Object) -> Step:
    return lambda run: run.patch_node("a", patch)


def change_pod(patch: Object) -> Step:
    return lambda run: run.client.patch(PODS, "p", patch, namespace=NS)


def delete(name: str) -> Step:
    now = DeleteOptions(grace_period_seconds=0)
    return lambda run: run.client.delete(PODS, name, namespace=NS, options=now)


def add(*objects: Object) -> Step:
    async def step(run: Harness) -> None:
        for obj in objects:
            run.client.add(obj)

    return step


def claim(name: str, *, volume: str = "", mode: str = "ReadWriteOnce") -> Object:
    spec = {"accessModes": [mode], "resources": {"requests": {"storage": "1Gi"}}, "storageClassName": ""}
    return {
        "apiVersion": "v1", "kind": "PersistentVolumeClaim",
        "metadata": {"name": name, "namespace": NS, "annotations": {"pv.kubernetes.io/bind-completed": "yes"}},
        "spec": {**spec, **({"volumeName": volume} if volume else {})},
        "status": {"phase": "Bound" if volume else "Pending"},
    }  # fmt: skip


def volume(name: str, labels: Mapping[str, str] | None = None) -> Object:
    spec = {"capacity": {"storage": "1Gi"}, "accessModes": ["ReadWriteOnce", "ReadWriteOncePod"]}
    return {
        "apiVersion": "v1", "kind": "PersistentVolume", "metadata": {"name": name, "labels": dict(labels or {})},
        "spec": {**spec, "storageClassName": "", "claimRef": {"name": "data", "namespace": NS}},
        "status": {"phase": "Bound"},
    }  # fmt: skip


def on_a(name: str, **fields: Any) -> Object:
    return pod(name, node="a", **fields)


CASES = (
    Case(
        "NodeDeclaredFeatures", (node("a"),), pod("p", hostNetwork=True, hostUsers=False),
        label(x="y"), change_node({"status": {"declaredFeatures": ["UserNamespacesHostNetworkSupport"]}}),
    ),
    Case(
        "NodeResourcesFit", (node("a", cpu="1"),), pod("p", cpu="2"),
        label(x="y"), change_node({"status": {"allocatable": {"cpu": "4"}}}),
    ),
    Case("NodeAffinity", (node("a"),), pod("p", nodeSelector={"disk": "ssd"}), label(x="y"), label(disk="ssd")),
    Case(
        "NodeUnschedulable", (node("a", unschedulable=True),), pod("p"),
        label(x="y"), change_node({"spec": {"unschedulable": None}}),
    ),
    Case(
        "TaintToleration", (node("a", taints=[("k", "v", "NoSchedule")]),), pod("p"),
        label(x="y"), change_node({"spec": {"taints": None}}),
    ),
    Case(
        "NodePorts", (node("a"), on_a("user", ports=PORT), on_a("other")), pod("p", ports=PORT),
        delete("other"), delete("user"),
    ),
    Case(
        "PodTopologySpread", (node("a"),),
        pod("p", labels={"app": "x"}, topologySpreadConstraints=[spread(ZONE, {"app": "x"})]),
        change_node({"status": {"allocatable": {"cpu": "9"}}}), label(topology_kubernetes_io__zone="z"),
    ),
    Case(
        "InterPodAffinity", (node("a"),),
        pod("p", affinity={"podAffinity": {REQUIRED: [near({"app": "db"}, "kubernetes.io/hostname")]}}),
        add(on_a("web", labels={"app": "web"})), add(on_a("db", labels={"app": "db"})),
    ),
    Case(
        "SchedulingGates", (node("a"),), pod("p", schedulingGates=[{"name": "example.com/wait"}]),
        change_pod({"metadata": {"labels": {"x": "y"}}}), change_pod({"spec": {"schedulingGates": None}}),
    ),
    Case(
        "VolumeBinding", (node("a"),), pod("p", **CLAIM),
        add(claim("other", volume="v2")), add(volume("v1"), claim("data", volume="v1")),
    ),
    Case(
        "VolumeRestrictions",
        (node("a"), volume("v1"), claim("data", volume="v1", mode="ReadWriteOncePod"), on_a("user", **CLAIM),
         on_a("other")),
        pod("p", **CLAIM), delete("other"), delete("user"),
    ),
    Case(
        "VolumeZone",
        (node("a", labels={ZONE: "z1"}), volume("v1", {ZONE: "z2"}), claim("data", volume="v1")),
        pod("p", **CLAIM), change_node({"status": {"allocatable": {"cpu": "9"}}}),
        label(topology_kubernetes_io__zone="z2"),
    ),
)  # fmt: skip


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.plugin)
async def test_a_pod_is_tried_again_when_that_may_help(case: Case) -> None:
    async with running(*case.objects, case.waiting) as run:
        entry = run.scheduler.queue.get(f"{NS}/p")
        assert entry is not None
        assert case.plugin in entry.rejected_by
        attempts = entry.attempts
        await case.useless(run)
        await run.settle(12)
        assert (entry.attempts, run.node_of("p")) == (attempts, "")
        await case.helpful(run)
        await run.settle(12)
        assert run.node_of("p") == "a"


def test_every_default_plugin_that_rejects_says_what_may_help() -> None:
    interests = Table().profile.interests
    rejecting = {plugin.name for plugin in (*Table().profile.filter, *Table().profile.pre_enqueue)}  # type: ignore[attr-defined]
    assert rejecting <= set(BUILT_IN)
    assert {name for name in rejecting if not interests[name]} == set()
