"""What is remembered of a published volume: a file next to it, from which it can be undone after a restart."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from cloudk8s.machinery import codec

FILE: Final = "vol_data.json"


@dataclass(frozen=True, slots=True)
class Record:
    """One volume of one pod; the keys in the file are upstream's where it has them."""

    driver: str
    handle: str
    target: Path
    """Where the driver has put it for the pod."""
    staging: Path | None = None
    """Where it is staged for all pods of the node; None where the driver does without."""
    is_ephemeral: bool = False

    def write(self, directory: Path) -> None:
        """Remember it. Blocks."""
        directory.mkdir(mode=0o750, parents=True, exist_ok=True)
        (directory / FILE).write_bytes(
            codec.encode(
                {
                    "driverName": self.driver,
                    "volumeHandle": self.handle,
                    "volumeLifecycleMode": "Ephemeral" if self.is_ephemeral else "Persistent",
                    "target": str(self.target),
                    "staging": str(self.staging or ""),
                }
            )
        )


def read(directory: Path) -> Record | None:
    """The record of a volume's directory; None where there is none, or it was never finished. Blocks."""
    try:
        found = codec.decode((directory / FILE).read_bytes())
        staging = Path(found["staging"]) if found["staging"] else None
        is_ephemeral = found["volumeLifecycleMode"] == "Ephemeral"
        return Record(found["driverName"], found["volumeHandle"], Path(found["target"]), staging, is_ephemeral)
    except (OSError, ValueError, KeyError):
        return None


def all_of(pods_dir: Path) -> Iterator[Record]:
    """The records of all pods of the node. Blocks."""
    for path in pods_dir.glob(f"*/volumes/kubernetes.io~csi/*/{FILE}"):
        if found := read(path.parent):
            yield found


def staging_directory(root: Path, driver: str, handle: str) -> Path:
    """Where a volume is staged, as upstream names it."""
    digest = hashlib.sha256(handle.encode()).hexdigest()
    return root / "plugins" / "kubernetes.io" / "csi" / driver / digest / "globalmount"


def ephemeral_handle(pod_uid: str, volume: str) -> str:
    """The handle of a volume that lives with its pod."""
    return f"csi-{hashlib.sha256(f'{pod_uid}{volume}'.encode()).hexdigest()}"
