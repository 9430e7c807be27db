"""Share listings between threads, without ever handing out an older one than was asked for."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Generic, TypeVar, cast

T = TypeVar("T")


class SharedRead(Generic[T]):
    """One listing at a time. Whoever asks while one is under way waits for the next, and all who wait share that.

    Guaranteed: the answer's call began after `get` was called. So a caller sees its own writes.
    """

    def __init__(self, fetch: Callable[[], T]) -> None:
        self._fetch = fetch
        self._condition = threading.Condition()
        self._begun = 0
        self._is_running = False
        self._answers: tuple[int, T | None, Exception | None] = (0, None, None)

    def get(self) -> T:
        """A listing that begins from now on; its error is raised to all who share it."""
        with self._condition:
            needed = self._begun + 1
            while self._is_running:
                self._condition.wait()
                if self._answers[0] >= needed:
                    return self._shared()
            self._begun += 1
            number, self._is_running = self._begun, True
        answer, error = self._try()
        with self._condition:
            self._answers, self._is_running = (number, answer, error), False
            self._condition.notify_all()
        return _unwrapped(answer, error)

    def _shared(self) -> T:
        _, answer, error = self._answers
        return _unwrapped(answer, error)

    def _try(self) -> tuple[T | None, Exception | None]:
        try:
            return self._fetch(), None
        except Exception as error:  # noqa: BLE001 (carried to all who share it)
            return None, error
        except BaseException:
            with self._condition:  # a crash: leave nobody waiting
                self._is_running = False
                self._condition.notify_all()
            raise


def _unwrapped(answer: T | None, error: Exception | None) -> T:
    if error is not None:
        raise error
    return cast(T, answer)
