"""Claims and persistent volumes, read when a pod needs them."""

from __future__ import annotations

from cloudk8s.client.interface import Client, Object
from cloudk8s.client.objects import status_of
from cloudk8s.client.resources import PERSISTENT_VOLUME_CLAIMS, PERSISTENT_VOLUMES
from cloudk8s.errors import NotFound

_RESIZE_FIELDS = ("conditions", "allocatedResourceStatuses")


class ClaimReader:
    """Fulfils `ClaimSource`."""

    def __init__(self, client: Client) -> None:
        self._client = client

    async def claim(self, namespace: str, name: str) -> Object | None:
        try:
            return await self._client.get(PERSISTENT_VOLUME_CLAIMS, name, namespace=namespace)
        except NotFound:
            return None

    async def persistent_volume(self, name: str) -> Object | None:
        try:
            return await self._client.get(PERSISTENT_VOLUMES, name)
        except NotFound:
            return None

    async def resized(self, claim: Object, size: str) -> None:
        conditions = [
            each for each in status_of(claim).get("conditions") or () if each["type"] != "FileSystemResizePending"
        ]
        status = {key: value for key, value in status_of(claim).items() if key not in _RESIZE_FIELDS}
        status |= {"capacity": {**(status.get("capacity") or {}), "storage": size}}
        status |= {"conditions": conditions} if conditions else {}
        await self._client.update(PERSISTENT_VOLUME_CLAIMS, {**claim, "status": status}, subresource="status")
