"""What priority and fairness did, under upstream's names."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import accumulate
from typing import TYPE_CHECKING, Final

from cloudk8s.apiserver.flow_control.control import FlowControl
from cloudk8s.apiserver.flow_control.level import Level
from cloudk8s.apiserver.flow_control.tally import WAIT_BUCKETS, Tally

if TYPE_CHECKING:
    from prometheus_client import Metric
    from prometheus_client.metrics_core import GaugeMetricFamily

_PREFIX: Final = "apiserver_flowcontrol_"
_FLOW: Final = ["priority_level", "flow_schema"]
_BOUNDS: Final = (*map(str, WAIT_BUCKETS), "+Inf")


def flow_metrics(control: FlowControl) -> Iterator[Metric]:
    """Counts by flow schema, and the seats of levels."""
    tallies = [tally for _, tally in sorted(control.tallies.items())]
    levels = [level for _, level in sorted(control.levels.items())]
    yield from _counts(tallies)
    yield from _present(tallies)
    yield _waits(tallies)
    yield from _seats(levels)


def _counts(tallies: list[Tally]) -> Iterator[Metric]:
    from prometheus_client.metrics_core import CounterMetricFamily

    dispatched = CounterMetricFamily(f"{_PREFIX}dispatched_requests_total", "Requests let in.", labels=_FLOW)
    rejected = CounterMetricFamily(
        f"{_PREFIX}rejected_requests_total", "Requests answered with 429.", labels=[*_FLOW, "reason"]
    )
    for tally in tallies:
        refused = sum(tally.rejected.values())
        dispatched.add_metric([tally.level, tally.schema], tally.dispatched - refused)
        for reason, number in sorted(tally.rejected.items()):
            rejected.add_metric([tally.level, tally.schema, reason], number)
    yield dispatched
    yield rejected


def _present(tallies: list[Tally]) -> Iterator[Metric]:
    waiting = _gauge("current_inqueue_requests", "Requests that wait for a seat.", *_FLOW)
    executing = _gauge("current_executing_requests", "Requests that have a seat.", *_FLOW)
    seats = _gauge("current_executing_seats", "Seats that are taken.", *_FLOW)
    for tally in tallies:
        labels = [tally.level, tally.schema]
        waiting.add_metric(labels, tally.waiting)
        executing.add_metric(labels, tally.executing)
        seats.add_metric(labels, tally.executing)
    yield from (waiting, executing, seats)


def _waits(tallies: list[Tally]) -> Metric:
    from prometheus_client.metrics_core import HistogramMetricFamily

    waits = HistogramMetricFamily(
        f"{_PREFIX}request_wait_duration_seconds", "Seconds that requests waited.", labels=[*_FLOW, "execute"]
    )
    for tally in tallies:
        for executed, durations in tally.waited.items():
            buckets = list(zip(_BOUNDS, accumulate(durations.counts), strict=True))
            waits.add_metric([tally.level, tally.schema, str(executed).lower()], buckets, durations.seconds)
    return waits


def _seats(levels: list[Level]) -> Iterator[Metric]:
    nominal = _gauge("nominal_limit_seats", "A level's share of the seats.", "priority_level")
    lower = _gauge("lower_limit_seats", "Seats that a level never lends.", "priority_level")
    upper = _gauge("upper_limit_seats", "Seats that a level has at most.", "priority_level")
    current = _gauge("current_limit_seats", "Seats that a level has now, with what it borrowed.", "priority_level")
    for level in levels:
        limits = level.limits
        figures = (limits.nominal, limits.lower, limits.upper, max(limits.nominal, level.taken))
        for gauge, number in zip((nominal, lower, upper, current), figures, strict=True):
            gauge.add_metric([level.name], number)
    yield from (nominal, lower, upper, current)


def _gauge(name: str, text: str, *labels: str) -> GaugeMetricFamily:
    from prometheus_client.metrics_core import GaugeMetricFamily

    return GaugeMetricFamily(_PREFIX + name, text, labels=list(labels))
