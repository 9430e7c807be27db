"""One look at one volume: delete what is behind it when nobody claims it any more."""

from __future__ import annotations

from dataclasses import dataclass

from cloudk8s.client.events import EventRecorder
from cloudk8s.client.interface import Client, DeleteOptions, Object
from cloudk8s.client.objects import annotations_of, finalizers_of, is_deleting, name_of, spec_of, status_of, uid_of
from cloudk8s.client.resources import PERSISTENT_VOLUMES
from cloudk8s.controllers.persistent_volume.facts import MIGRATED_TO, PROVISIONED_BY
from cloudk8s.controllers.volume_provisioning.claims import FINALIZER
from cloudk8s.controllers.volume_provisioning.interface import Provisioner
from cloudk8s.errors import NotFound


@dataclass(frozen=True, slots=True)
class VolumeSync:
    """Deletes the data before the object, so that nothing is left that no object names."""

    client: Client
    events: EventRecorder
    provisioner: Provisioner

    async def sync(self, volume: Object) -> None:
        """Delete a released volume; raises what the provisioner raises, after it was told to the user."""
        if not self._is_ours(volume):
            return
        if not _is_to_go(volume):
            await self._keep_or_let_go(volume)
            return
        try:
            await self.provisioner.delete(volume)
        except Exception as error:
            self.events.warning(volume, "VolumeFailedDelete", str(error))
            raise
        try:
            if not is_deleting(volume):
                await self.client.delete(PERSISTENT_VOLUMES, name_of(volume), options=DeleteOptions(uid=uid_of(volume)))
            await self._remove_finalizer(volume)
        except NotFound:
            return

    def _is_ours(self, volume: Object) -> bool:
        annotations = annotations_of(volume)
        return self.provisioner.name in (annotations.get(PROVISIONED_BY), annotations.get(MIGRATED_TO))

    async def _keep_or_let_go(self, volume: Object) -> None:
        """The object of a volume that is to be retained may go without its data."""
        if is_deleting(volume) and spec_of(volume).get("persistentVolumeReclaimPolicy") != "Delete":
            await self._remove_finalizer(volume)

    async def _remove_finalizer(self, volume: Object) -> None:
        volume = await self.client.get(PERSISTENT_VOLUMES, name_of(volume))
        finalizers = [each for each in finalizers_of(volume) if each != FINALIZER]
        if len(finalizers) != len(finalizers_of(volume)):
            metadata = {**volume["metadata"], "finalizers": finalizers}
            await self.client.update(PERSISTENT_VOLUMES, {**volume, "metadata": metadata})


def _is_to_go(volume: Object) -> bool:
    if spec_of(volume).get("persistentVolumeReclaimPolicy") != "Delete":
        return False
    return status_of(volume).get("phase") in ("Released", "Failed")
