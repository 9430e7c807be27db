"""Image volumes: the file system of an image, read-only, mounted by the runtime."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from cloudk8s.client.events import EventKind
from cloudk8s.client.interface import Object
from cloudk8s.node.pods.image_puller import ImageError, ImagePuller
from cloudk8s.node.volumes.interface import Mounted, Volume, VolumeError


class ImageVolumes:
    """Fulfils `VolumePlugin`."""

    name = "kubernetes.io/image"
    changes = False

    def __init__(self, images: ImagePuller, *, announce: Callable[[Object, EventKind, str, str], None]) -> None:
        self._images, self._announce = images, announce

    def supports(self, volume: Volume) -> bool:
        return "image" in volume

    async def set_up(self, pod: Object, volume: Volume, directory: Path) -> Mounted:
        source = volume["image"]
        reference = source.get("reference") or ""
        policy = source.get("pullPolicy") or ("Always" if reference.endswith(":latest") else "IfNotPresent")
        try:
            image = await self._images.ensure(
                pod, reference, policy, lambda kind, reason, note: self._announce(pod, kind, reason, note)
            )
        except ImageError as error:
            raise VolumeError(f"failed to get image {reference}: {error.reason}: {error.message}") from error
        return Mounted(Path("/"), readonly=True, image=image.id)

    async def tear_down(self, directory: Path) -> None:
        return
