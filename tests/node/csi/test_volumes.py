"""Volumes of CSI drivers on a node: a real driver behind gRPC, real bind mounts as root."""

from __future__ import annotations

import asyncio
import os
import tempfile
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any

import grpc
import pytest

from cloudk8s.client.interface import DeleteOptions, Object
from cloudk8s.client.resources import (
    CORE_EVENTS,
    CSI_NODES,
    NODES,
    PERSISTENT_VOLUME_CLAIMS,
    PERSISTENT_VOLUMES,
    PODS,
)
from cloudk8s.drivers.csi.driver import NodeAbility
from cloudk8s.drivers.csi.names import attachment_name
from cloudk8s.node.volumes.removal import remove_tree
from cloudk8s.testing.fake_client import FakeClient
from tests.drivers.csi_program import NAME, BindDriver, registered, services
from tests.drivers.grpc_program import Document, Refused, serving
from tests.node.conftest import Node, clear, container

HANDLE = "vol-1"
mounts = pytest.mark.skipif(os.geteuid() != 0, reason="mounting needs root")


@pytest.fixture
def short() -> Iterator[Path]:
    """A directory with a short name, for paths of sockets may have 107 bytes only."""
    directory = Path(tempfile.mkdtemp(prefix="csi"))
    yield directory
    remove_tree(directory)


@pytest.fixture
async def driver(short: Path) -> BindDriver:
    (short / "store" / HANDLE).mkdir(parents=True)
    return BindDriver(short / "store", topology={"topology.example.com/zone": "z1"})


@pytest.fixture
async def node(short: Path) -> AsyncIterator[Node]:
    node = Node(short / "n", FakeClient())
    await node.start()
    yield node
    await node.stop()
    await clear(short / "n")


@asynccontextmanager
async def running(driver: BindDriver, node: Node, told: list[Document] | None = None) -> AsyncIterator[None]:
    """The driver, as the node sees it."""
    socket = driver.store.parent / "csi.sock"
    registry = node.settings.root_dir / "plugins_registry"
    async with AsyncExitStack() as stack:
        await stack.enter_async_context(serving(socket, services(driver)))
        answers: list[Document] = [] if told is None else told
        await stack.enter_async_context(registered(registry, "CSIPlugin", NAME, socket, ["1.0.0"], answers))
        await until(lambda: answers)
        yield


async def until(test: Callable[[], Any]) -> Any:
    async with asyncio.timeout(20):
        while not (found := test()):
            await asyncio.sleep(0.01)
    return found


def csi_driver(**spec: Any) -> Object:
    spec = {"attachRequired": False} | spec
    return {"apiVersion": "storage.k8s.io/v1", "kind": "CSIDriver", "metadata": {"name": NAME}, "spec": spec}


def claimed(**source: Any) -> list[Object]:
    """A claim and the volume that it is bound to."""
    spec = {
        "capacity": {"storage": "1Gi"},
        "accessModes": ["ReadWriteOnce"],
        "csi": {"driver": NAME, "volumeHandle": HANDLE, **source},
        "claimRef": {"namespace": "default", "name": "data", "uid": "claim-uid"},
    }
    volume = {"apiVersion": "v1", "kind": "PersistentVolume", "metadata": {"name": "pv1"}, "spec": spec}
    claim = {
        "apiVersion": "v1",
        "kind": "PersistentVolumeClaim",
        "metadata": {"name": "data", "namespace": "default", "uid": "claim-uid"},
        "spec": {"accessModes": ["ReadWriteOnce"], "volumeName": "pv1"},
        "status": {"phase": "Bound", "capacity": {"storage": "1Gi"}},
    }
    return [volume, claim]


def add(node: Node, *objects: Object) -> None:
    for obj in objects:
        node.client.add(obj)


VOLUME = {"name": "data", "persistentVolumeClaim": {"claimName": "data"}}


async def start(node: Node, name: str = "p", volume: Object = VOLUME, **spec: Any) -> Object:
    mounting = container("sleep 300", volumeMounts=[{"name": "data", "mountPath": "/data"}])
    await node.run_pod(name, containers=[mounting], volumes=[volume], **spec)
    return await node.until_phase(name, "Running")


