"""The whole suite is watched: code of ours that waits within an event loop fails its test, and in a thread it may."""

from __future__ import annotations

import asyncio

import pytest
from blockbuster import BlockingError

from cloudk8s.cloud.stack.timing import SystemTimer


async def test_waiting_in_the_loop_is_refused() -> None:
    with pytest.raises(BlockingError, match=r"time\.sleep"):
        SystemTimer().pause(0)


async def test_waiting_in_a_thread_is_not() -> None:
    await asyncio.to_thread(SystemTimer().pause, 0)
