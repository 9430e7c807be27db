"""Claims get volumes, volumes grow and go, whoever provides them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from cloudk8s.client.interface import Object
from cloudk8s.client.resources import PERSISTENT_VOLUME_CLAIMS, PERSISTENT_VOLUMES, STORAGE_CLASSES
from cloudk8s.controllers.interface import ControllerContext
from cloudk8s.controllers.persistent_volume.controller import PersistentVolumeBinder
from cloudk8s.controllers.volume_provisioning.controller import VolumeProvisioning
from cloudk8s.controllers.volume_provisioning.interface import (
    Expanded,
    ProvisionedVolume,
    ProvisioningError,
    VolumeWish,
    WrongNode,
)
from cloudk8s.errors import CloudK8sError
from tests.controllers.harness import NS, Harness, node, running

GI = 1 << 30
SELECTED = "volume.kubernetes.io/selected-node"


class Shelf:
    """Storage in a dictionary."""

    name = component = "shelf.example.com"

    def __init__(self) -> None:
        self.volumes: dict[str, int] = {}
        self.failure: Exception | None = None
        self.needs_node = False
        self.wishes: list[VolumeWish] = []

    async def provision(self, wish: VolumeWish) -> ProvisionedVolume:
        self.wishes.append(wish)
        self._fail()
        self.volumes[wish.name] = wish.size
        return ProvisionedVolume({"csi": {"driver": self.name, "volumeHandle": wish.name}}, wish.size)

    async def delete(self, volume: Object) -> None:
        self._fail()
        self.volumes.pop(volume["spec"]["csi"]["volumeHandle"], None)

    async def expand(self, volume: Object, size: int) -> Expanded:
        self._fail()
        self.volumes[volume["spec"]["csi"]["volumeHandle"]] = size
        return Expanded(size, needs_node=self.needs_node)

    def _fail(self) -> None:
        if self.failure is not None:
            raise self.failure


def provisioning(shelf: Shelf) -> Callable[[ControllerContext], VolumeProvisioning]:
    def factory(context: ControllerContext) -> VolumeProvisioning:
        return VolumeProvisioning(context, shelf)

    return factory


def storage_class(**fields: Any) -> Object:
    metadata = {"name": "shelf"}
    return {"apiVersion": "storage.k8s.io/v1", "kind": "StorageClass", "metadata": metadata,
            "provisioner": Shelf.name, "volumeBindingMode": "Immediate", **fields}  # fmt: skip


def claim(size: str = "1Gi", annotations: dict[str, str] | None = None, **spec: Any) -> Object:
    return {
        "apiVersion": "v1",
        "kind": "PersistentVolumeClaim",
        "metadata": {"name": "data", "namespace": NS, "uid": "u1", "annotations": annotations or {}},
        "spec": {
            "accessModes": ["ReadWriteOnce"],
            "storageClassName": "shelf",
            "resources": {"requests": {"storage": size}},
            **spec,
        },
        "status": {"phase": "Pending"},
    }


def volume(world: Harness) -> Object:
    (found,) = world.client.all(PERSISTENT_VOLUMES)
    return found


def reasons(world: Harness) -> list[str]:
    return [reason for reason, _ in world.events()]


async def test_a_claim_gets_a_volume_of_its_class() -> None:
    shelf, options = Shelf(), {"mountOptions": ["ro"], "reclaimPolicy": "Retain", "parameters": {"kind": "oak"}}
    objects = [storage_class(**options), claim()]
    async with running(PersistentVolumeBinder, provisioning(shelf), objects=objects) as world:
        await world.settle()
        made, bound = volume(world), world.get(PERSISTENT_VOLUME_CLAIMS, "data")
    uid = bound["metadata"]["uid"]
    assert made["metadata"]["name"] == f"pvc-{uid}"
    assert made["metadata"]["annotations"]["pv.kubernetes.io/provisioned-by"] == Shelf.name
    assert "external-provisioner.volume.kubernetes.io/finalizer" in made["metadata"]["finalizers"]
    assert made["spec"]["capacity"] == {"storage": "1Gi"}
    assert made["spec"]["mountOptions"] == ["ro"]
    assert made["spec"]["persistentVolumeReclaimPolicy"] == "Retain"
    assert made["spec"]["claimRef"]["uid"] == uid
    assert bound["status"]["phase"] == "Bound"
    assert shelf.wishes[0].parameters == {"kind": "oak"}
    told = dict(world.events())
    assert told["Provisioning"] == f'External provisioner is provisioning volume for claim "{NS}/data"'
    assert told["ProvisioningSucceeded"] == f"Successfully provisioned volume pvc-{uid}"


async def test_a_class_that_waits_is_served_once_a_node_is_chosen() -> None:
    shelf = Shelf()
    objects = [storage_class(volumeBindingMode="WaitForFirstConsumer"), claim(), node("n1")]
    async with running(PersistentVolumeBinder, provisioning(shelf), objects=objects) as world:
        await world.settle()
        assert not shelf.volumes
        patch = {"metadata": {"annotations": {SELECTED: "n1"}}}
        await world.client.patch(PERSISTENT_VOLUME_CLAIMS, "data", patch, namespace=NS)
        await world.settle()
    assert shelf.wishes[0].node is not None
    assert shelf.wishes[0].node["metadata"]["name"] == "n1"
    assert len(shelf.volumes) == 1


async def test_the_scheduler_chooses_again_when_the_node_will_not_do() -> None:
    shelf = Shelf()
    shelf.failure = WrongNode("no room on n1")
    wanted = claim(annotations={SELECTED: "n1"})
    objects = [storage_class(volumeBindingMode="WaitForFirstConsumer"), wanted, node("n1")]
    async with running(PersistentVolumeBinder, provisioning(shelf), objects=objects) as world:
        await world.settle()
        assert SELECTED not in world.get(PERSISTENT_VOLUME_CLAIMS, "data")["metadata"]["annotations"]


async def test_a_failure_is_told_and_tried_again() -> None:
    shelf = Shelf()
    shelf.failure = ProvisioningError("out of planks")
    async with running(PersistentVolumeBinder, provisioning(shelf), objects=[storage_class(), claim()]) as world:
        await world.settle()
        told = 'failed to provision volume with StorageClass "shelf": out of planks'
        assert ("ProvisioningFailed", told) in world.events()
        shelf.failure = None
        await world.settle(5)
        assert world.get(PERSISTENT_VOLUME_CLAIMS, "data")["status"]["phase"] == "Bound"


async def test_what_another_provisioner_serves_is_left_alone() -> None:
    shelf = Shelf()
    objects = [storage_class(provisioner="other.example.com"), claim()]
    async with running(PersistentVolumeBinder, provisioning(shelf), objects=objects) as world:
        await world.settle()
    assert not shelf.wishes


async def test_a_released_volume_is_deleted_with_its_data() -> None:
    shelf = Shelf()
    async with running(PersistentVolumeBinder, provisioning(shelf), objects=[storage_class(), claim()]) as world:
        await world.settle()
        shelf.failure = CloudK8sError("still in use")
        await world.client.delete(PERSISTENT_VOLUME_CLAIMS, "data", namespace=NS)
        await world.settle()
        assert ("VolumeFailedDelete", "still in use") in world.events()
        assert len(shelf.volumes) == 1
        shelf.failure = None
        await world.settle(10)
        assert not shelf.volumes
        assert not world.client.all(PERSISTENT_VOLUMES)


async def test_a_retained_volume_keeps_its_data() -> None:
    shelf = Shelf()
    objects = [storage_class(reclaimPolicy="Retain"), claim()]
    async with running(PersistentVolumeBinder, provisioning(shelf), objects=objects) as world:
        await world.settle()
        await world.client.delete(PERSISTENT_VOLUME_CLAIMS, "data", namespace=NS)
        await world.settle()
        assert volume(world)["status"]["phase"] == "Released"
        await world.client.delete(PERSISTENT_VOLUMES, volume(world)["metadata"]["name"])
        await world.settle()
        assert not world.client.all(PERSISTENT_VOLUMES)
    assert len(shelf.volumes) == 1


async def grow(world: Harness, size: str) -> Object:
    patch = {"spec": {"resources": {"requests": {"storage": size}}}}
    await world.client.patch(PERSISTENT_VOLUME_CLAIMS, "data", patch, namespace=NS)
    await world.settle()
    return world.get(PERSISTENT_VOLUME_CLAIMS, "data")


async def test_a_claim_grows() -> None:
    shelf = Shelf()
    async with running(PersistentVolumeBinder, provisioning(shelf), objects=[storage_class(), claim()]) as world:
        await world.settle()
        grown = await grow(world, "2Gi")
        assert grown["status"]["capacity"] == {"storage": "2Gi"}
        assert not grown["status"].get("conditions")
        assert volume(world)["spec"]["capacity"] == {"storage": "2Gi"}
        assert list(shelf.volumes.values()) == [2 * GI]
        assert {"Resizing", "VolumeResizeSuccessful"} <= set(reasons(world))


async def test_the_node_grows_the_file_system() -> None:
    shelf = Shelf()
    shelf.needs_node = True
    async with running(PersistentVolumeBinder, provisioning(shelf), objects=[storage_class(), claim()]) as world:
        await world.settle()
        grown = await grow(world, "2Gi")
        assert grown["status"]["capacity"] == {"storage": "1Gi"}
        assert grown["status"]["allocatedResourceStatuses"] == {"storage": "NodeResizePending"}
        assert [each["type"] for each in grown["status"]["conditions"]] == ["FileSystemResizePending"]
        assert "FileSystemResizeRequired" in reasons(world)


async def test_growing_that_fails_is_told() -> None:
    shelf = Shelf()
    async with running(PersistentVolumeBinder, provisioning(shelf), objects=[storage_class(), claim()]) as world:
        await world.settle()
        shelf.failure = ProvisioningError("too high")
        await grow(world, "2Gi")
        name = volume(world)["metadata"]["name"]
        note = f'resize volume "{name}" by resizer "{Shelf.name}" failed: too high'
        assert ("VolumeResizeFailed", note) in world.events()


async def test_a_class_that_comes_late_serves_claims_that_wait() -> None:
    shelf = Shelf()
    asked = claim(annotations={"volume.kubernetes.io/storage-provisioner": Shelf.name})
    async with running(provisioning(shelf), objects=[asked]) as world:
        await world.settle()
        await world.client.create(STORAGE_CLASSES, storage_class())
        await world.settle()
    assert len(shelf.volumes) == 1
