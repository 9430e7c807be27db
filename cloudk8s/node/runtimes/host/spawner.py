"""Start the spawner and send it requests."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from pathlib import Path

from cloudk8s.node.runtimes.host import processes
from cloudk8s.node.runtimes.host.sockets import Message, ShimConnection
from cloudk8s.node.runtimes.interface import RuntimeFailure

_ROOT = Path(__file__).parents[4]
_CODE = "import sys; sys.path.insert(0, {root!r}); from cloudk8s.node.runtimes.host.shim.spawner import main; main()"
_SOCKET = "spawner.sock"


class Spawner:
    """The process that forks shims. One agent at a time uses a state directory."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._starting = asyncio.Lock()
        self._process: asyncio.subprocess.Process | None = None

    async def start(self) -> None:
        """Replace a spawner that an earlier agent left, which may be of an older version; its shims are not touched."""
        await asyncio.to_thread(self._stop_earlier)
        await self._launch()

    async def close(self) -> None:
        """End the spawner; shims go on."""
        await asyncio.to_thread(self._stop_earlier)
        if self._process is not None:
            await self._process.wait()
            self._process = None

    async def request(self, message: Message) -> tuple[Message, list[int]]:
        """Send a request to a fresh shim and return its answer; RuntimeFailure where it has none."""
        connection = await self._connect()
        try:
            await connection.send(message)
            return await connection.receive()
        except EOFError as error:
            raise RuntimeFailure("the shim ended without an answer; see spawner.log in the state directory") from error
        finally:
            connection.close()

    async def _connect(self) -> ShimConnection:
        try:
            return await ShimConnection.open(self._directory, _SOCKET)
        except (ConnectionRefusedError, FileNotFoundError):
            async with self._starting:
                try:
                    return await ShimConnection.open(self._directory, _SOCKET)
                except (ConnectionRefusedError, FileNotFoundError):
                    await self._launch()
                    return await ShimConnection.open(self._directory, _SOCKET)

    async def _launch(self) -> None:
        process = self._process = await asyncio.create_subprocess_exec(
            sys.executable, "-I", "-S", "-c", _CODE.format(root=str(_ROOT)),
            cwd=self._directory, env={"PATH": os.defpath}, start_new_session=True,
            stdin=asyncio.subprocess.DEVNULL, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
        )  # fmt: skip
        assert process.stdout is not None
        assert process.stderr is not None
        if await process.stdout.readline() != b"ready\n":
            text = (await process.stderr.read()).decode(errors="replace").strip()
            raise RuntimeFailure(f"the spawner did not start in {self._directory}: {text}")

    def _stop_earlier(self) -> None:
        pid = processes.recorded_pid(self._directory / "spawner.json")
        if pid is not None:
            processes.send_signal(pid, signal.SIGKILL)
        (self._directory / "spawner.json").unlink(missing_ok=True)
