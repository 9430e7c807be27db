from __future__ import annotations

from cloudk8s.client.interface import Object
from cloudk8s.client.objects import finalizers_of
from cloudk8s.client.resources import PERSISTENT_VOLUME_CLAIMS, PERSISTENT_VOLUMES, PODS, VOLUME_ATTRIBUTES_CLASSES
from cloudk8s.controllers.attributes_class_protection import AttributesClassProtection
from cloudk8s.controllers.claim_protection import ClaimProtection
from cloudk8s.controllers.volume_protection import VolumeProtection
from tests.controllers.harness import NS, pod, running

CLAIM: Object = {
    "apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": {"name": "data", "namespace": NS}, "spec": {},
}  # fmt: skip


def using(node: str = "", *, ephemeral: bool = False) -> Object:
    made = pod("web")
    source: Object = {"persistentVolumeClaim": {"claimName": "data"}}
    if ephemeral:
        made["metadata"]["name"], source = "da", {"ephemeral": {}}
    made["spec"]["volumes"] = [{"name": "ta" if ephemeral else "d", **source}]
    made["spec"] |= {"nodeName": node} if node else {}
    return made


async def test_a_claim_in_use_stays_until_its_pod_is_gone() -> None:
    async with running(ClaimProtection, objects=[CLAIM, using("n0")]) as run:
        run.has_kubelet = False
        await run.settle()
        assert finalizers_of(run.get(PERSISTENT_VOLUME_CLAIMS, "data")) == ["kubernetes.io/pvc-protection"]
        await run.client.delete(PERSISTENT_VOLUME_CLAIMS, "data", namespace=NS)
        await run.settle()
        assert run.names(PERSISTENT_VOLUME_CLAIMS) == ["data"]
        await run.end(run.get(PODS, "web"))
        await run.settle()
        assert run.names(PERSISTENT_VOLUME_CLAIMS) == []


async def test_a_pod_without_a_node_does_not_hold_a_claim() -> None:
    async with running(ClaimProtection, objects=[CLAIM, using()]) as run:
        await run.settle()
        await run.client.delete(PERSISTENT_VOLUME_CLAIMS, "data", namespace=NS)
        await run.settle()
        assert run.names(PERSISTENT_VOLUME_CLAIMS) == []


async def test_a_claim_of_an_ephemeral_volume_is_in_use_too() -> None:
    claim = {**CLAIM, "metadata": {**CLAIM["metadata"], "name": "da-ta"}}
    async with running(ClaimProtection, objects=[claim, using("n0", ephemeral=True)]) as run:
        run.has_kubelet = False
        await run.settle()
        await run.client.delete(PERSISTENT_VOLUME_CLAIMS, "da-ta", namespace=NS)
        await run.settle()
        assert run.names(PERSISTENT_VOLUME_CLAIMS) == ["da-ta"]


async def test_a_bound_volume_stays_until_it_is_released() -> None:
    volume: Object = {
        "apiVersion": "v1", "kind": "PersistentVolume", "metadata": {"name": "v"}, "spec": {},
        "status": {"phase": "Bound"},
    }  # fmt: skip
    async with running(VolumeProtection, objects=[volume]) as run:
        await run.settle()
        await run.client.delete(PERSISTENT_VOLUMES, "v")
        await run.settle()
        assert run.names(PERSISTENT_VOLUMES) == ["v"]
        released = {"status": {"phase": "Released"}}
        await run.client.patch(PERSISTENT_VOLUMES, "v", released, subresource="status")
        await run.settle()
        assert run.names(PERSISTENT_VOLUMES) == []


async def test_an_attributes_class_stays_while_a_claim_has_it() -> None:
    fast: Object = {
        "apiVersion": "storage.k8s.io/v1", "kind": "VolumeAttributesClass", "metadata": {"name": "fast"},
        "driverName": "d",
    }  # fmt: skip
    claim = {**CLAIM, "spec": {"volumeAttributesClassName": "fast"}}
    async with running(AttributesClassProtection, objects=[fast, claim]) as run:
        await run.settle()
        await run.client.delete(VOLUME_ATTRIBUTES_CLASSES, "fast")
        await run.settle()
        assert run.names(VOLUME_ATTRIBUTES_CLASSES) == ["fast"]
        await run.client.delete(PERSISTENT_VOLUME_CLAIMS, "data", namespace=NS)
        await run.settle()
        assert run.names(VOLUME_ATTRIBUTES_CLASSES) == []
