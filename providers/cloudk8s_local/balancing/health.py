"""Find out which nodes take traffic: one check for all balancers that ask the same question."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Collection
from typing import Final, Literal, NamedTuple

from cloudk8s.machinery.clock import Clock

PERIOD: Final = 2.0
"""Seconds between two checks."""
FAILURES: Final = 2
"""Failed checks in a row until a node gets no more connections; one success brings it back."""
_TIMEOUT: Final = 2.0


class Target(NamedTuple):
    """What is asked."""

    protocol: Literal["HTTP", "TCP"]
    address: str
    port: int
    path: str


class HealthChecks:
    """Checks targets for as long as somebody watches them. A target that was never checked counts as healthy."""

    def __init__(self, *, clock: Clock, changed: Callable[[Target], None]) -> None:
        self._clock, self._changed = clock, changed
        self._watchers: dict[Target, set[str]] = {}
        self._failures: dict[Target, int] = {}
        self._tasks: dict[Target, asyncio.Task[None]] = {}

    def watch(self, watcher: str, targets: Collection[Target]) -> None:
        """Check these for the watcher from now on, and nothing else."""
        for target in [target for target, names in self._watchers.items() if watcher in names]:
            if target not in targets:
                self._leave(target, watcher)
        for target in targets:
            self._watchers.setdefault(target, set()).add(watcher)
            if target not in self._tasks:
                self._tasks[target] = asyncio.get_running_loop().create_task(
                    self._follow(target), name=f"check {target}"
                )

    def is_healthy(self, target: Target) -> bool:
        return self._failures.get(target, 0) < FAILURES

    def watchers(self, target: Target) -> Collection[str]:
        """Who asked about a target."""
        return tuple(self._watchers.get(target, ()))

    def _leave(self, target: Target, watcher: str) -> None:
        self._watchers[target].discard(watcher)
        if not self._watchers[target]:
            del self._watchers[target]
            self._tasks.pop(target).cancel()
            self._failures.pop(target, None)

    async def _follow(self, target: Target) -> None:
        while True:
            before = self.is_healthy(target)
            passed = await check(target)
            self._failures[target] = 0 if passed else self._failures.get(target, 0) + 1
            if self.is_healthy(target) != before:
                self._changed(target)
            await self._clock.sleep(PERIOD)


async def check(target: Target) -> bool:
    """Ask once: a connection for TCP, an answer of 200 to 399 for HTTP."""
    try:
        async with asyncio.timeout(_TIMEOUT):
            reader, writer = await asyncio.open_connection(target.address, target.port)
            try:
                return target.protocol == "TCP" or await _asked(reader, writer, target)
            finally:
                writer.close()
    except (OSError, TimeoutError, ValueError):
        return False


async def _asked(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, target: Target) -> bool:
    head = f"GET {target.path} HTTP/1.1\r\nHost: {target.address}:{target.port}\r\nConnection: close\r\n\r\n"
    writer.write(head.encode())
    words = (await reader.readline()).split()
    with contextlib.suppress(IndexError):
        return 200 <= int(words[1]) < 400
    return False
