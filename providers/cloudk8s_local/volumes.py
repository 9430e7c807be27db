"""The `Volumes` contract: a directory of this host for each volume. Sizes are noted, not enforced."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from cloudk8s.plugin import CloudError, CloudNotFound, Unsupported, Volume, VolumeCapabilities, VolumeRequest
from cloudk8s_local.account.account import Account
from cloudk8s_local.account.thing import Thing
from cloudk8s_local.ids import ZONE, thing_id


class LocalVolumes:
    """Every node of this host sees the directory; attaching says whose it is, so that no two nodes write to it."""

    def __init__(self, account: Account) -> None:
        self._account = account

    @property
    def capabilities(self) -> VolumeCapabilities:
        return VolumeCapabilities(can_expand=True)

    def list_owned(self, cluster: str) -> Sequence[Volume]:
        return [self._volume(thing) for thing in self._account.list("volume", cluster)]

    def create(self, request: VolumeRequest) -> Volume:
        if request.snapshot:
            raise Unsupported("snapshot", "the local provider has no snapshots")
        id = thing_id("volume", self._account.directory, request.cluster, request.uid)
        properties = {"name": request.name, "size": request.size_gib, "attached_to": ""}
        tags = dict(request.tags)
        thing = Thing(id, "volume", request.cluster, request.uid, properties=properties, tags=tags)
        (made,) = self._account.create("volume", [thing], lambda things, wanted: wanted)
        return self._volume(made)

    def attach(self, volume_id: str, provider_id: str) -> str:
        thing = self._existing(volume_id)
        present = thing.properties["attached_to"]
        if present and present != provider_id:
            raise CloudError(f"volume {volume_id} is attached to {present}")
        if not present:
            self._account.update(volume_id, {"attached_to": provider_id})
        return str(self.path(volume_id))

    def detach(self, volume_id: str, provider_id: str) -> None:
        thing = self._account.everything().get(volume_id)
        if thing is not None and thing.properties["attached_to"] == provider_id:
            self._account.update(volume_id, {"attached_to": ""})

    def expand(self, volume_id: str, size_gib: int) -> None:
        if self._existing(volume_id).properties["size"] < size_gib:
            self._account.update(volume_id, {"size": size_gib})

    def delete(self, volume_id: str) -> None:
        thing = self._account.everything().get(volume_id)
        if thing is not None and (where := thing.properties["attached_to"]):
            raise CloudError(f"volume {volume_id} is attached to {where}")
        self._account.delete([volume_id])

    def path(self, volume_id: str) -> Path:
        """The volume's directory."""
        return self._account.volume_directory(volume_id)

    def _existing(self, id: str) -> Thing:
        thing = self._account.everything().get(id)
        if thing is None or thing.kind != "volume":
            raise CloudNotFound(f"volume {id} does not exist")
        return thing

    def _volume(self, thing: Thing) -> Volume:
        properties, where = thing.properties, thing.properties["attached_to"]
        state = "attached" if where else "deleting" if thing.state == "deleting" else "available"
        device = str(self.path(thing.id)) if where else ""
        return Volume(thing.id, thing.owner, properties["name"], properties["size"], state, ZONE, where, device)  # type: ignore[arg-type]
