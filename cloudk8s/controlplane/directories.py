"""Where clusters of this host keep their files, and which of them run."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

from cloudk8s.errors import SettingsError
from cloudk8s.kernel.files import write_whole
from cloudk8s.machinery import codec

_NAME = re.compile(r"[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?")


@dataclass(frozen=True, slots=True)
class ClusterState:
    """What a running cluster tells other commands."""

    name: str
    pid: int
    url: str
    kubeconfig: str
    kubernetes_version: str
    data_dir: str
    started: str
    limits: str = ""
    """What pods of this host do without, in words."""
    stop_seconds: float = 0.0
    """How long its nodes may take to stop."""


def home(environment: Mapping[str, str] = os.environ) -> Path:
    """The directory that holds all clusters' directories."""
    base = environment.get("XDG_DATA_HOME")
    return (Path(base) if base else Path.home() / ".local" / "share") / "cloudk8s"


def data_dir(name: str) -> Path:
    """The default data directory of a cluster; SettingsError for a name that cannot be one."""
    if not _NAME.fullmatch(name):
        raise SettingsError(f"{name!r} cannot be a cluster's name: use lower-case letters, digits and dashes")
    return home() / name


def write_state(state: ClusterState) -> None:
    """Say that the cluster runs."""
    write_whole(Path(state.data_dir) / "cluster.json", codec.encode(asdict(state)))


def clear_state(directory: Path) -> None:
    """Say that the cluster does not run any more."""
    (directory / "cluster.json").unlink(missing_ok=True)


def read_state(directory: Path) -> ClusterState | None:
    """The state of a running cluster; None where nothing runs, also after a crash."""
    try:
        state = ClusterState(**codec.decode((directory / "cluster.json").read_bytes()))
    except (FileNotFoundError, ValueError, TypeError):
        return None
    return state if is_alive(state.pid) else None


def clusters() -> Iterator[tuple[str, Path, ClusterState | None]]:
    """Every cluster with a directory below `home`: name, directory, state if it runs."""
    root = home()
    for directory in sorted(root.iterdir()) if root.is_dir() else ():
        if (directory / "pki").is_dir():
            yield directory.name, directory, read_state(directory)


def is_alive(pid: int) -> bool:
    """Whether there is such a process, whoever's it is."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
