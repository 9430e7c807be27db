"""One look at one claim: make its volume if it is ours to make."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

from cloudk8s.client.events import EventRecorder
from cloudk8s.client.informer import Informer
from cloudk8s.client.interface import Client, Object
from cloudk8s.client.objects import annotations_of, is_deleting, key_of, name_of, namespace_of, spec_of, uid_of
from cloudk8s.client.resources import NODES, PERSISTENT_VOLUME_CLAIMS, PERSISTENT_VOLUMES
from cloudk8s.controllers.persistent_volume.facts import (
    BETA_PROVISIONER,
    PROVISIONED_BY,
    PROVISIONER,
    SELECTED_NODE,
    access_modes,
    attributes_class,
    class_of,
    reference_to,
    wanted_size,
)
from cloudk8s.controllers.volume_provisioning.interface import (
    ProvisionedVolume,
    Provisioner,
    ProvisioningError,
    VolumeWish,
    WrongNode,
)
from cloudk8s.errors import AlreadyExists, NotFound
from cloudk8s.machinery.quantity import Format, Quantity

FINALIZER: Final = "external-provisioner.volume.kubernetes.io/finalizer"
"""Keeps a PersistentVolume until what is behind it is deleted."""


@dataclass(frozen=True, slots=True)
class ClaimSync:
    """`classes` and `volumes` are caches."""

    client: Client
    events: EventRecorder
    classes: Informer
    volumes: Informer
    provisioner: Provisioner

    async def sync(self, claim: Object) -> None:
        """Make the claim's volume; raises what the provisioner raises, after it was told to the user."""
        storage_class = self.classes.get(class_of(claim))
        if storage_class is None or not self._is_wanted(claim, storage_class):
            return
        if await self._is_made(claim):
            return
        try:
            wish = await self._wish(claim, storage_class)
        except NotFound:
            await self._choose_again(claim)
            return
        note = f'External provisioner is provisioning volume for claim "{key_of(claim)}"'
        self.events.normal(claim, "Provisioning", note)
        try:
            made = await self.provisioner.provision(wish)
        except Exception as error:
            await self._failed(claim, storage_class, error)
            raise
        await self._publish(wish, made)

    def _is_wanted(self, claim: Object, storage_class: Object) -> bool:
        annotations = annotations_of(claim)
        asked = annotations.get(PROVISIONER) or annotations.get(BETA_PROVISIONER)
        if asked != self.provisioner.name or storage_class["provisioner"] != self.provisioner.name:
            return False
        if is_deleting(claim) or spec_of(claim).get("volumeName"):
            return False
        waits = storage_class.get("volumeBindingMode") == "WaitForFirstConsumer"
        return not waits or bool(annotations.get(SELECTED_NODE))

    async def _is_made(self, claim: Object) -> bool:
        """Whether the volume is there, though the cache may not know it yet."""
        if self.volumes.get(volume_name(claim)) is not None:
            return True
        try:
            await self.client.get(PERSISTENT_VOLUMES, volume_name(claim))
        except NotFound:
            return False
        return True

    async def _wish(self, claim: Object, storage_class: Object) -> VolumeWish:
        name = annotations_of(claim).get(SELECTED_NODE)
        node = await self.client.get(NODES, name) if name else None
        return VolumeWish(volume_name(claim), claim, storage_class, int(wanted_size(claim).value), node)

    async def _failed(self, claim: Object, storage_class: Object, error: Exception) -> None:
        note = f'failed to provision volume with StorageClass "{name_of(storage_class)}": {error}'
        self.events.warning(claim, "ProvisioningFailed", note)
        if isinstance(error, WrongNode):
            await self._choose_again(claim)

    async def _choose_again(self, claim: Object) -> None:
        """Have the scheduler choose another node: this one is gone, or can't have the volume."""
        patch = {"metadata": {"annotations": {SELECTED_NODE: None}}}
        await self.client.patch(PERSISTENT_VOLUME_CLAIMS, name_of(claim), patch, namespace=namespace_of(claim))

    async def _publish(self, wish: VolumeWish, made: ProvisionedVolume) -> None:
        volume = persistent_volume(wish, made, provisioner=self.provisioner.name)
        try:
            await self.client.create(PERSISTENT_VOLUMES, volume)
        except AlreadyExists:
            return
        self.events.normal(wish.claim, "ProvisioningSucceeded", f"Successfully provisioned volume {wish.name}")


def volume_name(claim: Object) -> str:
    """The name of the volume that is made for a claim."""
    return f"pvc-{uid_of(claim)}"


def persistent_volume(wish: VolumeWish, made: ProvisionedVolume, *, provisioner: str) -> Object:
    """The PersistentVolume of what was made, reserved for its claim. Raises ProvisioningError if it is too small."""
    if made.size < wish.size:
        raise ProvisioningError(f"volume {wish.name} has {made.size} bytes, {wish.size} were asked for")
    claim, storage_class = wish.claim, wish.storage_class
    spec: dict[str, Any] = {
        "capacity": {"storage": _shown(wish, made)},
        "accessModes": list(access_modes(claim)),
        "claimRef": reference_to(claim),
        "persistentVolumeReclaimPolicy": storage_class.get("reclaimPolicy") or "Delete",
        "storageClassName": name_of(storage_class),
        "volumeMode": spec_of(claim).get("volumeMode") or "Filesystem",
        **made.source,
    }
    if options := storage_class.get("mountOptions"):
        spec["mountOptions"] = list(options)
    if made.node_affinity:
        spec["nodeAffinity"] = dict(made.node_affinity)
    if attributes := attributes_class(claim):
        spec["volumeAttributesClassName"] = attributes
    annotations = {PROVISIONED_BY: provisioner, **made.annotations}
    metadata = {"name": wish.name, "annotations": annotations, "finalizers": [FINALIZER]}
    return {"apiVersion": "v1", "kind": "PersistentVolume", "metadata": metadata, "spec": spec}


def _shown(wish: VolumeWish, made: ProvisionedVolume) -> str:
    """The size as the user wrote it where it is the one that was asked for."""
    if made.size == wish.size:
        return str(spec_of(wish.claim)["resources"]["requests"]["storage"])
    return bytes_text(made.size)


def bytes_text(size: int) -> str:
    """A number of bytes as a quantity."""
    return str(Quantity.of(size, Format.BINARY_SI))
