"""Loops that run while an `async with` block does."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Coroutine, Sequence
from contextlib import asynccontextmanager
from typing import Any


@asynccontextmanager
async def background(*loops: Coroutine[Any, Any, None], names: Sequence[str]) -> AsyncIterator[None]:
    """Run the loops; they are cancelled when the block ends. One that fails ends the block with its error."""
    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(loop, name=name) for loop, name in zip(loops, names, strict=True)]
        try:
            yield
        finally:
            for task in tasks:
                task.cancel()
