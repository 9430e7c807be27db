"""Who hears of a commit: running watches, grouped by what they ask for.

An event finds its groups by a few dictionary look-ups, however many watches there are: one for each part of its key and
one for each index value it touches. All watches of a group are handed the same sequence of events.
"""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Sequence

from cloudk8s.storage.interface import Deliver, Event

logger = logging.getLogger(__name__)

Touched = Sequence[tuple[str, str]]
"""Index name and value pairs that an event touches."""


class Watch:
    """One running watch; a member of exactly one group until it is closed."""

    __slots__ = ("deliver", "group")

    def __init__(self, deliver: Deliver, group: Group) -> None:
        self.deliver = deliver
        self.group: Group | None = group

    def close(self) -> None:
        group, self.group = self.group, None
        if group is not None:
            group.remove(self)


class Group:
    """Watches that see the same events."""

    __slots__ = ("_fanout", "_members", "_snapshot", "index", "pending", "prefix")

    def __init__(self, fanout: Fanout, prefix: str, index: tuple[str, str] | None) -> None:
        self.prefix = prefix
        self.index = index
        self.pending: list[Event] = []
        self._fanout = fanout
        self._members: dict[Watch, None] = {}
        self._snapshot: tuple[Watch, ...] | None = None

    def add(self, deliver: Deliver) -> Watch:
        watch = Watch(deliver, self)
        self._members[watch] = None
        self._snapshot = None
        return watch

    def remove(self, watch: Watch) -> None:
        del self._members[watch]
        self._snapshot = None
        if not self._members:
            self._fanout.forget(self)

    @property
    def members(self) -> tuple[Watch, ...]:
        if self._snapshot is None:
            self._snapshot = tuple(self._members)
        return self._snapshot


class Fanout:
    """All running watches of a store."""

    def __init__(self) -> None:
        self._by_prefix: dict[str, Group] = {}
        self._by_index: dict[tuple[str, str], dict[str, Group]] = {}
        self._odd_lengths: Counter[int] = Counter()
        """Lengths of prefixes that end inside a part of a key, which splitting at slashes does not find."""

    def __len__(self) -> int:
        groups = [*self._by_prefix.values(), *(g for by_prefix in self._by_index.values() for g in by_prefix.values())]
        return sum(len(group.members) for group in groups)

    def add(self, prefix: str, deliver: Deliver, index: tuple[str, str] | None) -> Watch:
        by_prefix = self._by_prefix if index is None else self._by_index.setdefault(index, {})
        group = by_prefix.get(prefix)
        if group is None:
            group = by_prefix[prefix] = Group(self, prefix, index)
            if index is None and _is_odd(prefix):
                self._odd_lengths[len(prefix)] += 1
        return group.add(deliver)

    def forget(self, group: Group) -> None:
        """Drop a group without members."""
        if group.index is not None:
            by_prefix = self._by_index[group.index]
            del by_prefix[group.prefix]
            if not by_prefix:
                del self._by_index[group.index]
            return
        del self._by_prefix[group.prefix]
        if _is_odd(group.prefix):
            self._odd_lengths[len(group.prefix)] -= 1
            self._odd_lengths += Counter()

    def publish(self, events: Sequence[Event], touched: Sequence[Touched]) -> None:
        """Hand the events of one commit to every watch that asked for some of them, one call each."""
        groups: dict[Group, None] = {}
        for event, values in zip(events, touched, strict=True):
            for group in self._groups_of(event.record.key, values):
                group.pending.append(event)
                groups[group] = None
        rounds = [(group.members, group.pending) for group in groups]
        for group in groups:
            group.pending = []
        for members, pending in rounds:
            for watch in members:
                if watch.group is None:
                    continue
                try:
                    watch.deliver(pending)
                except Exception:
                    logger.exception("a watch failed to take its events and is closed")
                    watch.close()

    def _groups_of(self, key: str, touched: Touched) -> list[Group]:
        by_prefix = self._by_prefix
        found = []
        end = 0
        while True:
            group = by_prefix.get(key[:end])
            if group is not None:
                found.append(group)
            end = key.find("/", end) + 1
            if not end:
                break
        for length in self._odd_lengths:
            if length <= len(key) and (group := by_prefix.get(key[:length])) is not None and _is_odd(group.prefix):
                found.append(group)
        for index in touched:
            found += [g for prefix, g in self._by_index.get(index, {}).items() if key.startswith(prefix)]
        return found


def _is_odd(prefix: str) -> bool:
    return bool(prefix) and not prefix.endswith("/")
