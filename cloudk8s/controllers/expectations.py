"""What a controller has done and not yet seen: until then its cache is too old to act on again.

Not a guarantee of being seen: an expectation expires after five minutes, as upstream's does.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from cloudk8s.machinery.clock import Clock

TIMEOUT = 300.0


@dataclass(slots=True)
class _Expected:
    since: float
    creations: int = 0
    deletions: set[str] = field(default_factory=set)


class Expectations:
    """Creations are counted, deletions are known by UID, both per key of the object that is reconciled."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._expected: dict[str, _Expected] = {}

    def satisfied(self, key: str) -> bool:
        """Whether everything expected was seen (or has taken too long), so that the cache may be acted on."""
        expected = self._expected.get(key)
        if expected is None:
            return True
        if expected.creations <= 0 and not expected.deletions:
            return True
        return self._clock.monotonic() - expected.since > TIMEOUT

    def expect_creations(self, key: str, count: int) -> None:
        """`count` objects are about to be created; replaces what was expected before."""
        self._expected[key] = _Expected(self._clock.monotonic(), creations=count)

    def expect_deletions(self, key: str, uids: Iterable[str]) -> None:
        """These objects are about to be deleted; replaces what was expected before."""
        self._expected[key] = _Expected(self._clock.monotonic(), deletions=set(uids))

    def expect(self, key: str, *, creations: int, deletions: Iterable[str]) -> None:
        """Both at once; replaces what was expected before."""
        self._expected[key] = _Expected(self._clock.monotonic(), creations, set(deletions))

    def created(self, key: str, count: int = 1) -> None:
        """Creations were seen, or will not happen."""
        if (expected := self._expected.get(key)) is not None:
            expected.creations -= count

    def deleted(self, key: str, uid: str) -> None:
        """A deletion was seen, or will not happen."""
        if (expected := self._expected.get(key)) is not None:
            expected.deletions.discard(uid)

    def forget(self, key: str) -> None:
        """The object itself is gone."""
        self._expected.pop(key, None)
