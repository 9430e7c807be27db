"""What was used between two looks, by metrics-server's rules."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from cloudk8s.api.resource_metrics.usage import Usage
from cloudk8s.resource_metrics.page import Page, Point
from cloudk8s.resource_metrics.window import Window

START = 1_700_000_000.0
MIB = 2**20


def page(time: float, cpu: float, *, started: float = START - 1000) -> Page:
    node = Point(START + time, cpu * 10, 100 * MIB)
    return Page(node, {("default", "a"): {"web": Point(START + time, cpu, 10 * MIB, started)}})


def window(*pages: Page) -> Window:
    found = Window(15.0)
    for each in pages:
        found = found.then(each)
    return found


def test_one_look_says_nothing_two_say_what_was_used_between() -> None:
    assert window(page(0, 5)).of_node() is None
    assert window(page(0, 5)).of_pod("default", "a") is None
    both = window(page(0, 5), page(15, 8))
    pod, node = both.of_pod("default", "a"), both.of_node()
    assert pod is not None
    assert node is not None
    assert pod.usage == {"web": Usage(200_000_000, 10 * MIB)}
    assert pod.timestamp == datetime.fromtimestamp(START + 15, UTC)
    assert pod.window == timedelta(seconds=15)
    assert node.usage == {"": Usage(2_000_000_000, 100 * MIB)}


def test_a_young_container_counts_from_its_start_once_it_is_ten_seconds_old() -> None:
    assert window(page(0, 1, started=START - 9)).of_pod("default", "a") is None
    young = window(page(0, 6, started=START - 12)).of_pod("default", "a")
    assert young is not None
    assert young.usage == {"web": Usage(500_000_000, 10 * MIB)}
    assert young.window == timedelta(seconds=12)


def test_a_container_that_restarted_is_unknown_until_the_next_look() -> None:
    restarted = window(page(0, 5), page(15, 1, started=START + 7))
    assert restarted.of_pod("default", "a") is None
    after = restarted.then(page(30, 4, started=START + 7)).of_pod("default", "a")
    assert after is not None
    assert after.usage["web"].cpu_nano_cores == 200_000_000


def test_a_second_answer_about_the_same_moment_changes_nothing() -> None:
    twice = window(page(0, 5), page(15, 8), page(15, 8))
    assert twice.of_pod("default", "a") == window(page(0, 5), page(15, 8)).of_pod("default", "a")


def test_a_pod_is_known_when_all_its_containers_are() -> None:
    before, after = page(0, 5), page(15, 8)
    grown = Page(after.node, {("default", "a"): {**after.pods["default", "a"], "new": Point(START + 15, 1, 1, START)}})
    assert window(before, grown).of_pod("default", "a") is None


def test_a_pod_that_is_gone_is_forgotten() -> None:
    assert window(page(0, 5), page(15, 8), Page(page(30, 9).node)).of_pod("default", "a") is None
