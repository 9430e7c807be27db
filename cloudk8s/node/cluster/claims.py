"""Claims and persistent volumes, read when a pod needs them."""

from __future__ import annotations

from cloudk8s.client.interface import Client, Object
from cloudk8s.client.resources import PERSISTENT_VOLUME_CLAIMS, PERSISTENT_VOLUMES
from cloudk8s.errors import NotFound


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
