"""What was written last for each Service, to tell our own changes from others' and a fresh cache from an old one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from cloudk8s.client.interface import Object
from cloudk8s.client.objects import name_of, version_number_of
from cloudk8s.machinery.clock import Clock

PATIENCE = 30.0
"""Seconds after which a write that was never seen is no longer waited for."""


@dataclass(slots=True)
class _Writes:
    since: float
    versions: dict[str, int] = field(default_factory=dict)
    """By slice; 0 is deleted."""


class LastWrites:
    """Versions by Service and slice; only the last round of writes is remembered."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._writes: dict[str, _Writes] = {}

    def begin(self, service: str) -> None:
        """A new round of writes; the last one has been seen."""
        self._writes[service] = _Writes(self._clock.monotonic())

    def wrote(self, service: str, item: Object) -> None:
        self._writes[service].versions[name_of(item)] = version_number_of(item)

    def deleted(self, service: str, item: Object) -> None:
        self._writes[service].versions[name_of(item)] = 0

    def forget(self, service: str) -> None:
        """The Service is gone."""
        self._writes.pop(service, None)

    def are_seen(self, service: str, cached: Sequence[Object]) -> bool:
        """Whether the cache is at least as new as the last round."""
        writes = self._writes.get(service)
        if writes is None or self._clock.monotonic() - writes.since > PATIENCE:
            return True
        seen = {name_of(item): version_number_of(item) for item in cached}
        return all(
            seen.get(name, 0) >= version if version else name not in seen for name, version in writes.versions.items()
        )

    def explains(self, service: str, old: Object | None, new: Object | None) -> bool:
        """Whether a change of a slice is one of ours; a deletion, ours or not, is no longer waited for."""
        writes = self._writes.get(service)
        if writes is None:
            return False
        if new is None:
            return old is not None and writes.versions.pop(name_of(old), None) == 0
        version = writes.versions.get(name_of(new))
        return version is not None and version_number_of(new) <= version