def mounted(node: Node, pod: Object, volume: str = "pv1") -> Path:
    uid: str = pod["metadata"]["uid"]
    return node.settings.pods_dir / uid / "volumes" / "kubernetes.io~csi" / volume / "mount"


async def delete(node: Node, name: str = "p") -> None:
    await node.client.delete(PODS, name, namespace="default", options=DeleteOptions(grace_period_seconds=1))
    await node.until_gone(name)


async def test_a_driver_is_announced_and_taken_back(driver: BindDriver, node: Node) -> None:
    told: list[Document] = []
    async with running(driver, node, told):
        assert told[0]["plugin_registered"] is True
        csi_node, own = node.client.peek(CSI_NODES, "n1"), node.client.peek(NODES, "n1")
        assert csi_node is not None
        assert own is not None
        assert csi_node["spec"]["drivers"] == [
            {
                "name": NAME,
                "nodeID": "node-1",
                "topologyKeys": ["topology.example.com/zone"],
                "allocatable": {"count": 7},
            }
        ]
        assert csi_node["metadata"]["ownerReferences"][0]["name"] == "n1"
        assert own["metadata"]["annotations"]["csi.volume.kubernetes.io/nodeid"] == f'{{"{NAME}":"node-1"}}'
        assert own["metadata"]["labels"]["topology.example.com/zone"] == "z1"
    await until(lambda: not (node.client.peek(CSI_NODES, "n1") or {})["spec"]["drivers"])


async def test_a_volume_is_staged_published_and_undone(driver: BindDriver, node: Node) -> None:
    add(node, csi_driver(podInfoOnMount=True), *claimed(volumeAttributes={"kind": "oak"}, fsType="ext4"))
    async with running(driver, node):
        pod = await start(node)
        (staged,), (published,) = driver.asked("NodeStageVolume"), driver.asked("NodePublishVolume")
        assert staged["volume_id"] == published["volume_id"] == HANDLE
        assert staged["staging_target_path"] == published["staging_target_path"]
        assert published["target_path"] == str(mounted(node, pod))
        assert published["volume_capability"]["mount"]["fs_type"] == "ext4"
        assert published["volume_capability"]["access_mode"]["mode"] == 1
        assert published["volume_context"]["kind"] == "oak"
        assert published["volume_context"]["csi.storage.k8s.io/pod.name"] == "p"
        own = await until(lambda: (node.client.peek(NODES, "n1") or {})["status"].get("volumesInUse"))
        assert own == [f"kubernetes.io/csi/{NAME}^{HANDLE}"]
        await delete(node)
        assert [name for name, _ in driver.calls][-2:] == ["NodeUnpublishVolume", "NodeUnstageVolume"]
        assert not mounted(node, pod).exists()
        await until(lambda: not (node.client.peek(NODES, "n1") or {})["status"].get("volumesInUse"))


@pytest.mark.root
@mounts
async def test_what_pods_write_is_in_the_volume(driver: BindDriver, node: Node) -> None:
    add(node, csi_driver(fsGroupPolicy="File"), *claimed())
    async with running(driver, node):
        pod = await start(node, securityContext={"fsGroup": 4242})
        (mounted(node, pod) / "file").write_text("kept")
        assert (driver.store / HANDLE).stat().st_gid == 4242
        await delete(node)
        assert (driver.store / HANDLE / "file").read_text() == "kept"
        assert str(node.settings.root_dir / "plugins" / "kubernetes.io") not in Path("/proc/self/mountinfo").read_text()


async def test_the_volume_stays_staged_while_another_pod_has_it(driver: BindDriver, node: Node) -> None:
    add(node, csi_driver(), *claimed())
    async with running(driver, node):
        await start(node, "a")
        await start(node, "b")
        await delete(node, "a")
        assert len(driver.asked("NodeUnpublishVolume")) == 1
        assert not driver.asked("NodeUnstageVolume")
        await delete(node, "b")
        assert len(driver.asked("NodeUnstageVolume")) == 1


