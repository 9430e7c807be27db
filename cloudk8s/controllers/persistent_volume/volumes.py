"""One look at one volume: is its claim still there, and if not, what becomes of it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from cloudk8s.client.events import EventRecorder
from cloudk8s.client.informer import Informer
from cloudk8s.client.interface import Client, Object
from cloudk8s.client.objects import annotations_of, key_of, name_of, spec_of, status_of, uid_of
from cloudk8s.client.resources import PERSISTENT_VOLUME_CLAIMS
from cloudk8s.controllers.persistent_volume.binding import Binding
from cloudk8s.controllers.persistent_volume.facts import (
    MIGRATED_TO,
    PROVISIONED_BY,
    claim_key,
    claim_of,
    has_mode_of,
)
from cloudk8s.errors import NotFound


@dataclass(frozen=True, slots=True)
class VolumeSync:
    """`claims` is the cache of claims; `look_at_claim` has a claim looked at soon."""

    client: Client
    events: EventRecorder
    binding: Binding
    claims: Informer
    look_at_claim: Callable[[str], None]

    async def sync(self, volume: Object) -> None:
        reference = claim_of(volume)
        if reference is None or not reference.get("uid"):
            await self.binding.set_volume_phase(volume, "Available")
            return
        claim = await self._claim(volume, reference["uid"])
        if claim is None:
            await self._release(volume)
            return
        bound_to = spec_of(claim).get("volumeName")
        if not bound_to:
            self._wait_for_claim(volume, claim)
        elif bound_to == name_of(volume):
            await self.binding.set_volume_phase(volume, "Bound")
        elif PROVISIONED_BY in annotations_of(volume) and _policy(volume) == "Delete":
            await self._release(volume)
        else:
            await self.binding.unbind(volume)

    async def _claim(self, volume: Object, uid: str) -> Object | None:
        """The claim with that UID; the server is asked before it counts as gone, for its volume may be deleted then."""
        claim = self.claims.get_key(claim_key(volume))
        if claim is not None and uid_of(claim) == uid:
            return claim
        namespace, _, name = claim_key(volume).rpartition("/")
        try:
            claim = await self.client.get(PERSISTENT_VOLUME_CLAIMS, name, namespace=namespace)
        except NotFound:
            return None
        return claim if uid_of(claim) == uid else None

    def _wait_for_claim(self, volume: Object, claim: Object) -> None:
        if has_mode_of(volume, claim):
            self.look_at_claim(key_of(claim))
            return
        why = "due to incompatible volumeMode."
        ours = f'Cannot bind PersistentVolume to requested PersistentVolumeClaim "{name_of(claim)}" {why}'
        theirs = f'Cannot bind PersistentVolume "{name_of(volume)}" to requested PersistentVolumeClaim {why}'
        self.events.warning(volume, "VolumeMismatch", ours)
        self.events.warning(claim, "VolumeMismatch", theirs)

    async def _release(self, volume: Object) -> None:
        if status_of(volume).get("phase") not in ("Released", "Failed"):
            volume = await self.binding.set_volume_phase(volume, "Released")
        if annotations_of(volume).get(MIGRATED_TO):
            return
        match _policy(volume):
            case "Retain":
                return
            case "Delete":
                await self._delete(volume)
            case "Recycle":
                message = "No recycler plugin found for the volume!"
                await self.binding.fail_volume(volume, "VolumeFailedRecycle", message)
            case _:
                message = "Volume has unrecognized PersistentVolumeReclaimPolicy"
                await self.binding.fail_volume(volume, "VolumeUnknownReclaimPolicy", message)

    async def _delete(self, volume: Object) -> None:
        """Whoever made the volume sees that it is released and deletes it; nobody can delete any other."""
        provisioner = annotations_of(volume).get(PROVISIONED_BY, "")
        if provisioner and not provisioner.startswith("kubernetes.io/"):
            return
        message = (
            f'error getting deleter volume plugin for volume "{name_of(volume)}": no deletable volume plugin matched'
        )
        await self.binding.fail_volume(volume, "VolumeFailedDelete", message)


def _policy(volume: Object) -> str:
    return str(spec_of(volume).get("persistentVolumeReclaimPolicy") or "Retain")
