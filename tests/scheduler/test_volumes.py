"""Volumes: where a pod may go because of its claims, and what is bound for it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from cloudk8s.client.interface import DeleteOptions, Object
from cloudk8s.client.resources import PERSISTENT_VOLUME_CLAIMS, PERSISTENT_VOLUMES, PODS
from cloudk8s.scheduler.configuration.model import SchedulerConfiguration
from tests.scheduler.harness import NS, Harness, node, pod, running, zone
from tests.scheduler.table import Table

BOUND = {"pv.kubernetes.io/bind-completed": "yes"}


def storage_class(
    name: str, *, mode: str = "WaitForFirstConsumer", provisioner: str = "csi.example.com", **more: Any
) -> Object:
    metadata = {"name": name}
    return {
        "apiVersion": "storage.k8s.io/v1", "kind": "StorageClass", "metadata": metadata, "provisioner": provisioner,
        "volumeBindingMode": mode, **more,
    }  # fmt: skip


def claim(
    name: str, *, cls: str = "late", size: str = "1Gi", volume: str = "", modes: tuple[str, ...] = ("ReadWriteOnce",),
    annotations: Mapping[str, str] | None = None, **metadata: Any,
) -> Object:  # fmt: skip
    spec: Object = {"storageClassName": cls, "accessModes": list(modes), "resources": {"requests": {"storage": size}}}
    notes = {**(annotations or {}), **(BOUND if volume else {})}
    return {
        "apiVersion": "v1",
        "kind": "PersistentVolumeClaim",
        "metadata": {"name": name, "namespace": NS, "annotations": notes, **metadata},
        "spec": spec | ({"volumeName": volume} if volume else {}),
        "status": {"phase": "Bound" if volume else "Pending"},
    }


def volume(
    name: str, *, nodes: tuple[str, ...] = (), cls: str = "late", size: str = "1Gi", phase: str = "Available",
    labels: Mapping[str, str] | None = None, modes: tuple[str, ...] = ("ReadWriteOnce",), **spec: Any,
) -> Object:  # fmt: skip
    affinity: Object = {}
    if nodes:
        expression = {"key": "kubernetes.io/hostname", "operator": "In", "values": list(nodes)}
        affinity = {"nodeAffinity": {"required": {"nodeSelectorTerms": [{"matchExpressions": [expression]}]}}}
    return {
        "apiVersion": "v1",
        "kind": "PersistentVolume",
        "metadata": {"name": name, "labels": dict(labels or {})},
        "spec": {
            "storageClassName": cls,
            "capacity": {"storage": size},
            "accessModes": list(modes),
            **affinity,
            **spec,
        },
        "status": {"phase": phase},
    }


def user(name: str, *claims: str, **more: Any) -> Object:
    """A pod with these claims."""
    volumes = [{"name": f"v{at}", "persistentVolumeClaim": {"claimName": key}} for at, key in enumerate(claims)]
    return pod(name, volumes=volumes, **more)


def three() -> list[Object]:
    return [node("a", labels=zone("1")), node("b", labels=zone("1")), node("c", labels=zone("2"))]


def test_a_bound_volume_is_where_its_affinity_says() -> None:
    table = Table(*three(), claim("c", volume="v"), volume("v", nodes=("a", "c"), phase="Bound"))
    assert table.fits(user("p", "c")) == {"a", "c"}
    alone = Table(node("b"), claim("c", volume="v"), volume("v", nodes=("a",), phase="Bound"))
    reason = "node(s) didn't match PersistentVolume's node affinity"
    assert alone.why(user("p", "c")) == f"0/1 nodes are available: 1 {reason}."


@pytest.mark.parametrize(
    ("objects", "message"),
    [
        ([], 'persistentvolumeclaim "c" not found'),
        ([claim("c", cls="")], "pod has unbound immediate PersistentVolumeClaims"),
        (
            [claim("c", cls="now"), storage_class("now", mode="Immediate")],
            "pod has unbound immediate PersistentVolumeClaims",
        ),
        ([claim("c", deletionTimestamp="2026-01-01T00:00:00Z")], 'persistentvolumeclaim "c" is being deleted'),
        (
            [claim("c", volume="gone") | {"status": {"phase": "Lost"}}],
            'persistentvolumeclaim "c" bound to non-existent persistentvolume "gone"',
        ),
    ],
)
def test_claims_that_cannot_be_used(objects: list[Object], message: str) -> None:
    table = Table(node("a"), *objects)
    assert table.why(user("p", "c")) == f"0/1 nodes are available: {message}."
    assert table.resolvable(user("p", "c")) == set()


def test_a_volume_that_is_not_there() -> None:
    table = Table(node("a"), claim("c", volume="gone"))
    reason = "node(s) unavailable due to one or more pvc(s) bound to non-existent pv(s)"
    assert table.why(user("p", "c")) == f"0/1 nodes are available: 1 {reason}."


def test_an_ephemeral_volume_has_to_be_the_pods_own() -> None:
    inline = pod("p", volumes=[{"name": "v", "ephemeral": {}}], metadata={"uid": "u1"})
    message = 'waiting for ephemeral volume controller to create the persistentvolumeclaim "p-v"'
    assert Table(node("a")).why(inline) == f"0/1 nodes are available: {message}."
    foreign = Table(node("a"), claim("p-v", volume="v"), volume("v"))
    assert "was not created for pod default/p (pod is not owner)" in foreign.why(inline)
    owners = [{"apiVersion": "v1", "kind": "Pod", "name": "p", "uid": "u1"}]
    own = Table(node("a"), claim("p-v", volume="v", ownerReferences=owners), volume("v"))
    assert own.fits(inline) == {"a"}


@pytest.mark.parametrize(
    ("offered", "fits"),
    [
        (volume("v", nodes=("b",)), {"b"}),
        (volume("v"), {"a", "b", "c"}),
        (volume("v", nodes=("b",), size="512Mi"), set()),
        (volume("v", nodes=("b",), cls="other"), set()),
        (volume("v", nodes=("b",), phase="Released"), set()),
        (volume("v", nodes=("b",), modes=("ReadOnlyMany",)), set()),
        (volume("v", nodes=("b",), modes=("ReadWriteOnce", "ReadOnlyMany")), {"b"}),
        (volume("v", nodes=("b",), volumeMode="Block"), set()),
        (volume("v", nodes=("b",), claimRef={"namespace": NS, "name": "c"}), {"b"}),
        (volume("v", nodes=("b",), claimRef={"namespace": NS, "name": "other"}), set()),
        (volume("v", nodes=("b",), claimRef={"namespace": NS, "name": "c", "uid": "another"}), set()),
    ],
)
def test_existing_volumes_that_serve_a_claim(offered: Object, fits: set[str]) -> None:
    local = storage_class("late", provisioner="kubernetes.io/no-provisioner")
    assert Table(*three(), local, claim("c"), offered).fits(user("p", "c")) == fits


def test_a_selector_chooses_volumes() -> None:
    local = storage_class("late", provisioner="kubernetes.io/no-provisioner")
    wanted = claim("c")
    wanted["spec"]["selector"] = {"matchLabels": {"disk": "ssd"}}
    volumes = [volume("v", nodes=("a",)), volume("w", nodes=("b",), labels={"disk": "ssd"})]
    assert Table(*three(), local, wanted, *volumes).fits(user("p", "c")) == {"b"}


def test_two_claims_need_two_volumes() -> None:
    local = storage_class("late", provisioner="kubernetes.io/no-provisioner")
    volumes = [volume("a1", nodes=("a",)), volume("b1", nodes=("b",)), volume("b2", nodes=("b",))]
    table = Table(*three(), local, claim("c"), claim("d"), *volumes)
    assert table.fits(user("p", "c", "d")) == {"b"}
    shared = Table(node("a"), local, claim("c"), claim("d"), volume("v"))
    assert "node(s) didn't find available persistent volumes to bind" in shared.why(user("p", "c", "d"))


def test_new_volumes_are_made_where_the_class_allows() -> None:
    key = "topology.kubernetes.io/zone"
    topologies = [{"matchLabelExpressions": [{"key": key, "values": ["2"]}]}]
    anywhere = Table(*three(), storage_class("late"), claim("c"))
    assert anywhere.fits(user("p", "c")) == {"a", "b", "c"}
    limited = Table(*three(), storage_class("late", allowedTopologies=topologies), claim("c"))
    assert limited.fits(user("p", "c")) == {"c"}


def test_new_volumes_are_made_where_there_is_space() -> None:
    driver = {
        "apiVersion": "storage.k8s.io/v1", "kind": "CSIDriver", "metadata": {"name": "csi.example.com"},
        "spec": {"storageCapacity": True},
    }  # fmt: skip

    def segment(number: str, capacity: str) -> Object:
        return {
            "apiVersion": "storage.k8s.io/v1", "kind": "CSIStorageCapacity",
            "metadata": {"name": f"s{number}", "namespace": NS}, "storageClassName": "late", "capacity": capacity,
            "nodeTopology": {"matchLabels": zone(number)},
        }  # fmt: skip

    table = Table(*three(), storage_class("late"), driver, claim("c"), segment("1", "10Gi"), segment("2", "512Mi"))
    assert table.fits(user("p", "c")) == {"a", "b"}
    full = Table(*three(), storage_class("late"), driver, claim("c"), segment("1", "100Mi"))
    assert full.why(user("p", "c")) == "0/3 nodes are available: 3 node(s) did not have enough free storage."


def test_a_claim_whose_node_is_chosen_stays_there() -> None:
    selected = claim("c", annotations={"volume.kubernetes.io/selected-node": "b"})
    assert Table(*three(), storage_class("late"), selected).fits(user("p", "c")) == {"b"}


def test_zones_of_volumes() -> None:
    labelled = volume("v", phase="Bound", labels=zone("2"))
    table = Table(*three(), node("bare"), claim("c", volume="v"), labelled)
    assert table.fits(user("p", "c")) == {"c", "bare"}
    both = volume("v", phase="Bound", labels=zone("1__2"))
    assert Table(*three(), claim("c", volume="v"), both).fits(user("p", "c")) == {"a", "b", "c"}
    only = Table(node("a", labels=zone("1")), claim("c", volume="v"), labelled)
    assert only.why(user("p", "c")) == "0/1 nodes are available: 1 node(s) had no available volume zone."


def csi_node(name: str, count: int) -> Object:
    drivers = [{"name": "csi.example.com", "nodeID": name, "allocatable": {"count": count}}]
    metadata = {"name": name}
    return {"apiVersion": "storage.k8s.io/v1", "kind": "CSINode", "metadata": metadata, "spec": {"drivers": drivers}}


def csi(name: str) -> Object:
    return volume(name, phase="Bound", csi={"driver": "csi.example.com", "volumeHandle": f"handle-{name}"})


def test_limits_of_drivers() -> None:
    objects = [csi("v1"), csi("v2"), claim("c1", volume="v1"), claim("c2", volume="v2"), csi_node("a", 1)]
    table = Table(*three(), *objects, user("q", "c1", node="a"))
    assert table.fits(user("p", "c2")) == {"b", "c"}
    assert table.fits(user("p", "c1")) == {"a", "b", "c"}, "a volume that is attached already takes nothing"
    only = Table(node("a"), *objects, user("q", "c1", node="a"))
    assert only.why(user("p", "c2")) == "0/1 nodes are available: 1 node(s) exceed max volume count."
    assert only.resolvable(user("p", "c2")) == {"a"}


def test_a_volume_that_is_still_to_be_made_counts() -> None:
    objects = [storage_class("late"), csi("v1"), claim("c1", volume="v1"), claim("c2"), csi_node("a", 1)]
    table = Table(*three(), *objects, user("q", "c1", node="a"))
    assert table.fits(user("p", "c2")) == {"b", "c"}


def test_a_claim_for_one_pod_is_used_by_one_pod() -> None:
    single = claim("c", volume="v", modes=("ReadWriteOncePod",))
    table = Table(*three(), single, volume("v", phase="Bound"), user("q", "c", node="a"))
    reason = "node has pod using PersistentVolumeClaim with the same name and ReadWriteOncePod access mode"
    assert table.why(user("p", "c")) == f"0/3 nodes are available: 3 {reason}."
    table.cluster.remove(table.cluster.pods[f"{NS}/q"])
    assert table.fits(user("p", "c")) == {"a", "b", "c"}


@pytest.mark.parametrize(
    ("held", "wanted", "fits"),
    [
        ({"awsElasticBlockStore": {"volumeID": "x"}}, {"awsElasticBlockStore": {"volumeID": "x"}}, False),
        ({"awsElasticBlockStore": {"volumeID": "x"}}, {"awsElasticBlockStore": {"volumeID": "y"}}, True),
        ({"gcePersistentDisk": {"pdName": "x"}}, {"gcePersistentDisk": {"pdName": "x", "readOnly": True}}, False),
        (
            {"gcePersistentDisk": {"pdName": "x", "readOnly": True}},
            {"gcePersistentDisk": {"pdName": "x", "readOnly": True}},
            True,
        ),
        ({"iscsi": {"iqn": "x"}}, {"iscsi": {"iqn": "x"}}, False),
        ({"rbd": {"monitors": ["a", "b"], "image": "i"}}, {"rbd": {"monitors": ["b"], "image": "i"}}, False),
        ({"rbd": {"monitors": ["a"], "image": "i"}}, {"rbd": {"monitors": ["a"], "image": "j"}}, True),
    ],
)
def test_disks_of_one_node(held: Any, wanted: Any, fits: bool) -> None:
    table = Table(node("a"), pod("q", node="a", volumes=[{"name": "v", **held}]))
    new = pod("p", volumes=[{"name": "v", **wanted}])
    assert table.fits(new) == ({"a"} if fits else set())
    if not fits:
        assert table.why(new) == "0/1 nodes are available: 1 node(s) had no available disk."


async def complete(run: Harness, name: str, volume_name: str) -> None:
    """What the volume controller does in the end."""
    patch = {"metadata": {"annotations": BOUND}, "spec": {"volumeName": volume_name}}
    await run.client.patch(PERSISTENT_VOLUME_CLAIMS, name, patch, namespace=NS)


async def test_a_volume_is_bound_before_the_pod_is() -> None:
    local = storage_class("late", provisioner="kubernetes.io/no-provisioner")
    objects = [
        node("a"),
        node("b"),
        local,
        claim("c"),
        volume("big", nodes=("b",), size="9Gi"),
        volume("v", nodes=("b",)),
    ]
    async with running(*objects, user("p", "c")) as run:
        chosen = run.client.peek(PERSISTENT_VOLUMES, "v")
        assert chosen is not None
        assert chosen["spec"]["claimRef"]["name"] == "c"
        assert chosen["metadata"]["annotations"] == {"pv.kubernetes.io/bound-by-controller": "yes"}
        assert run.node_of("p") == ""
        await complete(run, "c", "v")
        await run.settle()
        assert run.node_of("p") == "b"


async def test_a_volume_is_made_for_the_chosen_node() -> None:
    async with running(node("a"), storage_class("late"), claim("c"), user("p", "c")) as run:
        found = run.client.peek(PERSISTENT_VOLUME_CLAIMS, "c", NS)
        assert found is not None
        assert found["metadata"]["annotations"]["volume.kubernetes.io/selected-node"] == "a"
        await complete(run, "c", "made")
        await run.settle()
        assert run.node_of("p") == "a"


async def test_a_provisioner_that_gives_up_sends_the_pod_elsewhere() -> None:
    async with running(node("a"), storage_class("late"), claim("c"), user("p", "c")) as run:
        patch = {"metadata": {"annotations": {"volume.kubernetes.io/selected-node": None}}}
        await run.client.patch(PERSISTENT_VOLUME_CLAIMS, "c", patch, namespace=NS)
        await run.settle(0.2)
        assert ("FailedScheduling", "provisioning failed for PVC default/c") in run.events("p")
        await run.settle(5)
        found = run.client.peek(PERSISTENT_VOLUME_CLAIMS, "c", NS)
        assert found is not None
        assert found["metadata"]["annotations"]["volume.kubernetes.io/selected-node"] == "a"


async def test_binding_takes_only_so_long() -> None:
    configuration = {"pluginConfig": [{"name": "VolumeBinding", "args": {"bindTimeoutSeconds": 30}}]}
    chosen = SchedulerConfiguration.model_validate({"profiles": [configuration]})
    objects = [node("a"), storage_class("late"), claim("c"), user("p", "c")]
    async with running(*objects, configuration=chosen) as run:
        await run.settle(31)
        assert ("FailedScheduling", "timed out waiting for the volumes to be bound") in run.events("p")


async def test_two_pods_do_not_get_the_same_volume() -> None:
    local = storage_class("late", provisioner="kubernetes.io/no-provisioner")
    objects = [node("a"), local, claim("c1"), claim("c2"), volume("v1"), volume("v2")]
    async with running(*objects, user("p1", "c1"), user("p2", "c2")) as run:
        taken = [run.client.peek(PERSISTENT_VOLUMES, name)["spec"]["claimRef"]["name"] for name in ("v1", "v2")]  # type: ignore[index]
        assert sorted(taken) == ["c1", "c2"]


async def test_a_claim_that_appears_lets_the_pod_go_on() -> None:
    async with running(node("a"), user("p", "c")) as run:
        assert run.node_of("p") == ""
        run.client.add(volume("v", phase="Bound"))
        run.client.add(claim("c", volume="v"))
        await run.settle(3)
        assert run.node_of("p") == "a"


async def test_a_pod_deleted_while_it_waits_for_volumes_frees_them() -> None:
    local = storage_class("late", provisioner="kubernetes.io/no-provisioner")
    async with running(node("a"), local, claim("c1"), claim("c2"), volume("v1")) as run:
        await run.create(user("p1", "c1"))
        await run.settle(0.3)
        await run.client.delete(PODS, "p1", namespace=NS, options=DeleteOptions(grace_period_seconds=0))
        await run.settle(0.3)
        assert run.scheduler.cluster.pods == {}
