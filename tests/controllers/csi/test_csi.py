"""The controller side of CSI: a real driver behind gRPC, controllers on an API server in memory."""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import grpc
import pytest

from cloudk8s.client.interface import Object
from cloudk8s.client.resources import (
    NODES,
    PERSISTENT_VOLUME_CLAIMS,
    PERSISTENT_VOLUMES,
    PODS,
    STORAGE_CLASSES,
    VOLUME_ATTACHMENTS,
)
from cloudk8s.controllers.attach_detach.controller import AttachDetachController
from cloudk8s.controllers.csi.controller import CsiController
from cloudk8s.controllers.persistent_volume.controller import PersistentVolumeBinder
from cloudk8s.drivers.csi.driver import ControllerAbility
from cloudk8s.settings import ClusterSettings
from tests.controllers.harness import NS, Harness, node, pod, running
from tests.drivers.csi_program import NAME, BindDriver, services
from tests.drivers.grpc_program import Refused, serving


@pytest.fixture
def driver() -> Iterator[BindDriver]:
    """Below a directory with a short name, for paths of sockets may have 107 bytes only."""
    with tempfile.TemporaryDirectory(prefix="csi") as directory:
        yield BindDriver(Path(directory) / "store")


@asynccontextmanager
async def world(driver: BindDriver, *objects: Object) -> AsyncIterator[Harness]:
    socket = driver.store.parent / "csi.sock"
    settings = ClusterSettings(data_dir=Path("/nonexistent"), csi_endpoints=(str(socket),))
    controllers = (PersistentVolumeBinder, AttachDetachController, CsiController)
    given = [storage_class(), csi_node("n1"), csi_node("n2"), managed("n1"), managed("n2"), *objects]
    async with serving(socket, services(driver)), running(*controllers, objects=given, settings=settings) as harness:
        yield harness


async def until(harness: Harness, test: Callable[[], Any]) -> Any:
    """The driver's answers take real time."""
    async with asyncio.timeout(20):
        while not (found := test()):
            await harness.settle(0.5, step=0.25)
            await asyncio.sleep(0.01)
    return found


def managed(name: str) -> Object:
    return node(name, annotations={"volumes.kubernetes.io/controller-managed-attach-detach": "true"})


def storage_class(**fields: Any) -> Object:
    return {"apiVersion": "storage.k8s.io/v1", "kind": "StorageClass", "metadata": {"name": "bind"},
            "provisioner": NAME, "volumeBindingMode": "Immediate", **fields}  # fmt: skip


def csi_node(name: str) -> Object:
    drivers = [{"name": NAME, "nodeID": f"id-{name}", "topologyKeys": ["zone"]}]
    return {"apiVersion": "storage.k8s.io/v1", "kind": "CSINode", "metadata": {"name": name},
            "spec": {"drivers": drivers}}  # fmt: skip


def claim(**spec: Any) -> Object:
    resources = {"requests": {"storage": "1Gi"}}
    spec = {"accessModes": ["ReadWriteOnce"], "storageClassName": "bind", "resources": resources} | spec
    return {"apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": {"name": "data", "namespace": NS},
            "spec": spec, "status": {"phase": "Pending"}}  # fmt: skip


def user(name: str, on: str) -> Object:
    made = pod(name)
    made["spec"] |= {"nodeName": on, "volumes": [{"name": "d", "persistentVolumeClaim": {"claimName": "data"}}]}
    return made


def is_bound(harness: Harness) -> bool:
    return bool(harness.get(PERSISTENT_VOLUME_CLAIMS, "data").get("status", {}).get("phase") == "Bound")


def attachments(harness: Harness) -> list[Object]:
    return harness.client.all(VOLUME_ATTACHMENTS)


def is_attached(harness: Harness) -> bool:
    return any(each.get("status", {}).get("attached") for each in attachments(harness))


async def test_a_claim_is_served_and_its_volume_deleted_with_it(driver: BindDriver) -> None:
    async with world(driver, claim()) as harness:
        await until(harness, lambda: is_bound(harness))
        (volume,) = harness.client.all(PERSISTENT_VOLUMES)
        name = volume["metadata"]["name"]
        assert volume["spec"]["csi"] == {
            "driver": NAME,
            "volumeHandle": f"vol-{name}",
            "volumeAttributes": {"made": "here"},
        }
        (request,) = driver.asked("CreateVolume")
        assert request["capacity_range"]["required_bytes"] == 1 << 30
        assert request["volume_capabilities"][0]["access_mode"]["mode"] == 1
        await harness.client.delete(PERSISTENT_VOLUME_CLAIMS, "data", namespace=NS)
        await until(harness, lambda: not harness.client.all(PERSISTENT_VOLUMES))
        assert driver.asked("DeleteVolume")[0]["volume_id"] == f"vol-{name}"


async def test_the_class_names_secrets_and_the_file_system(driver: BindDriver) -> None:
    secret = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "key-data", "namespace": NS},
              "data": {"token": "czNjcjN0"}}  # fmt: skip
    parameters = {
        "kind": "oak",
        "csi.storage.k8s.io/fstype": "xfs",
        "csi.storage.k8s.io/provisioner-secret-name": "key-${pvc.name}",
        "csi.storage.k8s.io/provisioner-secret-namespace": "${pvc.namespace}",
        "csi.storage.k8s.io/node-stage-secret-name": "key-${pvc.name}",
        "csi.storage.k8s.io/node-stage-secret-namespace": "${pvc.namespace}",
    }
    async with world(driver, secret) as harness:
        await harness.client.delete(STORAGE_CLASSES, "bind")
        await harness.client.create(STORAGE_CLASSES, storage_class(parameters=parameters))
        await harness.client.create(PERSISTENT_VOLUME_CLAIMS, claim(), namespace=NS)
        await until(harness, lambda: is_bound(harness))
        (request,) = driver.asked("CreateVolume")
        assert request["parameters"] == {"kind": "oak"}
        assert request["secrets"] == {"token": "s3cr3t"}
        assert request["volume_capabilities"][0]["mount"]["fs_type"] == "xfs"
        (volume,) = harness.client.all(PERSISTENT_VOLUMES)
        assert volume["spec"]["csi"]["nodeStageSecretRef"] == {"name": "key-data", "namespace": NS}
        assert volume["spec"]["csi"]["fsType"] == "xfs"


