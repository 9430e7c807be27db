"""nginx itself: a configuration is checked before it is taken, and taken without dropping a connection."""

from __future__ import annotations

import asyncio
import os
import shutil
import signal
from asyncio.subprocess import DEVNULL, PIPE, STDOUT, Process
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Final

from cloudk8s_ingress.configuration import CONFIGURATION, Directories

_CANDIDATE: Final = "candidate.conf"
_STOP_SECONDS: Final = 5.0
OnNode = Callable[[Sequence[str]], list[str]]
"""Makes of a command one that runs where pods are reached."""


class ProxyError(Exception):
    """nginx is missing, or does not take a configuration; the one before goes on."""


class Nginx:
    """One nginx, a child of this process that ends with it."""

    def __init__(self, directories: Directories, *, on_node: OnNode = list) -> None:
        self._directories, self._on_node = directories, on_node
        self._process: Process | None = None
        self._applied: Mapping[str, bytes] = {}

    @property
    def is_running(self) -> bool:
        """Whether there is a process that has not ended."""
        return self._process is not None and self._process.returncode is None

    async def apply(self, files: Mapping[str, bytes]) -> None:
        """Serve by these files; the same ones again are no work. Raises ProxyError."""
        if files == self._applied and self.is_running:
            return
        await asyncio.to_thread(self._write, files)
        await self._check()
        own = self._directories.own
        await asyncio.to_thread(os.replace, own / _CANDIDATE, own / CONFIGURATION)
        if self._process is not None and self.is_running:
            self._process.send_signal(signal.SIGHUP)
        else:
            self._process = await asyncio.create_subprocess_exec(
                *self._on_node(_tied(self._command(CONFIGURATION))), stdin=DEVNULL, stdout=DEVNULL, stderr=DEVNULL
            )
        await asyncio.to_thread(self._forget, set(self._applied) - set(files))
        self._applied = dict(files)

    async def stop(self) -> None:
        """End it, with the requests under way if they are quick, and leave no scratch files."""
        if self._process is not None and self.is_running:
            self._process.send_signal(signal.SIGQUIT)
            try:
                await asyncio.wait_for(self._process.wait(), _STOP_SECONDS)
            except TimeoutError:
                with suppress(ProcessLookupError):
                    self._process.kill()
                await self._process.wait()
        await asyncio.to_thread(shutil.rmtree, self._directories.scratch, ignore_errors=True)

    async def _check(self) -> None:
        command = self._on_node([*self._command(_CANDIDATE), "-t", "-q"])
        process = await asyncio.create_subprocess_exec(*command, stdin=DEVNULL, stdout=PIPE, stderr=STDOUT)
        said, _ = await process.communicate()
        if process.returncode:
            lines = said.decode(errors="replace").strip().splitlines()
            raise ProxyError(f"nginx does not take the configuration: {lines[-1] if lines else process.returncode}")

    def _command(self, name: str) -> Sequence[str]:
        binary = shutil.which("nginx", path=os.environ.get("PATH", "") + os.pathsep + "/usr/sbin")
        if binary is None:
            raise ProxyError("nginx is not installed on this host; install it (Debian: nginx-light) and try again")
        return binary, "-p", str(self._directories.own), "-c", str(self._directories.own / name), "-e", "stderr"

    def _write(self, files: Mapping[str, bytes]) -> None:
        self._directories.own.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._directories.scratch.mkdir(mode=0o711, parents=True, exist_ok=True)
        for name, content in files.items():
            _write_private(self._directories.own / (_CANDIDATE if name == CONFIGURATION else name), content)

    def _forget(self, names: set[str]) -> None:
        for name in names:
            (self._directories.own / name).unlink(missing_ok=True)


def _tied(command: Sequence[str]) -> Sequence[str]:
    """The command as one that ends when this process does, even if that is killed."""
    setpriv = shutil.which("setpriv")
    return (setpriv, "--pdeathsig", "TERM", *command) if setpriv else command


def _write_private(path: Path, content: bytes) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "wb") as stream:
        stream.write(content)
