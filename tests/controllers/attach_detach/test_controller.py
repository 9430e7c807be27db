from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from cloudk8s.client.interface import Object
from cloudk8s.client.objects import name_of, status_of, uid_of
from cloudk8s.client.resources import NODES, PERSISTENT_VOLUMES, PODS, VOLUME_ATTACHMENTS
from cloudk8s.controllers.attach_detach.controller import AttachDetachController
from cloudk8s.controllers.settings import ControllerSettings
from tests.controllers.harness import NS, Harness, node, pod, running

UNIQUE = "kubernetes.io/csi/disk.example.com^vol-1"
MANAGED = {"volumes.kubernetes.io/controller-managed-attach-detach": "true"}


def volume(*modes: str) -> Object:
    spec = {
        "csi": {"driver": "disk.example.com", "volumeHandle": "vol-1"},
        "accessModes": list(modes or ("ReadWriteOnce",)),
        "claimRef": {"namespace": NS, "name": "data", "uid": "claim-uid"},
    }
    return {"apiVersion": "v1", "kind": "PersistentVolume", "metadata": {"name": "pv"}, "spec": spec}


def claim() -> Object:
    metadata = {"name": "data", "namespace": NS, "uid": "claim-uid"}
    return {"apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": metadata, "spec": {"volumeName": "pv"}}


def driver(**spec: Any) -> Object:
    return {
        "apiVersion": "storage.k8s.io/v1",
        "kind": "CSIDriver",
        "metadata": {"name": "disk.example.com"},
        "spec": spec,
    }


def using(name: str, node_name: str) -> Object:
    made = pod(name)
    made["spec"] |= {"nodeName": node_name, "volumes": [{"name": "v", "persistentVolumeClaim": {"claimName": "data"}}]}
    return made


@asynccontextmanager
async def cluster(*objects: Object, options: ControllerSettings | None = None) -> AsyncIterator[Harness]:
    nodes = [node(name, annotations=MANAGED) for name in ("one", "two")]
    there = [volume(), claim(), *nodes, *objects]
    if any(item["kind"] == "PersistentVolume" for item in objects):
        there.remove(there[0])
    async with running(AttachDetachController, objects=there, options=options) as run:
        await run.settle(0.2)
        yield run


def attachments(run: Harness) -> list[str]:
    return [item["spec"]["nodeName"] for item in run.client.all(VOLUME_ATTACHMENTS)]


async def attach(run: Harness) -> None:
    """What the driver's attacher does."""
    for item in run.client.all(VOLUME_ATTACHMENTS):
        patch = {"status": {"attached": True}}
        await run.client.patch(VOLUME_ATTACHMENTS, name_of(item), patch, subresource="status")
    await run.settle(0.2)


async def in_use(run: Harness, name: str, *volumes: str) -> None:
    await run.client.patch(NODES, name, {"status": {"volumesInUse": list(volumes)}}, subresource="status")
    await run.settle(0.2)


async def ready(run: Harness, name: str, status: str) -> None:
    conditions = [{"type": "Ready", "status": status}]
    await run.client.patch(NODES, name, {"status": {"conditions": conditions}}, subresource="status")
    await run.settle(0.2)


def told(run: Harness, name: str) -> list[str]:
    return [item["name"] for item in status_of(run.get(NODES, name)).get("volumesAttached") or ()]


async def test_a_volume_is_attached_where_a_pod_is_and_the_node_and_the_pod_are_told() -> None:
    async with cluster(using("web", "one")) as run:
        (made,) = run.client.all(VOLUME_ATTACHMENTS)
        assert made["spec"] == {
            "attacher": "disk.example.com", "nodeName": "one", "source": {"persistentVolumeName": "pv"}
        }  # fmt: skip
        assert name_of(made).startswith("csi-")
        assert len(name_of(made)) == 68
        assert told(run, "one") == []
        await attach(run)
        assert told(run, "one") == [UNIQUE]
        assert run.events("web") == [
            ("SuccessfulAttachVolume", 'AttachVolume.Attach succeeded for volume "pv" '),
        ]


async def test_a_failure_of_the_attacher_is_an_event_on_the_pod() -> None:
    async with cluster(using("web", "one")) as run:
        (made,) = run.client.all(VOLUME_ATTACHMENTS)
        patch = {"status": {"attached": False, "attachError": {"message": "no such disk"}}}
        await run.client.patch(VOLUME_ATTACHMENTS, name_of(made), patch, subresource="status")
        await run.settle(0.2)
        message = 'AttachVolume.Attach failed for volume "pv" : no such disk'
        assert ("FailedAttachVolume", message) in run.events("web")


async def test_drivers_that_need_no_attaching_and_nodes_that_attach_themselves_are_left_alone() -> None:
    async with cluster(driver(attachRequired=False), using("web", "one")) as run:
        assert attachments(run) == []
    async with cluster(node("self"), using("web", "self")) as run:
        assert attachments(run) == []


