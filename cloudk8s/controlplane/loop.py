"""The event loop of a server process: uvloop where there is one, and an interpreter tuned for many small requests."""

from __future__ import annotations

import asyncio
import gc
import sys
from collections.abc import Coroutine
from typing import Any, Final, TypeVar

from cloudk8s.kernel.memory import give_back_code, give_back_freed, share_memory_of_threads, unchanged_libraries

T = TypeVar("T")
_SWITCH_SECONDS: Final = 0.0005
"""How long a thread may keep the interpreter; the store's writer waits for it after each commit."""
_LATER: Final = 5.0
"""Seconds after which what a server loads in the background is loaded."""
_AGAIN: Final = 1.0
"""Seconds between two looks at the libraries; what is the same both times is not just being loaded."""
_THRESHOLDS: Final = (50_000, 20, 100)
"""Stored objects are bytes, which the collector does not see; what it does see is mostly not garbage."""


def run(main: Coroutine[Any, Any, None]) -> None:
    """Run a server until it ends."""
    sys.setswitchinterval(_SWITCH_SECONDS)
    gc.set_threshold(*_THRESHOLDS)
    share_memory_of_threads()
    _allow_many_files()
    try:
        import uvloop
    except ImportError:
        asyncio.run(main)
        return
    uvloop.run(main)


def result_of(work: Coroutine[Any, Any, T]) -> T:
    """Do one piece of work, in a command that then ends."""
    return asyncio.run(work)


def _allow_many_files() -> None:
    """Raise the limit on open files as far as allowed: each watch is a connection."""
    try:
        import resource
    except ImportError:
        return
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft != hard:
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


def settle() -> None:
    """Take what start-up has made out of the collector's sight, and return what it needed; called once, when ready."""
    gc.collect()
    gc.freeze()
    asyncio.get_running_loop().call_later(_LATER, _give_back)


def _give_back() -> None:
    give_back_freed()
    asyncio.get_running_loop().call_later(_AGAIN, give_back_code, unchanged_libraries())
