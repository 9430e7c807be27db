"""The last words of a container: a file that it may write, or the end of its log."""

from __future__ import annotations

import os
from pathlib import Path

from cloudk8s.node.pods import naming
from cloudk8s.node.runtimes.interface import Container

MAX_MESSAGE = 4096
MAX_LOG_BYTES = 2048
MAX_LOG_LINES = 80


def prepare(path: Path) -> None:
    """Make the file that the container may write."""
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o755)
    os.close(os.open(path, os.O_CREAT | os.O_WRONLY | os.O_CLOEXEC, 0o666))
    path.chmod(0o666)


def read(container: Container, path: Path | None) -> str:
    """The termination message of a container that has ended. Blocks."""
    message = _head(path) if path is not None else ""
    fallback = container.annotations.get(naming.TERMINATION_POLICY) == "FallbackToLogsOnError"
    if not message and fallback and container.exit_code != 0 and container.log_path:
        return _log_tail(Path(container.log_path))
    return message


def _head(path: Path) -> str:
    try:
        with path.open("rb") as file:
            return file.read(MAX_MESSAGE).decode("utf-8", "replace")
    except OSError:
        return ""


def _log_tail(path: Path) -> str:
    """The last lines, without times and streams."""
    try:
        with path.open("rb") as file:
            file.seek(0, os.SEEK_END)
            file.seek(max(0, file.tell() - 16 * MAX_LOG_BYTES))
            lines = file.read().splitlines()[-MAX_LOG_LINES:]
    except OSError:
        return ""
    text = b"".join(_content(line) for line in lines)
    return text[-MAX_LOG_BYTES:].decode("utf-8", "replace")


def _content(line: bytes) -> bytes:
    pieces = line.split(b" ", 3)
    if len(pieces) < 4:
        return b""
    return pieces[3] + (b"" if pieces[2].startswith(b"P") else b"\n")
