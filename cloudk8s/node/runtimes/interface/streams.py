"""Commands in containers, and their streams."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

STDIN, STDOUT, STDERR = 0, 1, 2


@dataclass(frozen=True, slots=True)
class ExecResult:
    """What a command printed and how it ended."""

    exit_code: int
    stdout: bytes = b""
    stderr: bytes = b""


@dataclass(frozen=True, slots=True)
class StreamOptions:
    """Which streams an exec or attach wants; with a tty, stderr comes on stdout."""

    stdin: bool = False
    stdout: bool = True
    stderr: bool = True
    tty: bool = False


class Session(Protocol):
    """The streams of an exec or attach. The caller closes it; closing does not end an attached container."""

    async def read(self) -> tuple[int, bytes] | None:
        """The next piece of output as (STDOUT or STDERR, bytes); None once all output has ended."""

    async def write(self, data: bytes) -> None:
        """Send to stdin, waiting while the process does not read; data after its end is dropped."""

    async def close_stdin(self) -> None:
        """End stdin. Idempotent."""

    def resize(self, columns: int, rows: int) -> None:
        """Change the terminal's size; without a tty nothing happens."""

    async def wait(self) -> int:
        """The exit code, once output has ended; 0 for an attach."""

    async def close(self) -> None:
        """Release the streams. Idempotent."""
