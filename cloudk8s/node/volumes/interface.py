"""What a kind of volume does."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from cloudk8s.client.interface import Object

Volume = Mapping[str, Any]


class VolumeError(Exception):
    """A volume cannot be set up now; it is tried again."""


@dataclass(frozen=True, slots=True)
class Mounted:
    """A volume that is ready: a path of this host, or an image whose file system it is."""

    path: Path
    readonly: bool = False
    image: str = ""
    is_final: bool = False
    """It stays as it is, though others of its kind change."""


class VolumePlugin(Protocol):
    """One kind of volume. Both methods may be repeated at any time, and after a crash."""

    name: str
    """As in the directory's name: `kubernetes.io/secret`."""
    changes: bool
    """Whether what it shows may change while the pod runs, so that `set_up` is called again and again."""

    def supports(self, volume: Volume) -> bool:
        """Whether a volume of a pod's spec is of this kind."""

    async def set_up(self, pod: Object, volume: Volume, directory: Path) -> Mounted:
        """Make it ready, or bring it up to date; raises VolumeError. `directory` is the volume's own."""

    async def tear_down(self, directory: Path) -> None:
        """Undo it. Nothing of the pod runs any more; absent is success."""
