"""Removes images that nothing uses when their file system fills up, the longest unused first, or when they are old."""

from __future__ import annotations

import asyncio
import logging
import shutil
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from cloudk8s.machinery.clock import Clock
from cloudk8s.node.runtimes.interface import Image, Runtime, RuntimeFailure
from cloudk8s.node.settings import NodeSettings

INTERVAL = 300.0
MIN_AGE = 120.0
"""An image that was used this recently is not removed."""

Announce = Callable[[str, str], None]
"""Called with reason and note of a warning about the node."""
_log = logging.getLogger(__name__)


class ImageCollector:
    """Looks every few minutes, and when somebody asks for room. `held` tells the images that pods have as volumes."""

    def __init__(
        self, settings: NodeSettings, runtime: Runtime, *, clock: Clock, held: Callable[[], set[str]],
        announce: Announce = lambda reason, note: None,
    ) -> None:  # fmt: skip
        self._settings, self._runtime, self._clock, self._announce = settings, runtime, clock, announce
        self._held = held
        self._last_used: dict[str, float] = {}

    async def run(self) -> None:
        """Collect until cancelled."""
        while True:
            try:
                await self.look()
            except (OSError, RuntimeFailure) as error:
                _log.warning("images could not be looked through: %s", error)
                self._announce("ImageGCFailed", str(error))
            await self._clock.sleep(INTERVAL)

    async def look(self) -> list[str]:
        """Note what is in use and, if there is need, remove what is not; returns the ids that were removed."""
        images, used = await self._note()
        removed = await self._remove(self._outdated(images, used))
        filesystem = await self._runtime.image_filesystem()
        disk = await asyncio.to_thread(shutil.disk_usage, _existing(Path(filesystem.mountpoint or "/")))
        surplus = to_free(
            disk.used, disk.total, self._settings.image_gc_high_percent, self._settings.image_gc_low_percent
        )
        if not surplus:
            return removed
        left = [image for image in images if image.id not in removed]
        chosen = choose(left, used, self._last_used, self._clock.monotonic(), surplus)
        if (found := sum(image.size for image in chosen)) < surplus:
            note = (
                f"Failed to garbage collect required amount of images. Attempted to free {surplus} bytes, "
                f"but only found {found} bytes eligible to free."
            )
            self._announce("FreeDiskSpaceFailed", note)
        return removed + await self._remove(chosen)

    async def remove_unused(self) -> list[str]:
        """The disk is needed: remove all that nothing uses."""
        images, used = await self._note()
        return await self._remove(choose(images, used, self._last_used, self._clock.monotonic(), sys.maxsize))

    async def _note(self) -> tuple[Sequence[Image], set[str]]:
        """The images, and the names of those in use."""
        images = await self._runtime.list_images()
        used = {container.image_id for container in await self._runtime.list_containers()} | self._held()
        now = self._clock.monotonic()
        for image in images:
            if image.id in used or used & {*image.tags, *image.digests} or image.id not in self._last_used:
                self._last_used[image.id] = now
        known = {image.id for image in images}
        self._last_used = {key: value for key, value in self._last_used.items() if key in known}
        return images, used

    def _outdated(self, images: Sequence[Image], used: set[str]) -> list[Image]:
        """Those that nothing has used for longer than they may be kept."""
        most, now = self._settings.image_maximum_age_seconds, self._clock.monotonic()
        if not most:
            return []
        unused = choose(images, used, self._last_used, now, sys.maxsize)
        return [image for image in unused if now - self._last_used[image.id] > most]

    async def _remove(self, images: list[Image]) -> list[str]:
        for image in images:
            await self._runtime.remove_image(image.id)
            _log.info("removed the unused image %s", next(iter(image.tags), image.id))
        return [image.id for image in images]


def to_free(used: int, total: int, high: int, low: int) -> int:
    """How many bytes must go: none below the high mark, down to the low one above it. Pure."""
    return used - total * low // 100 if used * 100 >= total * high else 0


def choose(
    images: Sequence[Image], used: set[str], last_used: Mapping[str, float], now: float, surplus: int
) -> list[Image]:  # fmt: skip
    """The images to remove, the longest unused first, until enough is freed. Pure."""
    free = [
        image
        for image in images
        if not image.pinned and image.id not in used and not used & {*image.tags, *image.digests}
        and now - last_used.get(image.id, now) >= MIN_AGE
    ]  # fmt: skip
    chosen: list[Image] = []
    for image in sorted(free, key=lambda each: last_used[each.id]):
        if surplus <= 0:
            break
        chosen.append(image)
        surplus -= image.size
    return chosen


def _existing(path: Path) -> Path:
    return next(each for each in (path, *path.parents) if each.exists())
