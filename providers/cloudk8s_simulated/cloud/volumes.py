"""Volumes of the simulated cloud."""

from __future__ import annotations

from collections.abc import Sequence

from cloudk8s.cloud.stack.resource import CLUSTER_TAG, OWNER_TAG
from cloudk8s.plugin import CloudError, CloudNotFound, Volume, VolumeCapabilities, VolumeRequest
from cloudk8s_simulated.cloud.account import Account, Thing
from cloudk8s_simulated.cloud.instances import instance_id, provider_id


class SimulatedVolumes:
    """Blocks of nothing, attached to one instance at a time."""

    def __init__(self, account: Account, *, zones: Sequence[str]) -> None:
        self._account = account
        self._zones = tuple(zones)

    @property
    def capabilities(self) -> VolumeCapabilities:
        return VolumeCapabilities(can_expand=True, max_per_node=16)

    def list_owned(self, cluster: str) -> Sequence[Volume]:
        return [self._volume(thing) for thing in self._account.list("volume", {CLUSTER_TAG: cluster})]

    def create(self, request: VolumeRequest) -> Volume:
        properties = {"name": request.name, "size": request.size_gib, "zone": request.zone or self._zones[0]}
        tags = {**request.tags, CLUSTER_TAG: request.cluster, OWNER_TAG: request.uid}
        return self._volume(self._account.create("volume", properties, tags, token=request.token))

    def attach(self, volume_id: str, provider_id: str) -> str:
        thing, instance = self._existing(volume_id), instance_id(provider_id)
        present = thing.properties.get("instance", "")
        if present == instance:
            return _device(thing)
        if present:
            raise CloudError(f"volume {volume_id} is attached to {present}")
        return _device(self._account.update(volume_id, {"instance": instance}))

    def detach(self, volume_id: str, provider_id: str) -> None:
        try:
            thing = self._existing(volume_id)
        except CloudNotFound:
            return
        if thing.properties.get("instance") == instance_id(provider_id):
            self._account.update(volume_id, {"instance": ""})

    def expand(self, volume_id: str, size_gib: int) -> None:
        thing = self._existing(volume_id)
        if thing.properties["size"] < size_gib:
            self._account.update(volume_id, {"size": size_gib})

    def delete(self, volume_id: str) -> None:
        thing = self._account.get([volume_id]).get(volume_id)
        if thing is not None and thing.properties.get("instance"):
            raise CloudError(f"volume {volume_id} is attached to {thing.properties['instance']}")
        if thing is not None:
            self._account.delete([volume_id])

    def _existing(self, id: str) -> Thing:
        if thing := self._account.get([id]).get(id):
            return thing
        raise CloudNotFound(f"volume {id} does not exist")

    def _volume(self, thing: Thing) -> Volume:
        properties = thing.properties
        instance = properties.get("instance", "")
        state = "creating" if not self._account.is_ready(thing) else "attached" if instance else "available"
        return Volume(
            thing.id, thing.tags.get(OWNER_TAG, ""), properties["name"], properties["size"], state,  # type: ignore[arg-type]
            properties["zone"], provider_id(properties["zone"], instance) if instance else "",
            _device(thing) if instance else "",
        )  # fmt: skip


def _device(thing: Thing) -> str:
    return f"/dev/disk/by-id/{thing.id}"
