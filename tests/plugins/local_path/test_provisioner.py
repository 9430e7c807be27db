"""Volumes as directories of a node."""

from __future__ import annotations

import stat
from pathlib import Path
from typing import Any

import pytest

from cloudk8s.client.interface import Object
from cloudk8s.client.resources import NODES, PODS, STORAGE_CLASSES
from cloudk8s.controllers.volume_provisioning.interface import ProvisionedVolume, ProvisioningError, VolumeWish
from cloudk8s.machinery.clock import FakeClock
from cloudk8s.settings import ClusterSettings
from cloudk8s.testing.fake_client import FakeClient
from cloudk8s_local_path.directories import ELSEWHERE, Directories
from cloudk8s_local_path.plugin import controller
from cloudk8s_local_path.provisioner import LocalPath
from tests.controllers.harness import node, running


@pytest.fixture
def data_dir(tmp_path: Path) -> Path:
    for name in ("n1", "n2"):
        (tmp_path / "nodes" / name).mkdir(parents=True)
    return tmp_path


@pytest.fixture
def client() -> FakeClient:
    return FakeClient(clock=FakeClock())


@pytest.fixture
def local_path(data_dir: Path, client: FakeClient) -> LocalPath:
    return LocalPath(Directories(data_dir, client, clock=FakeClock()))


def wish(name: str = "pvc-1", on: Object | None = None, **spec: Any) -> VolumeWish:
    claim = {"metadata": {"namespace": "ns", "name": "data"}, "spec": {"accessModes": ["ReadWriteOnce"], **spec}}
    return VolumeWish(name, claim, {}, 1 << 20, on)


def made(volume: ProvisionedVolume) -> Object:
    """The PersistentVolume."""
    return {"metadata": {"annotations": dict(volume.annotations)}, "spec": dict(volume.source)}


async def test_a_volume_is_a_directory_that_any_user_may_write_to(local_path: LocalPath, data_dir: Path) -> None:
    volume = await local_path.provision(wish(on=node("n1")))
    path = Path(volume.source["local"]["path"])
    assert path == data_dir / "volumes" / "n1" / "pvc-1_ns_data"
    assert stat.S_IMODE(path.stat().st_mode) == 0o777
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o711
    assert volume.node_affinity is not None
    (term,) = volume.node_affinity["required"]["nodeSelectorTerms"]
    assert term["matchExpressions"] == [{"key": "kubernetes.io/hostname", "operator": "In", "values": ["n1"]}]


async def test_nodes_of_one_host_are_kept_apart(local_path: LocalPath) -> None:
    first = await local_path.provision(wish(on=node("n1")))
    second = await local_path.provision(wish(on=node("n2")))
    assert first.source != second.source


async def test_what_was_made_stays_when_it_is_asked_for_again(local_path: LocalPath) -> None:
    path = Path((await local_path.provision(wish(on=node("n1")))).source["local"]["path"])
    (path / "file").write_text("kept")
    await local_path.provision(wish(on=node("n1")))
    assert (path / "file").read_text() == "kept"


async def test_deleting_takes_the_data_and_follows_no_link(local_path: LocalPath, tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "file").touch()
    volume = await local_path.provision(wish(on=node("n1")))
    path = Path(volume.source["local"]["path"])
    (path / "link").symlink_to(outside)
    (path / "closed").mkdir(mode=0o000)
    await local_path.delete(made(volume))
    assert not path.exists()
    assert (outside / "file").exists()
    await local_path.delete(made(volume))


