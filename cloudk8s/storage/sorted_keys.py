"""A sorted set of keys with cheap inserts: a list of short sorted lists.

An insert or a removal moves one short list instead of all keys, so it stays near a microsecond with a million keys.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right, insort
from collections.abc import Iterable, Iterator

CHUNK = 512
"""A chunk is split when it grows beyond twice this."""

AFTER_ALL = "\U0010ffff"
"""Sorts after every character that a key can hold."""


class SortedKeys:
    """Keys in code point order, which is also the order of their UTF-8 bytes."""

    __slots__ = ("_chunks", "_lasts", "_size")

    def __init__(self, keys: Iterable[str] = ()) -> None:
        ordered = sorted(set(keys))
        self._chunks = [ordered[start : start + CHUNK] for start in range(0, len(ordered), CHUNK)]
        self._lasts = [chunk[-1] for chunk in self._chunks]
        self._size = len(ordered)

    def __len__(self) -> int:
        return self._size

    def __iter__(self) -> Iterator[str]:
        for chunk in self._chunks:
            yield from chunk

    def add(self, key: str) -> None:
        """Insert a key that is not there yet."""
        self._size += 1
        lasts = self._lasts
        if not lasts:
            self._chunks.append([key])
            lasts.append(key)
            return
        place = min(bisect_left(lasts, key), len(lasts) - 1)
        chunk = self._chunks[place]
        insort(chunk, key)
        lasts[place] = chunk[-1]
        if len(chunk) > 2 * CHUNK:
            self._split(place)

    def remove(self, key: str) -> None:
        """Take out a key that is there; raises KeyError where it is not."""
        place = bisect_left(self._lasts, key)
        chunk = self._chunks[place] if place < len(self._chunks) else []
        position = bisect_left(chunk, key)
        if position == len(chunk) or chunk[position] != key:
            raise KeyError(key)
        del chunk[position]
        self._size -= 1
        if chunk:
            self._lasts[place] = chunk[-1]
        else:
            del self._chunks[place], self._lasts[place]

    def between(self, low: str, high: str, limit: int = 0) -> list[str]:
        """Keys greater than `low` and not greater than `high`, at most `limit` of them (0: all)."""
        found: list[str] = []
        place = bisect_right(self._lasts, low)
        start = bisect_right(self._chunks[place], low) if place < len(self._chunks) else 0
        while place < len(self._chunks):
            chunk = self._chunks[place]
            end = len(chunk) if chunk[-1] <= high else bisect_right(chunk, high)
            found += chunk[start:end]
            if end < len(chunk) or (limit and len(found) >= limit):
                break
            place, start = place + 1, 0
        return found[:limit] if limit else found

    def rank(self, key: str) -> int:
        """How many keys are not greater than `key`."""
        place = bisect_right(self._lasts, key)
        before = sum(map(len, self._chunks[:place]))
        return before + (bisect_right(self._chunks[place], key) if place < len(self._chunks) else 0)

    def _split(self, place: int) -> None:
        chunk = self._chunks[place]
        middle = len(chunk) // 2
        self._chunks[place : place + 1] = [chunk[:middle], chunk[middle:]]
        self._lasts[place : place + 1] = [chunk[middle - 1], chunk[-1]]
