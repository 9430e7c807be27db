"""Image volumes: the file system of an image, read-only, mounted by the runtime."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from pathlib import Path

from cloudk8s.client.interface import Object
from cloudk8s.node.volumes.interface import Mounted, Volume


class ImageVolumes:
    """Fulfils `VolumePlugin`; `pull` fetches the image as the volume's pull policy says and returns its id."""

    name = "kubernetes.io/image"
    changes = False

    def __init__(self, pull: Callable[[Object, Volume], Awaitable[str]]) -> None:
        self._pull = pull

    def supports(self, volume: Volume) -> bool:
        return "image" in volume

    async def set_up(self, pod: Object, volume: Volume, directory: Path) -> Mounted:
        return Mounted(Path("/"), readonly=True, image=await self._pull(pod, volume))

    async def tear_down(self, directory: Path) -> None:
        return
