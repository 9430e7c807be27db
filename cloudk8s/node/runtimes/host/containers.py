"""The containers of this host: create, start, stop, remove, and know how each is."""

from __future__ import annotations

import asyncio
import os
import shutil
import signal
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cloudk8s.node.runtimes.host import cgroups, launching, processes, records
from cloudk8s.node.runtimes.host.events import Events
from cloudk8s.node.runtimes.host.images.image import ImageRoot
from cloudk8s.node.runtimes.host.records import ContainerEntry, ContainerRecord, SandboxRecord
from cloudk8s.node.runtimes.host.spawner import Spawner
from cloudk8s.node.runtimes.interface import Container, ContainerConfig, Resources, StartFailed, UnknownId

_AFTER_KILL = 10.0


class Containers:
    """Owns `containers/` in the state directory and watches every shim."""

    def __init__(self, directory: Path, *, spawner: Spawner, events: Events) -> None:
        self._directory, self._spawner, self._events = directory, spawner, events
        self._entries: dict[str, ContainerEntry] = {}
        self._watchers: dict[str, asyncio.Task[None]] = {}

    async def start(self) -> None:
        """Take over what is on disk."""
        for entry in await asyncio.to_thread(records.load_containers, self._directory):
            self._entries[entry.record.id] = entry
            if entry.state == "running":
                self._watch(entry)

    async def close(self) -> None:
        """Stop watching."""
        for watcher in self._watchers.values():
            watcher.cancel()
        await asyncio.gather(*self._watchers.values(), return_exceptions=True)
        self._watchers.clear()

    def directory(self, container_id: str) -> Path:
        """Where a container's files are."""
        return self._directory / container_id

    def get(self, container_id: str) -> ContainerEntry:
        """The entry of a container; UnknownId where there is none."""
        try:
            return self._entries[container_id]
        except KeyError:
            raise UnknownId(f"container {container_id}: no such container") from None

    def list(self, *, pod_uid: str = "") -> Sequence[Container]:
        """All containers, or those of one pod."""
        return [entry.as_container() for entry in self._entries.values() if pod_uid in ("", entry.record.pod_uid)]

    def entries(self) -> Sequence[ContainerEntry]:
        """All entries, for the runtime's own use."""
        return list(self._entries.values())

    def of_sandbox(self, sandbox_id: str) -> Sequence[str]:
        """The ids of a sandbox's containers."""
        return [key for key, entry in self._entries.items() if entry.record.sandbox_id == sandbox_id]

    async def create(self, sandbox: SandboxRecord, config: ContainerConfig, *, image: ImageRoot) -> ContainerRecord:
        """Write a container down."""
        container_id = records.new_id()
        record = ContainerRecord(
            id=container_id, sandbox_id=sandbox.id, pod_uid=sandbox.config.uid, created_at=datetime.now(UTC),
            image_id=image.id,
            log_path=os.path.join(sandbox.config.log_directory, config.log_path or f"{container_id}.log"),
            stop_signal=config.stop_signal or image.config.stop_signal or "SIGTERM", config=config,
            cgroups=tuple(f"{path}/{container_id[:24]}" for path in sandbox.cgroups),
        )  # fmt: skip
        await asyncio.to_thread(_make_directory, self.directory(container_id), record)
        self._entries[container_id] = ContainerEntry(record)
        self._events.publish(record.pod_uid, container_id, "created")
        return record

    async def start_process(self, record: ContainerRecord, around: launching.Surroundings) -> None:
        """Have the spawner fork the shim that starts the process."""
        entry = self.get(record.id)
        answer, _ = await self._spawner.request(launching.request(record, around))
        await asyncio.to_thread(records.refresh, entry, self.directory(record.id))
        if "error" in answer:
            self._events.publish(record.pod_uid, record.id, "stopped")
            raise StartFailed(f"unable to start container process: {answer['error']}")
        self._events.publish(record.pod_uid, record.id, "started")
        self._watch(entry)

    async def resize(self, entry: ContainerEntry, resources: Resources) -> None:
        """Give a container other limits, and remember them for whoever comes after this process."""
        entry.record = replace(entry.record, config=replace(entry.record.config, resources=resources))
        await asyncio.to_thread(cgroups.limit, entry.record.cgroups, resources)
        if entry.record.id in self._entries:
            await asyncio.to_thread(records.save, self.directory(entry.record.id) / "container.json", entry.record)

    async def stop(self, container_id: str, grace: timedelta) -> None:
        """Send the stop signal, wait, kill."""
        entry = self._entries.get(container_id)
        if entry is None or entry.state != "running":
            return
        if grace > timedelta(0):
            number = processes.signal_number(entry.record.stop_signal)
            await self._signal(entry, number)
            if await self._ends_within(container_id, grace.total_seconds()):
                return
        await self._signal(entry, signal.SIGKILL)
        await self._ends_within(container_id, _AFTER_KILL)

    async def remove(self, container_id: str) -> None:
        """Kill a container and forget it."""
        await self.stop(container_id, timedelta(0))
        entry = self._entries.pop(container_id, None)
        if entry is None:
            return
        await asyncio.to_thread(_remove_directory, self.directory(container_id), entry.record.cgroups)
        self._events.publish(entry.record.pod_uid, container_id, "removed")

    async def _ends_within(self, container_id: str, seconds: float) -> bool:
        watcher = self._watchers.get(container_id)
        if watcher is not None:
            await asyncio.wait([watcher], timeout=seconds)
        entry = self._entries.get(container_id)
        return entry is None or entry.state == "exited"

    async def _signal(self, entry: ContainerEntry, number: int) -> None:
        """Signal the first process, as long as its shim lives; the pid is its own only that long."""
        if entry.run is not None and entry.exit is None:
            pid, shim = int(entry.run["main_pid"]), int(entry.run["pid"])
            if await asyncio.to_thread(processes.is_same, shim, int(entry.run["start_ticks"])):
                processes.send_signal(pid, number)

    def _watch(self, entry: ContainerEntry) -> None:
        container_id = entry.record.id
        watcher = asyncio.create_task(self._watch_until_end(entry), name=f"container {container_id[:12]}")
        self._watchers[container_id] = watcher
        watcher.add_done_callback(lambda _: self._watchers.pop(container_id, None))

    async def _watch_until_end(self, entry: ContainerEntry) -> None:
        assert entry.run is not None
        await processes.ended(int(entry.run["pid"]))
        await asyncio.to_thread(records.refresh, entry, self.directory(entry.record.id))
        self._events.publish(entry.record.pod_uid, entry.record.id, "stopped")


def _make_directory(directory: Path, record: ContainerRecord) -> None:
    directory.mkdir(parents=True, mode=0o711)
    for name in ("upper", "work", "merged"):
        (directory / name).mkdir(mode=0o755)
    if record.cgroups:
        parents = [str(Path(path).parent) for path in record.cgroups]
        cgroups.make_container_groups(parents, Path(record.cgroups[0]).name)
        cgroups.limit(record.cgroups, record.config.resources)
    records.save(directory / "container.json", record)


def _remove_directory(directory: Path, groups: Sequence[str]) -> None:
    cgroups.remove(groups)
    shutil.rmtree(directory, ignore_errors=True)
