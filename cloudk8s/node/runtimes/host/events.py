"""Hands container events from where they happen to the one who listens."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Literal

from cloudk8s.node.runtimes.interface import ContainerEvent


class Events:
    """A queue without end; what is published before anyone listens waits."""

    def __init__(self) -> None:
        self._queue: asyncio.Queue[ContainerEvent] = asyncio.Queue()

    def publish(
        self, pod_uid: str, container_id: str, type: Literal["created", "started", "stopped", "removed"]
    ) -> None:  # fmt: skip
        """Tell that something happened."""
        self._queue.put_nowait(ContainerEvent(pod_uid, container_id, type))

    async def listen(self) -> AsyncIterator[ContainerEvent]:
        """All events, one after another."""
        while True:
            yield await self._queue.get()
