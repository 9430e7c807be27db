"""Keep container logs small: rename what has grown, let the runtime go on in a new file, compress and drop the old."""

from __future__ import annotations

import asyncio
import gzip
import logging
import shutil
from collections.abc import Callable, Iterable
from datetime import datetime
from pathlib import Path

from cloudk8s.machinery.clock import Clock
from cloudk8s.node.runtimes.interface import Container, Runtime, RuntimeFailure
from cloudk8s.node.settings import NodeSettings

INTERVAL = 10.0

_log = logging.getLogger(__name__)


class LogRotation:
    """Looks at the logs of running containers again and again."""

    def __init__(
        self, settings: NodeSettings, runtime: Runtime, *, clock: Clock, running: Callable[[], Iterable[Container]]
    ) -> None:  # fmt: skip
        self._settings, self._runtime, self._clock, self._running = settings, runtime, clock, running

    async def run(self) -> None:
        """Rotate until cancelled."""
        while True:
            await self._clock.sleep(INTERVAL)
            for container in list(self._running()):
                try:
                    await self.rotate_if_large(container)
                except (OSError, RuntimeFailure) as error:
                    _log.warning("log %s: not rotated: %s", container.log_path, error)

    async def rotate_if_large(self, container: Container) -> bool:
        """Rotate one log if it has reached its size; True where it was."""
        path = Path(container.log_path)
        if await asyncio.to_thread(_size, path) < self._settings.container_log_max_bytes:
            return False
        await asyncio.to_thread(rotate, path, self._clock.now())
        await self._runtime.reopen_log(container.id)
        await asyncio.to_thread(tidy, path, self._settings.container_log_max_files)
        return True


def rotate(path: Path, now: datetime) -> None:
    """Rename a log by time. Blocks."""
    path.rename(path.with_name(f"{path.name}.{now:%Y%m%d-%H%M%S}"))


def tidy(path: Path, max_files: int) -> None:
    """Drop the oldest files beyond `max_files`, the present one included, and compress all but the newest. Blocks."""
    old = sorted(found for found in path.parent.glob(f"{path.name}.*") if not found.name.endswith(".tmp"))
    surplus = len(old) - max(1, max_files - 1)
    for found in old[: max(0, surplus)]:
        found.unlink(missing_ok=True)
    for found in old[max(0, surplus) : -1]:
        if found.suffix != ".gz":
            _compress(found)


def remove(path: Path) -> None:
    """Remove a log with all its old files. Blocks."""
    for found in (path, *path.parent.glob(f"{path.name}.*")):
        found.unlink(missing_ok=True)


def _compress(path: Path) -> None:
    temporary = path.with_name(f"{path.name}.tmp")
    with path.open("rb") as source, gzip.open(temporary, "wb") as target:
        shutil.copyfileobj(source, target)
    temporary.rename(path.with_name(f"{path.name}.gz"))
    path.unlink()


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except FileNotFoundError:
        return 0
