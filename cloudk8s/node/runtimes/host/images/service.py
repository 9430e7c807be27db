"""The images a container may be made of: the host's own file system, and what was loaded or pulled."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from cloudk8s.node.runtimes.host.images.image import HOST_IMAGE, HOST_ROOT, ImageRoot, is_host
from cloudk8s.node.runtimes.interface import Credentials, FilesystemUsage, Image, ImageMissing, RegistryUnavailable


class HostImages:
    """Fulfils `ImageService`."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory

    async def list_images(self) -> Sequence[Image]:
        return [HOST_IMAGE]

    async def image_status(self, reference: str) -> Image | None:
        return HOST_IMAGE if is_host(reference) else None

    async def pull_image(self, reference: str, credentials: Credentials | None = None) -> str:
        if is_host(reference):
            return HOST_IMAGE.id
        raise RegistryUnavailable(f"{reference}: pulling from registries is not possible yet")

    async def remove_image(self, reference: str) -> None:
        return

    async def image_filesystem(self) -> FilesystemUsage:
        return FilesystemUsage(str(self._directory), 0)

    async def root(self, reference: str) -> ImageRoot:
        """What a container of this image runs in; ImageMissing where it is not on this host."""
        if is_host(reference):
            return HOST_ROOT
        raise ImageMissing(f"{reference}: no such image")
