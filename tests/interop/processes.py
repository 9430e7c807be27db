"""Programs that run in the background of a test and write a log each."""

from __future__ import annotations

import socket
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.e2e.conftest import environment_in


@dataclass
class Processes:
    """What was started, by name; `stop` ends all of it, the youngest first."""

    folder: Path
    prefix: tuple[str, ...] = ()
    """The beginning of every command: where it runs."""
    running: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)
    commands: dict[str, Sequence[str]] = field(default_factory=dict)

    def start(self, name: str, command: Sequence[str]) -> subprocess.Popen[bytes]:
        self.commands[name] = command
        with self.log(name).open("ab") as log:
            process = subprocess.Popen(
                [*self.prefix, "nice", *command], stdout=log, stderr=log, stdin=subprocess.DEVNULL, cwd=self.folder,
                env=environment_in(self.folder),
            )  # fmt: skip
        self.running[name] = process
        return process

    def start_ours(self, name: str, *arguments: str) -> subprocess.Popen[bytes]:
        """One of our commands, as a user types it."""
        return self.start(name, [sys.executable, "-m", "cloudk8s", *arguments])

    def log(self, name: str) -> Path:
        return self.folder / f"{name}.log"

    def kill(self, name: str) -> None:
        """End it without a chance to tidy up."""
        process = self.running.pop(name)
        process.kill()
        process.wait()

    def start_again(self, name: str) -> None:
        """As it was started the first time."""
        self.start(name, self.commands[name])

    def end(self, name: str) -> None:
        process = self.running.pop(name)
        process.terminate()
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()

    def stop(self) -> None:
        for name in reversed(list(self.running)):
            self.end(name)

    def tails(self, lines: int = 15) -> str:
        """The ends of all logs, for a failure."""
        return "\n".join(
            f"--- {path.stem}\n" + "\n".join(path.read_text(errors="replace").splitlines()[-lines:])
            for path in sorted(self.folder.glob("*.log"))
        )


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def eventually(check: Callable[[], Any], seconds: float = 30) -> Any:
    """What `check` answers once that is true; an assertion that fails in it counts as not yet."""
    ends = time.monotonic() + seconds
    while True:
        late = time.monotonic() > ends
        try:
            if found := check():
                return found
        except AssertionError:
            if late:
                raise
        if late:
            raise AssertionError("it did not happen in time")
        time.sleep(0.2)
