"""A thread that lives in a network namespace: sockets made and tables changed there are that host's."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from cloudk8s.network.hosts.enter import enter

T = TypeVar("T")


class HostThread:
    """Runs calls one after the other, in their order, also when a caller is cancelled."""

    def __init__(self, namespace: str = "") -> None:
        self._executor = ThreadPoolExecutor(
            1,
            thread_name_prefix=f"host {namespace}".strip(),
            initializer=enter if namespace else _stay,
            initargs=(namespace,),
        )

    async def run(self, call: Callable[[], T]) -> T:
        """Call there, and return what it returns."""
        return await asyncio.get_running_loop().run_in_executor(self._executor, call)

    def close(self) -> None:
        """End the thread once what is under way is done."""
        self._executor.shutdown(wait=False)


def _stay(namespace: str) -> None:
    """The host's own namespace is where threads begin."""
