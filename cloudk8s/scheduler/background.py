"""What runs beside the scheduling loop, for as long as that runs."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from types import TracebackType
from typing import Any


class Background:
    """A task group that can be handed out before it runs; `async with` runs it."""

    def __init__(self) -> None:
        self._group: asyncio.TaskGroup | None = None

    def spawn(self, work: Coroutine[Any, Any, None], name: str) -> None:
        """Run something in the background; what it raises stops the scheduler."""
        if self._group is None:
            work.close()
            raise RuntimeError(f"{name}: the scheduler does not run")
        self._group.create_task(work, name=name)

    async def __aenter__(self) -> asyncio.TaskGroup:
        self._group = await asyncio.TaskGroup().__aenter__()
        return self._group

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        group, self._group = self._group, None
        assert group is not None
        await group.__aexit__(kind, error, traceback)
