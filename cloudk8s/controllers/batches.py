"""Do many things at once, but small batches first, so that a doomed attempt costs one request, not five hundred."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import TypeVar

T = TypeVar("T")


async def slow_start(items: Sequence[T], do: Callable[[T], Awaitable[None]]) -> tuple[int, Exception | None]:
    """Do batches of 1, 2, 4 … until one has a failure; returns how many succeeded and the first error."""
    done, size = 0, 1
    while done < len(items):
        batch = items[done : done + size]
        error = await all_of(batch, do)
        if error is not None:
            return done + len(batch) - error[1], error[0]
        done += len(batch)
        size *= 2
    return done, None


async def all_of(items: Sequence[T], do: Callable[[T], Awaitable[None]]) -> tuple[Exception, int] | None:
    """Do everything at once; returns the first error and how many failed, None if all succeeded."""
    if len(items) == 1:
        try:
            await do(items[0])
        except Exception as error:  # noqa: BLE001 - handed to the caller
            return error, 1
        return None
    results = await asyncio.gather(*(do(item) for item in items), return_exceptions=True)
    failures = [result for result in results if isinstance(result, BaseException)]
    for failure in failures:
        if not isinstance(failure, Exception):
            raise failure
    first = failures[0] if failures else None
    return (first, len(failures)) if isinstance(first, Exception) else None
