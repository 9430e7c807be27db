"""The marks that a node's settings name, and what the node has left above them."""

from __future__ import annotations

import asyncio
from pathlib import Path

from cloudk8s.node.pressure import thresholds
from cloudk8s.node.pressure.signals import Signal, read
from cloudk8s.node.pressure.thresholds import Threshold
from cloudk8s.node.runtimes.interface import Runtime
from cloudk8s.node.settings import NodeSettings


def marks_of(settings: NodeSettings) -> tuple[Threshold, ...]:
    """Hard and soft ones; SettingsError for what can't be."""
    hard = thresholds.parse(settings.eviction_hard, "--eviction-hard")
    soft = thresholds.parse(settings.eviction_soft, "--eviction-soft")
    return (*(hard or thresholds.DEFAULTS), *thresholds.with_grace(soft, settings.eviction_soft_grace_period))


class Marks:
    """Looks at the machine; images are watched apart where they are on a disk of their own."""

    def __init__(self, settings: NodeSettings) -> None:
        self._root, self._marks = settings.root_dir, marks_of(settings)
        self._images: Path | None = None

    async def find_disks(self, runtime: Runtime) -> None:
        """Learn where images are, once the runtime runs."""
        mountpoint = (await runtime.image_filesystem()).mountpoint
        is_apart = bool(mountpoint) and await asyncio.to_thread(_are_apart, self._root, Path(mountpoint))
        self._images = Path(mountpoint) if is_apart else None

    def read(self) -> list[Signal]:
        """How the machine stands. Blocks for as long as /proc and the disks take."""
        return read(self._root, self._marks, images=self._images)


def _are_apart(path: Path, other: Path) -> bool:
    return other.exists() and other.stat().st_dev != path.stat().st_dev
