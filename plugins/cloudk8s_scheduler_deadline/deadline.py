"""The plugin: orders the queue by when pods must start at the latest."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from pydantic import ValidationError

from cloudk8s.plugin import SettingsError
from cloudk8s.plugin.scheduler import Cycle, Handle, Interest, Refusal
from cloudk8s_scheduler_deadline.settings import DeadlineSettings

DEADLINE: Final = "cloudk8s.io/deadline"
"""When the work must be done, as in 2026-11-20T18:00:00Z."""
DURATION: Final = "cloudk8s.io/expected-duration"
"""How long it takes, as in 1h30m."""
_UNITS: Final = {"h": 3600.0, "m": 60.0, "s": 1.0}


class Deadline:
    """Earliest latest start first; pods without a deadline come after those with one."""

    name = "Deadline"

    def __init__(self, arguments: Mapping[str, Any], handle: Handle) -> None:
        self._clock = handle.clock
        try:
            self._settings = DeadlineSettings.model_validate(dict(arguments))
        except ValidationError as error:
            first = error.errors()[0]
            field = ".".join(str(part) for part in first["loc"])
            raise SettingsError(f"pluginConfig of Deadline: {field}: {first['msg']}") from error

    def sort_key(self, pod: Any, since: float) -> tuple[float, float, float]:
        latest = self._latest_start(pod)
        due = latest.timestamp() if latest is not None else float("inf")
        if self._settings.across_priorities:
            return due, -pod.priority, since
        return -pod.priority, due, since

    def pre_filter(self, cycle: Cycle) -> Refusal | None:
        """Hold back what is too late, where the settings say so."""
        latest = self._latest_start(cycle.pod)
        if latest is None or self._settings.on_missed == "Run" or self._clock.now() <= latest:
            return None
        return Refusal(f"the pod had to start by {latest:%Y-%m-%dT%H:%M:%SZ} to meet its deadline", is_resolvable=False)

    def interests(self) -> Sequence[Interest]:
        return [Interest("pods", frozenset(("update",)))]

    def _latest_start(self, pod: Any) -> datetime | None:
        """The deadline less the time the work takes; None without a deadline that can be read."""
        annotations = pod.obj["metadata"].get("annotations") or {}
        due = _time(annotations.get(DEADLINE, ""))
        if due is None:
            return None
        expected = _seconds(annotations.get(DURATION, ""))
        return due - timedelta(seconds=self._settings.expected_seconds if expected is None else expected)


def _time(text: str) -> datetime | None:
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        return None
    return found if found.tzinfo else found.replace(tzinfo=UTC)


def _seconds(text: str) -> float | None:
    parts = list(re.finditer(r"(\d+(?:\.\d+)?)([hms])", text))
    if not parts or "".join(part[0] for part in parts) != text:
        return None
    return sum(float(part[1]) * _UNITS[part[2]] for part in parts)
