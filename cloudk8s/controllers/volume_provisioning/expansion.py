"""One look at one claim: let its volume grow when more is asked for than it has."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from cloudk8s.client.events import EventRecorder
from cloudk8s.client.informer import Informer
from cloudk8s.client.interface import Client, Object
from cloudk8s.client.objects import annotations_of, name_of, spec_of, status_of
from cloudk8s.client.resources import PERSISTENT_VOLUME_CLAIMS, PERSISTENT_VOLUMES
from cloudk8s.controllers.persistent_volume.facts import PROVISIONED_BY, is_bound_to, size_of, wanted_size
from cloudk8s.controllers.volume_provisioning.claims import bytes_text
from cloudk8s.controllers.volume_provisioning.interface import Provisioner
from cloudk8s.machinery.clock import Clock
from cloudk8s.machinery.quantity import Quantity, parse
from cloudk8s.machinery.times import format_time

_RESIZING: Final = ("Resizing", "FileSystemResizePending", "ControllerResizeError", "NodeResizeError")


@dataclass(frozen=True, slots=True)
class ExpansionSync:
    """`volumes` is a cache. A volume never shrinks."""

    client: Client
    events: EventRecorder
    clock: Clock
    volumes: Informer
    provisioner: Provisioner

    async def sync(self, claim: Object) -> None:
        """Grow the claim's volume; raises what the provisioner raises, after it was told to the user."""
        volume = self._volume_to_grow(claim)
        if volume is None:
            return
        if not size_of(volume) < wanted_size(claim):
            if _waits_for_node(claim):
                return
            await self._finished(claim, size_of(volume))
            return
        claim = await self._started(claim)
        self.events.normal(claim, "Resizing", f"External resizer is resizing volume {name_of(volume)}")
        try:
            grown = await self.provisioner.expand(volume, int(wanted_size(claim).value))
        except Exception as error:
            note = f'resize volume "{name_of(volume)}" by resizer "{self.provisioner.name}" failed: {error}'
            self.events.warning(claim, "VolumeResizeFailed", note)
            raise
        size = parse(bytes_text(grown.size))
        patch = {"spec": {"capacity": {"storage": str(size)}}}
        await self.client.patch(PERSISTENT_VOLUMES, name_of(volume), patch)
        await (self._left_to_node(claim) if grown.needs_node else self._finished(claim, size))

    def _volume_to_grow(self, claim: Object) -> Object | None:
        has = (status_of(claim).get("capacity") or {}).get("storage")
        if status_of(claim).get("phase") != "Bound" or not has or not parse(has) < wanted_size(claim):
            return None
        volume = self.volumes.get(spec_of(claim).get("volumeName") or "")
        if volume is None or not is_bound_to(volume, claim):
            return None
        return volume if annotations_of(volume).get(PROVISIONED_BY) == self.provisioner.name else None

    async def _started(self, claim: Object) -> Object:
        wanted = spec_of(claim)["resources"]["requests"]["storage"]
        return await self._write(claim, "Resizing", "", {
            "allocatedResources": {**(status_of(claim).get("allocatedResources") or {}), "storage": wanted},
            "allocatedResourceStatuses": {"storage": "ControllerResizeInProgress"},
        })  # fmt: skip

    async def _left_to_node(self, claim: Object) -> None:
        note = "Waiting for user to (re-)start a pod to finish file system resize of volume on node."
        changed = {"allocatedResourceStatuses": {"storage": "NodeResizePending"}}
        await self._write(claim, "FileSystemResizePending", note, changed)
        note = "Require file system resize of volume on node"
        self.events.normal(claim, "FileSystemResizeRequired", note)

    async def _finished(self, claim: Object, size: Quantity) -> None:
        changed = {"capacity": {"storage": str(size)}, "allocatedResourceStatuses": None}
        await self._write(claim, "", "", changed)
        self.events.normal(claim, "VolumeResizeSuccessful", "Resize volume succeeded")

    async def _write(self, claim: Object, condition: str, message: str, changed: Mapping[str, Any]) -> Object:
        """Write what changed of the status, and the one condition on resizing that holds now."""
        conditions = [each for each in status_of(claim).get("conditions") or () if each["type"] not in _RESIZING]
        conditions += self._condition(condition, message)
        status = {key: value for key, value in {**status_of(claim), **changed}.items() if value is not None}
        status |= {"conditions": conditions} if conditions else {}
        if not conditions:
            status.pop("conditions", None)
        return await self.client.update(PERSISTENT_VOLUME_CLAIMS, {**claim, "status": status}, subresource="status")

    def _condition(self, name: str, message: str) -> Sequence[Mapping[str, Any]]:
        if not name:
            return ()
        condition = {"type": name, "status": "True", "lastTransitionTime": format_time(self.clock.now())}
        return ({**condition, **({"message": message} if message else {})},)


def _waits_for_node(claim: Object) -> bool:
    found = (status_of(claim).get("allocatedResourceStatuses") or {}).get("storage", "")
    return str(found).startswith("NodeResize")
