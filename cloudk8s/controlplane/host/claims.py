"""Which clusters run on this host or are being started, wherever their files are: who chooses addresses asks here."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager
from pathlib import Path

from cloudk8s.controlplane import directories
from cloudk8s.kernel import files
from cloudk8s.machinery import codec


def place(environment: Mapping[str, str] = os.environ) -> Path:
    """The directory of claims: one for root, one for each other user."""
    if os.geteuid() == 0:
        return Path("/run/cloudk8s/clusters")
    runtime = environment.get("XDG_RUNTIME_DIR")
    if runtime and os.access(runtime, os.W_OK | os.X_OK):  # after `su` it may be another user's, or not be there
        return Path(runtime) / "cloudk8s"
    return directories.home(environment) / ".claims"


def locked(claims: Path) -> AbstractContextManager[None]:
    """Keep others waiting who choose, too. Blocks."""
    claims.mkdir(mode=0o700, parents=True, exist_ok=True)
    return files.locked(claims / ".lock")


def claim(claims: Path, data_dir: Path) -> None:
    """Say that this process starts a cluster; it counts until neither this process nor the cluster lives."""
    path = claims / hashlib.sha256(str(data_dir.absolute()).encode()).hexdigest()[:16]
    files.write_whole(path, codec.encode({"pid": os.getpid(), "data_dir": str(data_dir.absolute())}))


def others(claims: Path, data_dir: Path) -> Iterator[Path]:
    """The data directories of all other clusters that are claimed; what counts no longer is cleared away."""
    for path in claims.glob("[0-9a-f]*"):
        try:
            found = codec.decode(path.read_bytes())
            directory, pid = Path(found["data_dir"]), int(found["pid"])
        except (OSError, ValueError, LookupError, TypeError):
            continue
        if not directories.is_alive(pid) and directories.read_state(directory) is None:
            path.unlink(missing_ok=True)
        elif directory != data_dir.absolute():
            yield directory
