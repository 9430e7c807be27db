"""Counters, gauges and histograms that cost next to nothing to use: text is made when somebody asks.

`Instruments` holds those of one process. An instrument of a name that is there already is the same one, so that many
queues count in one family. All of it belongs to one event loop; nothing here locks.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import accumulate
from typing import Final, TypeVar

from cloudk8s.machinery.exposition import Family

Labels = tuple[str, ...]
"""Values of an instrument's labels, in the order in which it names them."""
Read = Callable[[], Mapping[Labels, float]]
"""What a gauge or counter is now."""


class Counter:
    """Only ever grows."""

    __slots__ = ("_reads", "labels", "name", "stage", "values", "words")

    def __init__(self, name: str, words: str, labels: Labels = (), stage: str = "ALPHA") -> None:
        self.name, self.words, self.labels, self.stage = name, words, labels, stage
        self.values: dict[Labels, float] = {}
        self._reads: list[Read] = []

    def read_from(self, read: Read) -> None:
        """Ask this, whenever somebody looks, for what is counted elsewhere anyway."""
        self._reads.append(read)

    def add(self, *labels: str, amount: float = 1.0) -> None:
        """Count one more, or so many."""
        self.values[labels] = self.values.get(labels, 0.0) + amount

    def family(self) -> Family:
        """What it shows now."""
        found = dict(self.values)
        for read in self._reads:
            found.update(read())
        return _filled(Family(self.name, "counter", self.words, self.stage), self.labels, found)


class Gauge:
    """Goes up and down: what was set last, and what is read from where it is known anyway."""

    __slots__ = ("_reads", "labels", "name", "stage", "values", "words")

    def __init__(self, name: str, words: str, labels: Labels = (), stage: str = "ALPHA") -> None:
        self.name, self.words, self.labels, self.stage = name, words, labels, stage
        self.values: dict[Labels, float] = {}
        self._reads: list[Read] = []

    def set(self, value: float, *labels: str) -> None:
        """It is this much now."""
        self.values[labels] = value

    def read_from(self, read: Read) -> None:
        """Ask this, whenever somebody looks."""
        self._reads.append(read)

    def family(self) -> Family:
        """What it shows now."""
        found = dict(self.values)
        for read in self._reads:
            found.update(read())
        return _filled(Family(self.name, "gauge", self.words, self.stage), self.labels, found)


class Series:
    """The values of a histogram that have the same labels."""

    __slots__ = ("_bounds", "counts", "total")

    def __init__(self, bounds: Sequence[float]) -> None:
        self._bounds = bounds
        self.counts = [0] * (len(bounds) + 1)
        self.total = 0.0

    def observe(self, value: float, times: int = 1) -> None:
        """Note a value once, or so often."""
        self.counts[bisect_left(self._bounds, value)] += times
        self.total += value * times

    @property
    def count(self) -> int:
        """How many values were noted."""
        return sum(self.counts)


class Histogram:
    """How values are spread over buckets."""

    __slots__ = ("bounds", "labels", "name", "series", "stage", "words")

    def __init__(
        self, name: str, words: str, bounds: Sequence[float], labels: Labels = (), stage: str = "ALPHA"
    ) -> None:
        self.name, self.words, self.bounds, self.labels, self.stage = name, words, tuple(bounds), labels, stage
        self.series: dict[Labels, Series] = {}

    def of(self, *labels: str) -> Series:
        """The series of these labels; who notes many values keeps it."""
        found = self.series.get(labels)
        if found is None:
            found = self.series[labels] = Series(self.bounds)
        return found

    def family(self) -> Family:
        """What it shows now."""
        family = Family(self.name, "histogram", self.words, self.stage)
        for values, series in self.series.items():
            labels = dict(zip(self.labels, values, strict=True))
            family.add_histogram(labels, self.bounds, series.counts, series.total)
        return family


Instrument = TypeVar("Instrument", Counter, Gauge, Histogram)


class Instruments:
    """All of one process."""

    def __init__(self) -> None:
        self._found: dict[str, Counter | Gauge | Histogram] = {}

    def counter(self, name: str, words: str, labels: Labels = (), *, stage: str = "ALPHA") -> Counter:
        return self._same(Counter(name, words, labels, stage))

    def gauge(self, name: str, words: str, labels: Labels = (), *, stage: str = "ALPHA") -> Gauge:
        return self._same(Gauge(name, words, labels, stage))

    def histogram(
        self, name: str, words: str, bounds: Sequence[float], labels: Labels = (), *, stage: str = "ALPHA"
    ) -> Histogram:
        return self._same(Histogram(name, words, bounds, labels, stage))

    def families(self) -> Iterator[Family]:
        """What all of them show now, by name."""
        return (self._found[name].family() for name in sorted(self._found))

    def _same(self, made: Instrument) -> Instrument:
        found = self._found.setdefault(made.name, made)
        if type(found) is not type(made) or found.labels != made.labels:
            raise ValueError(f"metric {made.name} is there already, as another kind or with other labels")
        return found


def exponential(start: float, factor: float, count: int) -> tuple[float, ...]:
    """Bounds that grow by a factor; multiplied one by one, for the digits that others print too."""
    return tuple(accumulate(range(1, count), lambda bound, _: bound * factor, initial=start))


LATENCY: Final = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
"""Prometheus' default bounds, in seconds."""


def _filled(family: Family, labels: Labels, values: Mapping[Labels, float]) -> Family:
    for found, value in values.items():
        family.add(dict(zip(labels, found, strict=True)), value)
    return family
