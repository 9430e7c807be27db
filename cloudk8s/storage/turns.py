"""Who is next to write a key that has a write under way."""

from __future__ import annotations

from asyncio import AbstractEventLoop, CancelledError, Future
from collections import deque


class Turns:
    """First come, first served, for each key; a key nobody waits for costs one look-up."""

    def __init__(self, loop: AbstractEventLoop) -> None:
        self._loop = loop
        self._waiting: dict[str, deque[Future[None]]] = {}

    async def wait(self, key: str) -> None:
        """Return when the key may be free; whoever returns from here calls `pass_on` once done with it."""
        turn: Future[None] = self._loop.create_future()
        self._waiting.setdefault(key, deque()).append(turn)
        try:
            await turn
        except CancelledError:
            if not turn.cancelled():
                self.pass_on(key)
            raise

    def pass_on(self, key: str) -> None:
        """Let the next one for a key go on."""
        waiting = self._waiting.get(key)
        while waiting:
            turn = waiting.popleft()
            if not waiting:
                del self._waiting[key]
            if not turn.done():
                turn.set_result(None)
                return