async def test_a_volume_is_detached_once_its_pod_is_gone_and_the_node_has_let_go() -> None:
    async with cluster(using("web", "one")) as run:
        await attach(run)
        await in_use(run, "one", UNIQUE)
        await run.end(run.get(PODS, "web"))
        await run.settle(400, step=5)
        assert attachments(run) == ["one"], "a healthy node is waited for, however long"
        assert told(run, "one") == [UNIQUE]
        await in_use(run, "one")
        assert attachments(run) == []
        assert told(run, "one") == []


async def test_a_finished_pod_does_not_hold_its_volume() -> None:
    async with cluster(using("web", "one")) as run:
        await attach(run)
        await run.set_pod(run.get(PODS, "web"), phase="Succeeded")
        await run.settle(0.2)
        assert attachments(run) == []


async def test_an_unhealthy_node_loses_its_volumes_after_six_minutes() -> None:
    async with cluster(using("web", "one")) as run:
        await attach(run)
        await in_use(run, "one", UNIQUE)
        await ready(run, "one", "Unknown")
        await run.end(run.get(PODS, "web"))
        await run.settle(355, step=5)
        assert attachments(run) == ["one"]
        await run.settle(10, step=5)
        assert attachments(run) == []


async def test_forcing_can_be_switched_off() -> None:
    options = ControllerSettings(disable_force_detach_on_timeout=True)
    async with cluster(using("web", "one"), options=options) as run:
        await attach(run)
        await in_use(run, "one", UNIQUE)
        await ready(run, "one", "Unknown")
        await run.end(run.get(PODS, "web"))
        await run.settle(800, step=5)
        assert attachments(run) == ["one"]


async def test_a_node_out_of_service_loses_its_volumes_at_once() -> None:
    async with cluster(using("web", "one")) as run:
        await attach(run)
        await in_use(run, "one", UNIQUE)
        await run.end(run.get(PODS, "web"))
        await run.settle(0.2)
        assert attachments(run) == ["one"]
        taint = {"key": "node.kubernetes.io/out-of-service", "value": "nodeshutdown", "effect": "NoExecute"}
        await run.client.patch(NODES, "one", {"spec": {"taints": [taint]}})
        await run.settle(0.2)
        assert attachments(run) == []


async def test_a_node_that_is_gone_loses_its_volumes_at_once() -> None:
    async with cluster(using("web", "one")) as run:
        await attach(run)
        await in_use(run, "one", UNIQUE)
        await run.client.delete(NODES, "one")
        await run.settle(0.2)
        assert attachments(run) == []


async def test_an_exclusive_volume_waits_until_the_other_node_has_given_it_up() -> None:
    async with cluster(using("old", "one")) as run:
        await attach(run)
        run.client.add(using("new", "two"))
        await run.settle(0.2)
        assert attachments(run) == ["one"]
        message = 'Multi-Attach error for volume "pv" Volume is already used by pod(s) old'
        assert run.events("new") == [("FailedAttachVolume", message)]
        await run.end(run.get(PODS, "old"))
        await run.settle(0.5)
        assert attachments(run) == ["two"]


async def test_a_shared_volume_is_attached_everywhere() -> None:
    async with cluster(volume("ReadWriteMany"), using("a", "one"), using("b", "two")) as run:
        assert sorted(attachments(run)) == ["one", "two"]


async def test_a_pod_that_comes_back_in_time_keeps_the_volume_where_it_is() -> None:
    async with cluster(using("web", "one")) as run:
        await attach(run)
        await in_use(run, "one", UNIQUE)
        before = uid_of(run.client.all(VOLUME_ATTACHMENTS)[0])
        await run.end(run.get(PODS, "web"))
        await run.settle(1)
        run.client.add(using("web", "one"))
        await run.settle(1)
        await in_use(run, "one")
        assert [uid_of(item) for item in run.client.all(VOLUME_ATTACHMENTS)] == [before]
        assert told(run, "one") == [UNIQUE]


async def test_attachments_of_others_are_not_touched() -> None:
    other = {
        "apiVersion": "storage.k8s.io/v1",
        "kind": "VolumeAttachment",
        "metadata": {"name": "by-hand"},
        "spec": {"attacher": "disk.example.com", "nodeName": "one", "source": {"persistentVolumeName": "pv"}},
    }
    async with cluster(other) as run:
        await run.settle(5)
        assert run.names(VOLUME_ATTACHMENTS) == ["by-hand"]


async def test_a_volume_whose_object_was_deleted_by_force_is_still_detached() -> None:
    async with cluster(using("web", "one")) as run:
        await attach(run)
        await run.client.delete(PERSISTENT_VOLUMES, "pv")
        await run.settle(0.5)
        assert attachments(run) == []


async def test_a_restart_goes_on_where_the_last_one_stopped() -> None:
    async with cluster(using("web", "one")) as run:
        await attach(run)
        client, clock, count = run.client, run.clock, len(run.events("web"))
    async with running(AttachDetachController, client=client, clock=clock) as run:
        await run.settle(1)
        assert attachments(run) == ["one"]
        assert told(run, "one") == [UNIQUE]
        assert len(run.events("web")) == count
