from __future__ import annotations

import pytest

from cloudk8s.testing.faults import Crash, Faults


def test_the_process_is_gone_after_so_many_mutating_calls() -> None:
    faults = Faults(crash_after=2)
    for call in ("create a", "list"):
        faults.before(call)
        faults.after(call)
    faults.before("create b")
    with pytest.raises(Crash):
        faults.after("create b")


def test_it_is_gone_also_where_another_call_began_before_the_answer() -> None:
    faults = Faults(crash_after=1)
    faults.before("create a")
    faults.before("create b")
    for call in ("create a", "create b"):
        with pytest.raises(Crash):
            faults.after(call)


def test_without_a_number_nothing_crashes() -> None:
    faults = Faults()
    faults.before("create a")
    faults.after("create a")