async def test_files_of_other_users_are_deleted_by_the_nodes_root(
    local_path: LocalPath, client: FakeClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*arguments: object, **options: object) -> None:
        raise PermissionError(1, "Operation not permitted", "theirs")

    def succeed(action: Any) -> None:
        for pod in client.all(PODS) if action.verb == "get" else ():
            done.append(pod["spec"]["containers"][0]["command"][-1])
            pod["status"] = {"phase": "Succeeded"}

    done: list[str] = []
    volume = await local_path.provision(wish(on=node("n1")))
    monkeypatch.setattr("cloudk8s_local_path.removal.shutil.rmtree", refuse)
    client.add({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "kube-system"}})
    client.add(node("n1"))
    client.on(succeed)
    await local_path.delete(made(volume))
    assert volume.source["local"]["path"] in done


async def test_nothing_is_deleted_that_was_not_made_here(local_path: LocalPath, tmp_path: Path) -> None:
    volume = await local_path.provision(wish(on=node("n1")))
    stranger = made(volume)
    stranger["spec"] = {"local": {"path": str(tmp_path)}}
    with pytest.raises(ProvisioningError, match="is not where volumes of node n1 are made"):
        await local_path.delete(stranger)
    assert tmp_path.exists()


@pytest.mark.parametrize(
    ("spec", "words"),
    [
        ({"volumeMode": "Block"}, "block volume"),
        ({"selector": {"matchLabels": {"a": "b"}}}, "Selector"),
        ({"accessModes": ["ReadWriteMany"]}, "ReadWriteMany is not supported"),
    ],
)
async def test_what_a_directory_can_not_be_is_refused(local_path: LocalPath, spec: Object, words: str) -> None:
    with pytest.raises(ProvisioningError, match=words):
        await local_path.provision(wish(on=node("n1"), **spec))


async def test_a_class_that_does_not_wait_for_a_pod_is_refused(local_path: LocalPath) -> None:
    with pytest.raises(ProvisioningError, match="WaitForFirstConsumer"):
        await local_path.provision(wish())


@pytest.mark.parametrize(
    ("runtime", "image"),
    [("cloudk8s-host://0.1.0", "host"), ("containerd://2.1.0", "docker.io/library/busybox:stable")],
)
async def test_another_hosts_directory_is_made_by_a_pod(
    local_path: LocalPath, client: FakeClient, runtime: str, image: str
) -> None:
    def succeed(action: Any) -> None:
        if action.resource == PODS and action.verb == "get":
            for pod in client.all(PODS):
                assert pod["spec"]["nodeName"] == "far"
                assert pod["spec"]["containers"][0]["image"] == image
                pod["status"] = {"phase": "Succeeded"}

    client.add({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "kube-system"}})
    far = node("far")
    far["status"]["nodeInfo"] = {"containerRuntimeVersion": runtime}
    client.add(far)
    client.on(succeed)
    volume = await local_path.provision(wish(on=far))
    assert volume.source["local"]["path"] == f"{ELSEWHERE}/pvc-1_ns_data"
    assert not client.all(PODS)
    await local_path.delete(made(volume))


async def test_a_cluster_gets_a_default_class_once(data_dir: Path) -> None:
    settings = ClusterSettings(data_dir=data_dir)
    async with running(controller, objects=[node("n1")], settings=settings) as world:
        await world.settle()
        found = world.get(STORAGE_CLASSES, "local-path")
        assert found["metadata"]["annotations"] == {"storageclass.kubernetes.io/is-default-class": "true"}
        assert found["volumeBindingMode"] == "WaitForFirstConsumer"
        assert found["reclaimPolicy"] == "Delete"
        annotations = {"storageclass.kubernetes.io/is-default-class": "false"}
        await world.client.patch(STORAGE_CLASSES, "local-path", {"metadata": {"annotations": annotations}})
        again = world.client
    async with running(controller, client=again, settings=settings) as world:
        await world.settle()
        assert world.get(STORAGE_CLASSES, "local-path")["metadata"]["annotations"] == annotations
        assert world.client.all(NODES)


async def test_somebody_elses_cluster_gets_no_class() -> None:
    async with running(controller, settings=ClusterSettings(data_dir=Path())) as world:
        await world.settle()
        assert not world.client.all(STORAGE_CLASSES)