async def test_a_failure_of_the_driver_is_told(driver: BindDriver) -> None:
    driver.failures["CreateVolume"] = Refused(grpc.StatusCode.INTERNAL, "no planks")
    async with world(driver, claim()) as harness:
        await until(harness, lambda: any(reason == "ProvisioningFailed" for reason, _ in harness.events()))
        notes = [note for reason, note in harness.events() if reason == "ProvisioningFailed"]
        assert notes[0].endswith("rpc error: code = Internal desc = no planks")


async def test_volumes_are_attached_to_where_pods_are(driver: BindDriver) -> None:
    async with world(driver, claim()) as harness:
        await until(harness, lambda: is_bound(harness))
        await harness.client.create(PODS, user("p", "n1"), namespace=NS)
        await until(harness, lambda: is_attached(harness))
        (attachment,) = attachments(harness)
        assert attachment["spec"]["nodeName"] == "n1"
        assert attachment["status"]["attachmentMetadata"] == {"device": "/dev/imaginary"}
        assert driver.asked("ControllerPublishVolume")[0]["node_id"] == "id-n1"
        (volume,) = harness.client.all(PERSISTENT_VOLUMES)
        handle = volume["spec"]["csi"]["volumeHandle"]
        shown = await until(harness, lambda: harness.get(NODES, "n1")["status"].get("volumesAttached"))
        assert shown == [{"name": f"kubernetes.io/csi/{NAME}^{handle}", "devicePath": ""}]
        assert "SuccessfulAttachVolume" in [reason for reason, _ in harness.events("p")]


async def test_a_volume_moves_once_the_node_has_let_it_go(driver: BindDriver) -> None:
    async with world(driver, claim()) as harness:
        await until(harness, lambda: is_bound(harness))
        await harness.client.create(PODS, user("p", "n1"), namespace=NS)
        await until(harness, lambda: is_attached(harness))
        (volume,) = harness.client.all(PERSISTENT_VOLUMES)
        name = f"kubernetes.io/csi/{NAME}^{volume['spec']['csi']['volumeHandle']}"
        await harness.client.patch(NODES, "n1", {"status": {"volumesInUse": [name]}}, subresource="status")
        await harness.client.create(PODS, user("q", "n2"), namespace=NS)
        await harness.client.delete(PODS, "p", namespace=NS)
        await until(harness, lambda: any(reason == "FailedAttachVolume" for reason, _ in harness.events("q")))
        assert [each["spec"]["nodeName"] for each in attachments(harness)] == ["n1"]
        await harness.client.patch(NODES, "n1", {"status": {"volumesInUse": []}}, subresource="status")
        await until(harness, lambda: [each["spec"]["nodeName"] for each in attachments(harness)] == ["n2"])
        assert driver.asked("ControllerUnpublishVolume")[0]["node_id"] == "id-n1"
        await until(harness, lambda: driver.attached == {(volume["spec"]["csi"]["volumeHandle"], "id-n2")})


async def test_a_driver_that_attaches_nothing_has_it_attached_at_once(driver: BindDriver) -> None:
    driver.controller_abilities = (ControllerAbility.CREATE_DELETE,)
    async with world(driver, claim(), user("p", "n1")) as harness:
        await until(harness, lambda: is_attached(harness))
        assert not driver.asked("ControllerPublishVolume")


async def test_a_claim_grows_and_leaves_the_file_system_to_the_node(driver: BindDriver) -> None:
    async with world(driver, claim()) as harness:
        await until(harness, lambda: is_bound(harness))
        patch = {"spec": {"resources": {"requests": {"storage": "2Gi"}}}}
        await harness.client.patch(PERSISTENT_VOLUME_CLAIMS, "data", patch, namespace=NS)
        await until(harness, lambda: driver.asked("ControllerExpandVolume"))

        def pending() -> bool:
            status = harness.get(PERSISTENT_VOLUME_CLAIMS, "data")["status"]
            return bool(status.get("allocatedResourceStatuses") == {"storage": "NodeResizePending"})

        await until(harness, pending)


async def test_the_driver_is_told_where_the_volume_must_be(driver: BindDriver) -> None:
    driver.topology = {"zone": "z1"}
    waits = claim(storageClassName="waits")
    waits["metadata"]["annotations"] = {"volume.kubernetes.io/selected-node": "n1"}
    late = storage_class(volumeBindingMode="WaitForFirstConsumer") | {"metadata": {"name": "waits"}}
    async with world(driver, late) as harness:
        await harness.client.patch(NODES, "n1", {"metadata": {"labels": {"zone": "z1"}}})
        await harness.settle()
        await harness.client.create(PERSISTENT_VOLUME_CLAIMS, waits, namespace=NS)
        await until(harness, lambda: driver.asked("CreateVolume"))
        wanted = driver.asked("CreateVolume")[0]["accessibility_requirements"]
        assert wanted["requisite"] == wanted["preferred"] == [{"segments": {"zone": "z1"}}]
