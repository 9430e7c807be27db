from __future__ import annotations

from typing import Any

import pytest

from cloudk8s.client.interface import Object
from cloudk8s.client.objects import annotations_of, uid_of
from cloudk8s.client.resources import PERSISTENT_VOLUME_CLAIMS, PERSISTENT_VOLUMES, STORAGE_CLASSES
from cloudk8s.controllers.persistent_volume.controller import PersistentVolumeBinder
from cloudk8s.controllers.settings import ControllerSettings
from cloudk8s.errors import StatusError, Timeout
from cloudk8s.testing.fake_client import Action
from tests.controllers.harness import NS, Harness, pod, running

DONE = {"pv.kubernetes.io/bind-completed": "yes", "pv.kubernetes.io/bound-by-controller": "yes"}


def volume(
    name: str, size: str = "1Gi", *modes: str, claim: str = "", uid: str = "", class_name: str = "",
    annotations: dict[str, str] | None = None, labels: dict[str, str] | None = None, **spec: Any,
) -> Object:  # fmt: skip
    made: Object = {
        "apiVersion": "v1",
        "kind": "PersistentVolume",
        "metadata": {"name": name, "annotations": annotations or {}, "labels": labels or {}},
        "spec": {
            "capacity": {"storage": size}, "accessModes": list(modes or ("ReadWriteOnce",)),
            "persistentVolumeReclaimPolicy": "Retain", "hostPath": {"path": "/x"}, **spec,
        },
        "status": {"phase": "Pending"},
    }  # fmt: skip
    if class_name:
        made["spec"]["storageClassName"] = class_name
    if claim:
        made["spec"]["claimRef"] = {"kind": "PersistentVolumeClaim", "namespace": NS, "name": claim}
        if uid:
            made["spec"]["claimRef"]["uid"] = uid
    return made


def claim(
    name: str = "data", size: str = "1Gi", *modes: str, class_name: str | None = "", uid: str = "",
    annotations: dict[str, str] | None = None, **spec: Any,
) -> Object:  # fmt: skip
    made: Object = {
        "apiVersion": "v1",
        "kind": "PersistentVolumeClaim",
        "metadata": {"name": name, "namespace": NS, "annotations": annotations or {}},
        "spec": {
            "accessModes": list(modes or ("ReadWriteOnce",)), "resources": {"requests": {"storage": size}}, **spec,
        },
        "status": {"phase": "Pending"},
    }  # fmt: skip
    if class_name is not None:
        made["spec"]["storageClassName"] = class_name
    if uid:
        made["metadata"]["uid"] = uid
    return made


def storage_class(
    name: str, *, provisioner: str = "example.com/disks", waits: bool = False, default: bool = False
) -> Object:
    annotations = {"storageclass.kubernetes.io/is-default-class": "true"} if default else {}
    return {
        "apiVersion": "storage.k8s.io/v1",
        "kind": "StorageClass",
        "metadata": {"name": name, "annotations": annotations},
        "provisioner": provisioner,
        "volumeBindingMode": "WaitForFirstConsumer" if waits else "Immediate",
    }


def pvc(run: Harness, name: str = "data") -> Object:
    return run.get(PERSISTENT_VOLUME_CLAIMS, name)


def pv(run: Harness, name: str) -> Object:
    return run.get(PERSISTENT_VOLUMES, name)


def phase(obj: Object) -> str:
    return str(obj["status"]["phase"])


def bound_to(run: Harness, name: str = "data") -> str:
    return str(pvc(run, name)["spec"].get("volumeName", ""))


async def test_both_say_that_they_are_bound() -> None:
    async with running(PersistentVolumeBinder, objects=[volume("v", "5Gi"), claim()]) as run:
        await run.settle()
        bound, disk = pvc(run), pv(run, "v")
        assert bound["spec"]["volumeName"] == "v"
        assert annotations_of(bound) == DONE
        assert bound["status"] == {
            "phase": "Bound", "accessModes": ["ReadWriteOnce"], "capacity": {"storage": "5Gi"},
        }  # fmt: skip
        reference = disk["spec"]["claimRef"]
        assert (reference["name"], reference["uid"]) == ("data", uid_of(bound))
        assert annotations_of(disk) == {"pv.kubernetes.io/bound-by-controller": "yes"}
        assert phase(disk) == "Bound"


