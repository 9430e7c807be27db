"""Listings are shared by those who ask at the same time, and never older than asked for."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from cloudk8s.errors import CloudError
from cloudk8s_aws.shared_read import SharedRead


def test_one_after_another_reads_anew() -> None:
    numbers = iter(range(10))
    shared = SharedRead(lambda: next(numbers))
    assert [shared.get(), shared.get()] == [0, 1]


def test_those_who_ask_during_a_read_share_the_next_one() -> None:
    begun, release = threading.Event(), threading.Event()
    calls: list[int] = []

    def fetch() -> int:
        calls.append(len(calls))
        begun.set()
        assert release.wait(5)
        return calls[-1]

    shared = SharedRead(fetch)
    with ThreadPoolExecutor(12) as pool:
        first = pool.submit(shared.get)
        assert begun.wait(5)
        others = [pool.submit(shared.get) for _ in range(10)]
        while len(shared._condition._waiters) < 10:  # type: ignore[attr-defined]
            pass
        release.set()
        assert first.result() == 0
        assert {other.result() for other in others} == {1}
    assert calls == [0, 1]


def test_an_error_reaches_everyone_and_is_not_kept() -> None:
    answers = iter([CloudError("throttled"), None])

    def fetch() -> str:
        if error := next(answers):
            raise error
        return "fine"

    shared = SharedRead(fetch)
    with pytest.raises(CloudError, match="throttled"):
        shared.get()
    assert shared.get() == "fine"
