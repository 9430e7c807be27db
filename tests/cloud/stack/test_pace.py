"""Rate limits make callers wait just long enough."""

from __future__ import annotations

from cloudk8s.cloud.stack.pace import Pace, Rate
from cloudk8s.cloud.stack.timing import VirtualTimer


def test_a_burst_goes_through_and_then_the_rate_holds() -> None:
    timer = VirtualTimer()
    pace = Pace({"ec2": Rate(per_second=2, burst=3)}, timer)
    for _ in range(5):
        pace.take("ec2")
    assert timer.pauses == [0.5, 0.5]


def test_an_api_without_a_rate_never_waits() -> None:
    timer = VirtualTimer()
    pace = Pace({"ec2": Rate(per_second=1, burst=1)}, timer)
    for _ in range(100):
        pace.take("elb")
    assert timer.pauses == []


def test_tokens_come_back_with_time() -> None:
    timer = VirtualTimer()
    pace = Pace({"ec2": Rate(per_second=1, burst=2)}, timer)
    pace.take("ec2")
    pace.take("ec2")
    timer.pause(2)
    pace.take("ec2")
    assert timer.pauses == [2]


def test_an_api_that_refuses_is_slowed_down_and_recovers() -> None:
    timer = VirtualTimer()
    pace = Pace({"ec2": Rate(per_second=8, burst=100), "elb": Rate(per_second=8, burst=100)}, timer)
    pace.slow_down("ec2")
    pace.slow_down("ec2")
    pace.take("ec2")
    assert timer.pauses == [0.5], "a quarter of the rate, and no burst"
    pace.take("elb")
    assert timer.pauses == [0.5], "other APIs are not concerned"
    timer.pause(20)
    assert 3.9 < pace.rate_of("ec2") < 4.2
    timer.pause(60)
    assert pace.rate_of("ec2") == 8


def test_an_api_is_never_slowed_down_to_nothing() -> None:
    pace = Pace({"ec2": Rate(per_second=32, burst=1)}, VirtualTimer())
    for _ in range(50):
        pace.slow_down("ec2")
    assert pace.rate_of("ec2") == 1