@pytest.mark.parametrize(
    ("wanted", "volumes", "expected"),
    [
        (claim(), [volume("large", "5Gi"), volume("small", "1Gi")], "small"),
        (claim(size="2Gi"), [volume("large", "5Gi"), volume("small", "1Gi")], "large"),
        (claim(size="9Gi"), [volume("large", "5Gi")], ""),
        (claim(), [volume("other", "1Gi", class_name="fast")], ""),
        (claim(class_name="fast"), [volume("other"), volume("own", "9Gi", class_name="fast")], "own"),
        (claim("data", "1Gi", "ReadWriteMany"), [volume("once")], ""),
        (claim(), [volume("many", "1Gi", "ReadWriteOnce", "ReadWriteMany"), volume("once", "5Gi")], "once"),
        (claim(), [volume("block", volumeMode="Block")], ""),
        (claim(volumeMode="Block"), [volume("file"), volume("block", volumeMode="Block")], "block"),
        (claim(selector={"matchLabels": {"a": "b"}}), [volume("x"), volume("y", labels={"a": "b"})], "y"),
        (claim(), [volume("small"), volume("mine", "5Gi", claim="data")], "mine"),
        (claim(), [volume("theirs", claim="other")], ""),
        (claim(volumeName="second"), [volume("first"), volume("second")], "second"),
    ],
)
async def test_the_best_volume_is_chosen(wanted: Object, volumes: list[Object], expected: str) -> None:
    async with running(PersistentVolumeBinder, objects=volumes) as run:
        await run.settle()
        run.client.add(wanted)
        await run.settle()
        assert phase(pvc(run)) == ("Bound" if expected else "Pending")
        assert bound_to(run) == expected


async def test_no_volume_is_asked_for_where_provisioning_is_off() -> None:
    fast = {
        "apiVersion": "storage.k8s.io/v1", "kind": "StorageClass", "metadata": {"name": "fast"}, "provisioner": "x.io",
    }  # fmt: skip
    for is_on in (True, False):
        options = ControllerSettings(enable_dynamic_provisioning=is_on)
        async with running(PersistentVolumeBinder, objects=[fast, claim(class_name="fast")], options=options) as run:
            await run.settle()
            assert ("volume.kubernetes.io/storage-provisioner" in annotations_of(pvc(run))) is is_on
            assert run.events("data")[0][0] == ("ExternalProvisioning" if is_on else "FailedBinding")


async def test_a_claim_gets_a_volume_that_comes_later() -> None:
    async with running(PersistentVolumeBinder, objects=[claim()]) as run:
        await run.settle()
        message = "no persistent volumes available for this claim and no storage class is set"
        assert run.events("data") == [("FailedBinding", message)]
        run.client.add(volume("v"))
        await run.settle()
        assert bound_to(run) == "v"


@pytest.mark.parametrize(
    ("given", "reason"),
    [
        (volume("v", "1Mi"), "requested PV is too small"),
        (volume("v", class_name="fast"), "storageClassName does not match"),
        (volume("v", "1Gi", "ReadOnlyMany"), "incompatible accessMode"),
        (volume("v", volumeMode="Block"), "incompatible volumeMode"),
    ],
)
async def test_a_volume_asked_for_by_name_that_does_not_fit_is_an_event(given: Object, reason: str) -> None:
    async with running(PersistentVolumeBinder, objects=[given, claim(volumeName="v")]) as run:
        await run.settle()
        assert phase(pvc(run)) == "Pending"
        assert ("VolumeMismatch", f'Cannot bind to requested volume "v": {reason}') in run.events("data")


async def test_a_volume_reserved_by_a_user_stays_reserved_when_its_claim_goes_elsewhere() -> None:
    async with running(PersistentVolumeBinder, objects=[volume("v"), claim(uid="u1")]) as run:
        await run.settle()
        run.client.add(volume("reserved", claim="data", uid="u1"))
        await run.settle()
        reserved = pv(run, "reserved")
        assert reserved["spec"]["claimRef"] == {"kind": "PersistentVolumeClaim", "namespace": NS, "name": "data"}
        assert phase(reserved) == "Available"


async def test_a_volume_whose_claim_is_deleted_is_released() -> None:
    async with running(PersistentVolumeBinder, objects=[volume("v"), claim()]) as run:
        await run.settle()
        await run.client.delete(PERSISTENT_VOLUME_CLAIMS, "data", namespace=NS)
        await run.settle()
        assert phase(pv(run, "v")) == "Released"
        run.client.add(claim("data"))
        await run.settle()
        assert phase(pvc(run)) == "Pending", "data of the old claim is still on it"


@pytest.mark.parametrize(
    ("policy", "annotations", "expected", "reason"),
    [
        ("Retain", {}, "Released", ""),
        ("Delete", {"pv.kubernetes.io/provisioned-by": "example.com/disks"}, "Released", ""),
        ("Delete", {}, "Failed", "VolumeFailedDelete"),
        ("Recycle", {}, "Failed", "VolumeFailedRecycle"),
        ("Burn", {}, "Failed", "VolumeUnknownReclaimPolicy"),
    ],
)
async def test_reclaim_policies(policy: str, annotations: dict[str, str], expected: str, reason: str) -> None:
    orphan = volume("v", claim="gone", uid="u1", annotations=annotations, persistentVolumeReclaimPolicy=policy)
    async with running(PersistentVolumeBinder, objects=[orphan]) as run:
        await run.settle()
        assert phase(pv(run, "v")) == expected
        assert [found for found, _ in run.events("v")] == ([reason] if reason else [])


async def test_a_claim_whose_volume_is_gone_is_lost() -> None:
    async with running(PersistentVolumeBinder, objects=[volume("v"), claim()]) as run:
        await run.settle()
        await run.client.delete(PERSISTENT_VOLUMES, "v")
        await run.settle()
        assert phase(pvc(run)) == "Lost"
        message = "Bound claim has lost its PersistentVolume. Data on the volume is lost!"
        assert ("ClaimLost", message) in run.events("data")


