"""What instruments show."""

from __future__ import annotations

import pytest

from cloudk8s.machinery.exposition import page
from cloudk8s.machinery.instruments import Instruments, exponential


def test_counters_and_gauges_show_their_values_by_label() -> None:
    instruments = Instruments()
    adds = instruments.counter("adds_total", "Adds.", ("name",))
    adds.add("a")
    adds.add("a", amount=2)
    adds.add('b"')
    depth = instruments.gauge("depth", "Depth.", ("name",), stage="STABLE")
    depth.set(4, "a")
    depth.read_from(lambda: {("b",): 5.0})
    assert page(instruments.families()) == (
        "# HELP adds_total [ALPHA] Adds.\n# TYPE adds_total counter\n"
        'adds_total{name="a"} 3\nadds_total{name="b\\""} 1\n'
        '# HELP depth [STABLE] Depth.\n# TYPE depth gauge\ndepth{name="a"} 4\ndepth{name="b"} 5\n'
    )


def test_a_histogram_shows_how_many_values_each_bound_reaches() -> None:
    instruments = Instruments()
    series = instruments.histogram("took_seconds", "Took.", (0.5, 1, 10), ("name",)).of("a")
    for value in (0.5, 0.7, 3, 99):
        series.observe(value)
    assert page(instruments.families()).splitlines()[2:] == [
        'took_seconds_bucket{name="a",le="0.5"} 1',
        'took_seconds_bucket{name="a",le="1"} 2',
        'took_seconds_bucket{name="a",le="10"} 3',
        'took_seconds_bucket{name="a",le="+Inf"} 4',
        'took_seconds_sum{name="a"} 103.2',
        'took_seconds_count{name="a"} 4',
    ]


def test_the_same_name_is_the_same_instrument_unless_it_differs() -> None:
    instruments = Instruments()
    assert instruments.counter("a_total", "A.") is instruments.counter("a_total", "A.")
    with pytest.raises(ValueError, match="a_total"):
        instruments.gauge("a_total", "A.")


def test_bounds_have_the_digits_that_others_print() -> None:
    assert [f"{bound:g}" for bound in exponential(10e-9, 10, 4)] == ["1e-08", "1e-07", "1e-06", "1e-05"]
    assert exponential(10e-9, 10, 4)[3] == 9.999999999999999e-06