async def test_a_volume_waits_until_it_is_attached(driver: BindDriver, node: Node) -> None:
    add(node, csi_driver(attachRequired=True), *claimed())
    async with running(driver, node):
        starting = asyncio.create_task(start(node))
        await until(lambda: any(action.resource.plural == "volumeattachments" for action in node.client.actions))
        assert not driver.asked("NodeStageVolume")
        name = attachment_name(HANDLE, NAME, "n1")
        spec = {"attacher": NAME, "nodeName": "n1", "source": {"persistentVolumeName": "pv1"}}
        status = {"attached": True, "attachmentMetadata": {"device": "/dev/sdx"}}
        add(node, {"apiVersion": "storage.k8s.io/v1", "kind": "VolumeAttachment", "metadata": {"name": name},
                   "spec": spec, "status": status})  # fmt: skip
        await starting
        assert driver.asked("NodeStageVolume")[0]["publish_context"] == {"device": "/dev/sdx"}


async def test_a_volume_can_be_written_into_a_pod(driver: BindDriver, node: Node) -> None:
    add(node, csi_driver(volumeLifecycleModes=["Ephemeral"], podInfoOnMount=True))
    async with running(driver, node):
        source = {"driver": NAME, "volumeAttributes": {"size": "1"}, "readOnly": True}
        pod = await start(node, volume={"name": "data", "csi": source})
        (published,) = driver.asked("NodePublishVolume")
        assert published["volume_id"].startswith("csi-")
        assert published["readonly"] is True
        assert published["volume_context"]["csi.storage.k8s.io/ephemeral"] == "true"
        assert not driver.asked("NodeStageVolume")
        await delete(node)
        assert not mounted(node, pod, "data").exists()


async def test_the_file_system_grows_when_the_controller_is_done(driver: BindDriver, node: Node) -> None:
    volume, claim = claimed()
    add(node, csi_driver(), volume, claim)
    async with running(driver, node):
        await start(node)
        pending = {"allocatedResourceStatuses": {"storage": "NodeResizePending"}}
        await node.client.patch(PERSISTENT_VOLUME_CLAIMS, "data", {"status": pending}, namespace="default",
                                subresource="status")  # fmt: skip
        capacity = {"spec": {"capacity": {"storage": "2Gi"}}}
        await node.client.patch(PERSISTENT_VOLUMES, "pv1", capacity)
        node.agent.workers.all()[0].configuration_changed()
        grown = await until(lambda: _capacity(node) == "2Gi")
        assert grown
        assert driver.asked("NodeExpandVolume")[0]["capacity_range"] == {"required_bytes": 2 << 30}


async def test_failures_of_the_driver_are_told_and_tried_again(driver: BindDriver, node: Node) -> None:
    driver.failures["NodeStageVolume"] = Refused(grpc.StatusCode.INTERNAL, "disk on fire")
    add(node, csi_driver(), *claimed())
    async with running(driver, node):
        starting = asyncio.create_task(start(node))
        await until(lambda: driver.asked("NodeStageVolume"))
        await until(lambda: node.client.all(CORE_EVENTS))
        driver.failures.clear()
        await starting
        notes = [event["message"] for event in node.client.all(CORE_EVENTS)]
        assert any("rpc error: code = Internal desc = disk on fire" in note for note in notes)


async def test_a_restarted_agent_undoes_what_the_one_before_did(driver: BindDriver, node: Node) -> None:
    add(node, csi_driver(), *claimed())
    async with running(driver, node):
        pod = await start(node)
        await node.stop()
        again = Node(node.settings.root_dir, node.client)
        await again.start()
        try:
            await delete(again)
            assert driver.asked("NodeUnstageVolume")
            assert not mounted(node, pod).exists()
        finally:
            await again.stop()


async def test_a_driver_without_staging_publishes_from_its_own(driver: BindDriver, node: Node) -> None:
    driver.node_abilities = (NodeAbility.MOUNT_GROUP,)
    add(node, csi_driver(fsGroupPolicy="File"), *claimed())
    async with running(driver, node):
        await start(node, securityContext={"fsGroup": 4242})
        (published,) = driver.asked("NodePublishVolume")
        assert not published.get("staging_target_path")
        assert published["volume_capability"]["mount"]["volume_mount_group"] == "4242"
        await delete(node)


def _capacity(node: Node) -> str:
    claim = node.client.peek(PERSISTENT_VOLUME_CLAIMS, "data", "default")
    return str((claim or {})["status"]["capacity"]["storage"])
