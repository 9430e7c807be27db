"""Write bindings, phases and what they mean for status."""

from __future__ import annotations

from dataclasses import dataclass

from cloudk8s.client.events import EventRecorder
from cloudk8s.client.interface import Client, Object
from cloudk8s.client.objects import annotations_of, name_of, spec_of, status_of, uid_of
from cloudk8s.client.resources import PERSISTENT_VOLUME_CLAIMS, PERSISTENT_VOLUMES
from cloudk8s.controllers.persistent_volume.facts import (
    BIND_COMPLETED,
    BOUND_BY_CONTROLLER,
    access_modes,
    attributes_class,
    claim_of,
    is_bound_to,
    reference_to,
    size_of,
)
from cloudk8s.machinery.quantity import parse


@dataclass(frozen=True, slots=True)
class Binding:
    """Every method leaves alone what is already as it should be, and returns the object as it is then."""

    client: Client
    events: EventRecorder

    async def bind(self, volume: Object, claim: Object) -> None:
        """Bind both to each other; a half of it that is done stays done when the rest fails."""
        volume = await self._bind_volume(volume, claim)
        volume = await self.set_volume_phase(volume, "Bound")
        claim = await self._bind_claim(claim, volume)
        await self.set_claim_phase(claim, "Bound", volume)

    async def unbind(self, volume: Object) -> None:
        """Give back a volume whose claim is bound elsewhere; one that a user reserved stays reserved by name."""
        annotations = dict(annotations_of(volume))
        spec = dict(spec_of(volume))
        if annotations.pop(BOUND_BY_CONTROLLER, None) is not None:
            del spec["claimRef"]
        else:
            spec["claimRef"] = {name: value for name, value in (claim_of(volume) or {}).items() if name != "uid"}
        metadata = {**volume["metadata"], "annotations": annotations}
        volume = await self.client.update(PERSISTENT_VOLUMES, {**volume, "metadata": metadata, "spec": spec})
        await self.set_volume_phase(volume, "Available")

    async def set_volume_phase(self, volume: Object, phase: str, message: str = "") -> Object:
        status = status_of(volume)
        if status.get("phase") == phase:
            return volume
        kept = {name: value for name, value in status.items() if name not in ("message", "reason")}
        changed = {**kept, "phase": phase} | ({"message": message} if message else {})
        return await self.client.update(PERSISTENT_VOLUMES, {**volume, "status": changed}, subresource="status")

    async def fail_volume(self, volume: Object, reason: str, message: str) -> None:
        """Mark a volume that cannot be reclaimed; the event comes once."""
        if status_of(volume).get("phase") == "Failed":
            return
        volume = await self.set_volume_phase(volume, "Failed", message)
        self.events.warning(volume, reason, message)

    async def set_claim_phase(self, claim: Object, phase: str, volume: Object | None = None) -> Object:
        """Write a claim's status; a bound one says what its volume offers."""
        status = dict(status_of(claim))
        is_new = status.get("phase") != phase
        status["phase"] = phase
        if volume is None:
            status.pop("accessModes", None)
            status.pop("capacity", None)
        else:
            status["accessModes"] = list(access_modes(volume))
            if is_new and _claimed_size(status) != size_of(volume):
                status["capacity"] = dict(spec_of(volume).get("capacity") or {})
            if is_new and attributes_class(volume):
                status["currentVolumeAttributesClassName"] = attributes_class(volume)
        if status == status_of(claim):
            return claim
        return await self.client.update(PERSISTENT_VOLUME_CLAIMS, {**claim, "status": status}, subresource="status")

    async def lose_claim(self, claim: Object, reason: str, message: str) -> None:
        """A bound claim has lost its volume for good."""
        if status_of(claim).get("phase") == "Lost":
            return
        claim = await self.set_claim_phase(claim, "Lost")
        self.events.warning(claim, reason, message)

    async def annotate_claim(self, claim: Object, **annotations: str) -> Object:
        if annotations.items() <= annotations_of(claim).items():
            return claim
        metadata = {**claim["metadata"], "annotations": {**annotations_of(claim), **annotations}}
        return await self.client.update(PERSISTENT_VOLUME_CLAIMS, {**claim, "metadata": metadata})

    async def _bind_volume(self, volume: Object, claim: Object) -> Object:
        annotations = dict(annotations_of(volume))
        if not is_bound_to(volume, claim):
            annotations.setdefault(BOUND_BY_CONTROLLER, "yes")
        reference = claim_of(volume)
        is_complete = is_bound_to(volume, claim) and (reference or {}).get("uid") == uid_of(claim)
        if is_complete and annotations == annotations_of(volume):
            return volume
        spec = spec_of(volume) if is_complete else {**spec_of(volume), "claimRef": reference_to(claim)}
        metadata = {**volume["metadata"], "annotations": annotations}
        return await self.client.update(PERSISTENT_VOLUMES, {**volume, "metadata": metadata, "spec": spec})

    async def _bind_claim(self, claim: Object, volume: Object) -> Object:
        annotations = {**annotations_of(claim), BIND_COMPLETED: "yes"}
        spec = spec_of(claim)
        if spec.get("volumeName") != name_of(volume):
            annotations.setdefault(BOUND_BY_CONTROLLER, "yes")
            spec = {**spec, "volumeName": name_of(volume)}
        if annotations == annotations_of(claim) and spec is spec_of(claim):
            return claim
        metadata = {**claim["metadata"], "annotations": annotations}
        return await self.client.update(PERSISTENT_VOLUME_CLAIMS, {**claim, "metadata": metadata, "spec": spec})


def _claimed_size(status: Object) -> object:
    capacity = (status.get("capacity") or {}).get("storage")
    return None if capacity is None else parse(capacity)
