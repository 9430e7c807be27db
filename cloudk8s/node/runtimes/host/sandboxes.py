"""The sandboxes of this host: what the containers of one pod share."""

from __future__ import annotations

import asyncio
import shutil
import signal
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

from cloudk8s.node.runtimes.host import processes, records, sandbox_parts
from cloudk8s.node.runtimes.host.records import SandboxRecord
from cloudk8s.node.runtimes.interface import Sandbox, SandboxConfig, UnknownId


class Sandboxes:
    """Owns `sandboxes/` in the state directory."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._records: dict[str, SandboxRecord] = {}

    async def start(self) -> None:
        """Take over what is on disk."""
        for record in await asyncio.to_thread(records.load_sandboxes, self._directory):
            self._records[record.id] = record
        await asyncio.to_thread(self._clear_unfinished)

    def directory(self, sandbox_id: str) -> Path:
        """Where a sandbox's files are."""
        return self._directory / sandbox_id

    def get(self, sandbox_id: str) -> SandboxRecord:
        """A sandbox's record; UnknownId where there is none."""
        try:
            return self._records[sandbox_id]
        except KeyError:
            raise UnknownId(f"sandbox {sandbox_id}: no such sandbox") from None

    def find(self, sandbox_id: str) -> SandboxRecord | None:
        """A sandbox's record, if there is one."""
        return self._records.get(sandbox_id)

    def records(self) -> Sequence[SandboxRecord]:
        """All records."""
        return list(self._records.values())

    async def list(self, *, pod_uid: str = "") -> Sequence[Sandbox]:
        """All sandboxes, or those of one pod; one whose holder has gone is not ready."""
        found = [record for record in self._records.values() if pod_uid in ("", record.config.uid)]
        return await asyncio.to_thread(
            lambda: [records.as_sandbox(record, is_ready=_is_ready(record)) for record in found]
        )

    async def prepare(self, config: SandboxConfig, *, handler: str) -> SandboxRecord:
        """A new sandbox with a directory; it is there for others once it is saved."""
        record = SandboxRecord(records.new_id(), datetime.now(UTC), config, handler)
        await asyncio.to_thread(self.directory(record.id).mkdir, parents=True, mode=0o711)
        return record

    async def save(self, record: SandboxRecord) -> None:
        """Write a sandbox down as it is now."""
        self._records[record.id] = record
        await asyncio.to_thread(records.save, self.directory(record.id) / "sandbox.json", record)

    async def stop(self, record: SandboxRecord) -> None:
        """Let go of its namespaces."""
        if record.is_stopped:
            return
        if record.holder is not None and await asyncio.to_thread(_is_ready, record):
            processes.send_signal(int(record.holder["pid"]), signal.SIGKILL)
            await processes.ended(int(record.holder["pid"]))
        await self.save(replace(record, is_stopped=True))

    async def abandon(self, sandbox_id: str) -> None:
        """Undo a sandbox that could not be finished."""
        self._records.pop(sandbox_id, None)
        await asyncio.to_thread(_undo, self.directory(sandbox_id))

    async def forget(self, sandbox_id: str) -> None:
        """Remove its files."""
        self._records.pop(sandbox_id, None)
        await asyncio.to_thread(shutil.rmtree, self.directory(sandbox_id), True)

    def _clear_unfinished(self) -> None:
        """Undo sandboxes that an earlier agent had begun to make when it died."""
        found = [path for path in self._directory.glob("*") if not (path / "sandbox.json").exists()]
        for path in found:
            _undo(path)


def _undo(path: Path) -> None:
    """End the holder of a sandbox that was not finished, and remove its files."""
    if (pid := processes.recorded_pid(path / "holder.json")) is not None:
        processes.send_signal(pid, signal.SIGKILL)
    sandbox_parts.let_go(path)
    shutil.rmtree(path, ignore_errors=True)


def _is_ready(record: SandboxRecord) -> bool:
    if record.is_stopped:
        return False
    holder = record.holder
    return holder is None or processes.is_same(int(holder["pid"]), int(holder["start_ticks"]))
