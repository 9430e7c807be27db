"""Marks as the command line says them."""

from __future__ import annotations

from datetime import timedelta

import pytest

from cloudk8s.errors import SettingsError
from cloudk8s.node.pressure.thresholds import DEFAULTS, Threshold, parse, with_grace


def test_marks_are_amounts_or_parts() -> None:
    found = parse("memory.available<100Mi, nodefs.available<10%,pid.available<1k", "--eviction-hard")

    assert found[0] == Threshold("memory.available", amount=100 << 20)
    assert [each.mark(1000) for each in found] == [100 << 20, 100, 1000]


def test_a_large_disk_is_not_full_with_a_tenth_left() -> None:
    disk = next(each for each in DEFAULTS if each.signal == "nodefs.available")

    assert (disk.mark(10 << 30), disk.mark(1 << 40)) == (1 << 30, 2 << 30)


def test_soft_marks_have_a_time() -> None:
    soft = parse("memory.available<1Gi", "--eviction-soft")

    assert with_grace(soft, "memory.available=1m30s")[0].grace == timedelta(seconds=90)
    with pytest.raises(SettingsError, match="does not name it"):
        with_grace(soft, "")
    with pytest.raises(SettingsError, match=r"memory\.available=soon"):
        with_grace(soft, "memory.available=soon")


@pytest.mark.parametrize(
    "text", ["memory.available", "memory.free<1Gi", "memory.available<many", "memory.available<100%", "pid.available>5"]
)
def test_nonsense_is_the_users_mistake(text: str) -> None:
    with pytest.raises(SettingsError, match="--eviction-hard"):
        parse(text, "--eviction-hard")
