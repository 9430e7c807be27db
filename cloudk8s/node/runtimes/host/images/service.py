"""The images a container may be made of: the host's own file system, and what was loaded or pulled."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection, Sequence
from pathlib import Path

from cloudk8s.node.runtimes.host.images import reference as references
from cloudk8s.node.runtimes.host.images.image import HOST_IMAGE, HOST_ROOT, ImageRoot, is_host
from cloudk8s.node.runtimes.host.images.pull import pull
from cloudk8s.node.runtimes.host.images.store import ImageStore, StoredImage
from cloudk8s.node.runtimes.interface import (
    CreateFailed,
    Credentials,
    FilesystemUsage,
    Image,
    ImageMissing,
    ImagePullFailed,
)

_NEEDS_MOUNTS = (
    "images need mount namespaces, which this user does not get on this host; only the image `host` runs here"
)


class HostImages:
    """Fulfils `ImageService`. `in_use` tells the images of existing containers."""

    def __init__(
        self, directory: Path, *, is_overlay: bool, can_run: bool, in_use: Callable[[], Collection[str]]
    ) -> None:  # fmt: skip
        self._directory, self._can_run, self._in_use = directory, can_run, in_use
        self.store = ImageStore(directory, is_overlay=is_overlay)
        self._pulls: dict[tuple[str, Credentials | None], asyncio.Task[StoredImage]] = {}

    async def list_images(self) -> Sequence[Image]:
        return [HOST_IMAGE, *(image.as_image() for image in await asyncio.to_thread(self.store.all))]

    async def image_status(self, reference: str) -> Image | None:
        if is_host(reference):
            return HOST_IMAGE
        found = await self._find(reference)
        return None if found is None else found.as_image()

    async def pull_image(self, reference: str, credentials: Credentials | None = None) -> str:
        if is_host(reference):
            return HOST_IMAGE.id
        if not self._can_run:
            raise ImagePullFailed(_NEEDS_MOUNTS)
        parsed = references.parse(reference)
        key = (str(parsed), credentials)
        if key not in self._pulls:
            work = asyncio.to_thread(pull, self.store, parsed, credentials, scratch=self._directory / "scratch")
            self._pulls[key] = asyncio.create_task(work, name=f"pull of {parsed}")
            self._pulls[key].add_done_callback(lambda _: self._pulls.pop(key, None))
        return (await asyncio.shield(self._pulls[key])).id

    async def remove_image(self, reference: str) -> None:
        found = None if is_host(reference) else await self._find(reference)
        if found is not None:
            await asyncio.to_thread(self.store.remove, found, in_use=self._in_use())

    async def image_filesystem(self) -> FilesystemUsage:
        return FilesystemUsage(str(self._directory), await asyncio.to_thread(self.store.used_bytes))

    async def root(self, reference: str) -> ImageRoot:
        """What a container of this image runs in; ImageMissing where it is not on this host."""
        if is_host(reference):
            return HOST_ROOT
        found = await self._find(reference)
        if found is None:
            raise ImageMissing(f"{reference}: no such image")
        if not self._can_run:
            raise CreateFailed(_NEEDS_MOUNTS)
        return self.store.root(found)

    async def _find(self, reference: str) -> StoredImage | None:
        wanted = reference if reference.startswith("sha256:") else references.parse(reference)
        return await asyncio.to_thread(self.store.find, wanted)


class WithImages:
    """The part of `Runtime` that hands on to the images; who inherits it has them."""

    _images: HostImages

    async def list_images(self) -> Sequence[Image]:
        return await self._images.list_images()

    async def image_status(self, reference: str) -> Image | None:
        return await self._images.image_status(reference)

    async def pull_image(self, reference: str, credentials: Credentials | None = None) -> str:
        return await self._images.pull_image(reference, credentials)

    async def remove_image(self, reference: str) -> None:
        await self._images.remove_image(reference)

    async def image_filesystem(self) -> FilesystemUsage:
        return await self._images.image_filesystem()
