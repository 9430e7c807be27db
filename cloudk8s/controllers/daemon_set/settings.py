"""What a DaemonSet's spec says about updates; pure functions."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from cloudk8s.client.interface import Object
from cloudk8s.client.objects import spec_of
from cloudk8s.machinery.int_or_string import scaled_value


def is_rolling(daemon_set: Object) -> bool:
    return _strategy(daemon_set).get("type") == "RollingUpdate"


def max_surge(daemon_set: Object, desired: int) -> int:
    """How many nodes may have a new pod beside an available old one."""
    return _scaled(daemon_set, "maxSurge", 0, desired) if is_rolling(daemon_set) else 0


def max_unavailable(daemon_set: Object, desired: int) -> int:
    """How many nodes may be without an available pod; at least one where nothing could move otherwise."""
    if not is_rolling(daemon_set):
        return 0
    number = _scaled(daemon_set, "maxUnavailable", 1, desired)
    return 1 if number == 0 and desired and max_surge(daemon_set, desired) == 0 else number


def min_ready_seconds(daemon_set: Object) -> int:
    return int(spec_of(daemon_set).get("minReadySeconds") or 0)


def _scaled(daemon_set: Object, field: str, default: int, desired: int) -> int:
    value = (_strategy(daemon_set).get("rollingUpdate") or {}).get(field)
    return scaled_value(default if value is None else value, desired, round_up=True)


def _strategy(daemon_set: Object) -> Mapping[str, Any]:
    return spec_of(daemon_set).get("updateStrategy") or {}
