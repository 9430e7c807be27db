"""What the runtime keeps on disk about sandboxes and containers, so that the next agent takes them over.

sandboxes/ID/  sandbox.json, holder.json (the process that holds its namespaces), shm
containers/ID/ container.json; from the shim: run.json, exit.json, control.sock; for images: upper, work, merged
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec

from cloudk8s.kernel.files import write_whole
from cloudk8s.node.runtimes.host import processes
from cloudk8s.node.runtimes.interface import (
    Container,
    ContainerConfig,
    ContainerState,
    Sandbox,
    SandboxConfig,
)

LOST_EXIT_CODE = 137


@dataclass(frozen=True, slots=True)
class SandboxRecord:
    """A sandbox as it was made."""

    id: str
    created_at: datetime
    config: SandboxConfig
    handler: str = ""
    ips: tuple[str, ...] = ()
    cgroups: tuple[str, ...] = ()
    """Directories of its cgroup, one for each hierarchy."""
    holder: dict[str, Any] | None = None
    """The record of the process that holds its namespaces; None where it shares the node's."""
    is_stopped: bool = False


@dataclass(frozen=True, slots=True)
class ContainerRecord:
    """A container as it was created."""

    id: str
    sandbox_id: str
    pod_uid: str
    created_at: datetime
    image_id: str
    log_path: str
    stop_signal: str
    config: ContainerConfig
    cgroups: tuple[str, ...] = ()


@dataclass(slots=True)
class ContainerEntry:
    """A container's record and what its shim wrote; the only mutable state, owned by `Containers`."""

    record: ContainerRecord
    run: dict[str, Any] | None = None
    exit: dict[str, Any] | None = None

    @property
    def state(self) -> ContainerState:
        if self.exit is not None:
            return "exited"
        return "running" if self.run is not None else "created"

    def as_container(self) -> Container:
        """What callers of the runtime see."""
        record, run, ended = self.record, self.run or {}, self.exit or {}
        user = run.get("user")
        return Container(
            id=record.id, sandbox_id=record.sandbox_id, name=record.config.name, attempt=record.config.attempt,
            state=self.state, image=record.config.user_image or record.config.image, image_id=record.image_id,
            created_at=record.created_at, started_at=_time(run.get("started_at")),
            finished_at=_time(ended.get("finished_at")), exit_code=int(ended.get("exit_code", 0)),
            reason=_reason(ended), message=str(ended.get("message", "")), labels=record.config.labels,
            annotations=record.config.annotations, log_path=record.log_path, resources=record.config.resources,
            user=(int(user[0]), int(user[1]), tuple(user[2])) if user else None, stop_signal=record.stop_signal,
        )  # fmt: skip


def new_id() -> str:
    """An id in the form that all runtimes use: 64 hexadecimal digits."""
    return secrets.token_hex(32)


def as_sandbox(record: SandboxRecord, *, is_ready: bool) -> Sandbox:
    """What callers of the runtime see."""
    config = record.config
    return Sandbox(
        id=record.id, name=config.name, namespace=config.namespace, uid=config.uid, attempt=config.attempt,
        state="ready" if is_ready else "notready", created_at=record.created_at, ips=record.ips,
        labels=config.labels, annotations=config.annotations, handler=record.handler,
    )  # fmt: skip


def save(path: Path, record: SandboxRecord | ContainerRecord) -> None:
    """Write a record so that a reader sees all of it or nothing."""
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o711)
    write_whole(path, msgspec.json.encode(record))


def load_sandboxes(directory: Path) -> list[SandboxRecord]:
    """All sandboxes on disk; one that was not written to its end never was."""
    return [msgspec.json.decode(path.read_bytes(), type=SandboxRecord) for path in directory.glob("*/sandbox.json")]


def load_containers(directory: Path) -> list[ContainerEntry]:
    """All containers on disk, with what their shims wrote."""
    entries = []
    for path in directory.glob("*/container.json"):
        record = msgspec.json.decode(path.read_bytes(), type=ContainerRecord)
        entry = ContainerEntry(record)
        refresh(entry, path.parent)
        entries.append(entry)
    return entries


def refresh(entry: ContainerEntry, directory: Path) -> None:
    """Read what the shim wrote. A shim that has gone without a word was killed, and its container with it."""
    entry.run = _read(directory / "run.json") or entry.run
    entry.exit = _read(directory / "exit.json") or entry.exit
    if entry.run is not None and entry.exit is None and processes.recorded_pid(directory / "run.json") is None:
        # The exit file may have come between the two looks above.
        entry.exit = _read(directory / "exit.json") or _lost()


def _lost() -> dict[str, Any]:
    now = int(datetime.now(UTC).timestamp() * 1_000_000_000)
    message = "the process that watched the container has gone, and its exit code with it"
    return {"exit_code": LOST_EXIT_CODE, "finished_at": now, "reason": "ContainerStatusUnknown", "message": message}


def _reason(ended: dict[str, Any]) -> str:
    if not ended:
        return ""
    return str(ended.get("reason") or ("Completed" if ended.get("exit_code") == 0 else "Error"))


def _time(nanoseconds: int | None) -> datetime | None:
    return None if nanoseconds is None else datetime.fromtimestamp(nanoseconds / 1_000_000_000, UTC)


def _read(path: Path) -> dict[str, Any] | None:
    try:
        value: dict[str, Any] = msgspec.json.decode(path.read_bytes())
    except FileNotFoundError:
        return None
    return value