async def test_two_claims_on_one_volume() -> None:
    second = claim("second", volumeName="v", annotations=DONE)
    async with running(
        PersistentVolumeBinder, objects=[volume("v", claim="data", uid="u1"), claim(uid="u1"), second]
    ) as run:
        await run.settle()
        assert (phase(pvc(run)), phase(pvc(run, "second"))) == ("Bound", "Lost")
        assert "ClaimMisbound" in {reason for reason, _ in run.events("second")}


async def test_an_external_provisioner_is_asked_and_its_volume_bound() -> None:
    async with running(PersistentVolumeBinder, objects=[storage_class("fast"), claim(class_name="fast")]) as run:
        await run.settle()
        assert annotations_of(pvc(run)) == {
            "volume.beta.kubernetes.io/storage-provisioner": "example.com/disks",
            "volume.kubernetes.io/storage-provisioner": "example.com/disks",
        }
        reason, message = run.events("data")[0]
        assert reason == "ExternalProvisioning"
        assert message.startswith("Waiting for a volume to be created either by the external provisioner 'example.com/")
        made = volume("pvc-1", claim="data", uid=uid_of(pvc(run)), class_name="fast")
        run.client.add(made)
        await run.settle()
        assert bound_to(run) == "pvc-1"
        assert "pv.kubernetes.io/bound-by-controller" not in annotations_of(pv(run, "pvc-1"))


@pytest.mark.parametrize(
    ("classes", "message"),
    [
        ([], 'storageclass.storage.k8s.io "fast" not found'),
        (
            [storage_class("fast", provisioner="kubernetes.io/no-provisioner")],
            "no volume plugin matched name: kubernetes.io/no-provisioner",
        ),
    ],
)
async def test_a_class_that_cannot_provide_is_an_event(classes: list[Object], message: str) -> None:
    async with running(PersistentVolumeBinder, objects=[*classes, claim(class_name="fast")]) as run:
        await run.settle()
        assert ("ProvisioningFailed", message) in run.events("data")
        assert phase(pvc(run)) == "Pending"


def using(name: str, node: str = "") -> Object:
    made = pod(name)
    made["spec"]["volumes"] = [{"name": "d", "persistentVolumeClaim": {"claimName": "data"}}]
    if node:
        made["spec"]["nodeName"] = node
    return made


async def test_a_class_that_waits_leaves_the_choice_to_the_scheduler() -> None:
    local = storage_class("local", provisioner="kubernetes.io/no-provisioner", waits=True)
    async with running(PersistentVolumeBinder, objects=[local, volume("v", class_name="local")]) as run:
        run.client.add(claim(class_name="local"))
        await run.settle()
        assert bound_to(run) == ""
        assert run.events("data") == [
            ("WaitForFirstConsumer", "waiting for first consumer to be created before binding")
        ]
        run.client.add(using("web-0"))
        await run.settle(16, step=1)
        assert ("WaitForPodScheduled", "waiting for pod web-0 to be scheduled") in run.events("data")
        chosen = {**pv(run, "v")["spec"], "claimRef": {"namespace": NS, "name": "data", "uid": uid_of(pvc(run))}}
        await run.client.patch(PERSISTENT_VOLUMES, "v", {"spec": chosen})
        await run.settle()
        assert bound_to(run) == "v"


async def test_a_class_that_waits_provisions_once_a_node_is_selected() -> None:
    async with running(PersistentVolumeBinder, objects=[storage_class("fast", waits=True)]) as run:
        run.client.add(claim(class_name="fast", annotations={"volume.kubernetes.io/selected-node": "n0"}))
        await run.settle()
        assert "volume.kubernetes.io/storage-provisioner" in annotations_of(pvc(run))


async def test_a_claim_without_a_word_on_classes_gets_the_default_when_there_is_one() -> None:
    async with running(PersistentVolumeBinder, objects=[claim(class_name=None), claim("none", class_name="")]) as run:
        await run.settle()
        await run.client.create(STORAGE_CLASSES, storage_class("fast", default=True))
        await run.settle()
        assert pvc(run)["spec"]["storageClassName"] == "fast"
        assert pvc(run, "none")["spec"]["storageClassName"] == ""


@pytest.mark.parametrize("failing", range(4))
async def test_a_binding_cut_off_anywhere_is_finished_later(failing: int) -> None:
    seen = 0

    def fail(action: Action) -> None:
        nonlocal seen
        if action.verb == "update":
            seen += 1
            if seen == failing + 1:
                error: StatusError = Timeout("gone")
                raise error

    async with running(PersistentVolumeBinder, objects=[volume("v")]) as run:
        await run.settle()
        run.client.on(fail)
        run.client.add(claim())
        await run.settle(5)
        assert (phase(pvc(run)), phase(pv(run, "v"))) == ("Bound", "Bound")
        assert pvc(run)["status"]["capacity"] == {"storage": "1Gi"}
