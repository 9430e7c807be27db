"""How long plugins take: a second set of a profile's plugins, which measures every call.

Attempts that are sampled use it in place of the profile; all others do not pay for it.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable
from dataclasses import fields
from typing import Any, Final

from cloudk8s.machinery.clock import Clock
from cloudk8s.scheduler.framework.profile import Profile
from cloudk8s.scheduler.interface import Refusal
from cloudk8s.scheduler.metrics import SchedulerMetrics

POINTS: Final = {
    "pre_filter": "PreFilter", "filter": "Filter", "post_filter": "PostFilter", "pre_score": "PreScore",
    "score": "Score", "reserve": "Reserve", "permit": "Permit", "pre_bind": "PreBind", "bind": "Bind",
    "post_bind": "PostBind",
}  # fmt: skip
"""Extension points that are measured, and upstream's names of them."""
SUCCESS: Final = "Success"
UNSCHEDULABLE: Final = "Unschedulable"
FAILED: Final = "Error"


class Timed:
    """A plugin at one extension point; everything but that is the plugin's own."""

    def __init__(self, plugin: Any, point: str, note: Note) -> None:
        self._plugin = plugin
        called = getattr(plugin, point)
        measured = _awaited if inspect.iscoroutinefunction(called) else _called
        setattr(self, point, measured(called, plugin.name, POINTS[point], note))

    def __getattr__(self, name: str) -> Any:
        return getattr(self._plugin, name)


class Sampler:
    """Where the measured plugins of a profile note their times."""

    def __init__(self, profile: Profile, metrics: SchedulerMetrics, clock: Clock) -> None:
        self.profile = _timed(profile, Note(self._note, clock))
        self._metrics = metrics
        self._sums: dict[str, float] = {}
        self._worst: dict[str, str] = {}

    def flush(self) -> None:
        """An attempt is over, up to its binding: note what its extension points took together."""
        for point, seconds in self._sums.items():
            status = self._worst.get(point, SUCCESS)
            self._metrics.points.of(point, self.profile.scheduler_name, status).observe(seconds)
        self._sums.clear()
        self._worst.clear()

    def _note(self, plugin: str, point: str, status: str, seconds: float) -> None:
        self._metrics.plugins.of(point, plugin, status).observe(seconds)
        if point in _IN_BACKGROUND:
            self._metrics.points.of(point, self.profile.scheduler_name, status).observe(seconds)
            return
        self._sums[point] = self._sums.get(point, 0.0) + seconds
        if status != SUCCESS:
            self._worst[point] = status


class Note:
    """What a measured call needs: the time, and where to write it."""

    __slots__ = ("clock", "write")

    def __init__(self, write: Callable[[str, str, str, float], None], clock: Clock) -> None:
        self.write, self.clock = write, clock


_IN_BACKGROUND: Final = frozenset(("PreBind", "Bind", "PostBind"))
"""Points of many pods at once, whose plugins are noted as they end."""


def _timed(profile: Profile, note: Note) -> Profile:
    made = Profile(profile.scheduler_name)
    for field in fields(Profile):
        name = field.name
        if name in ("scheduler_name", "interests"):
            setattr(made, name, getattr(profile, name))
        elif name == "score":
            made.score = [(Timed(plugin, name, note), weight) for plugin, weight in profile.score]
        elif name in POINTS:
            setattr(made, name, [Timed(plugin, name, note) for plugin in getattr(profile, name)])
        else:
            setattr(made, name, list(getattr(profile, name)))
    return made


def _called(call: Callable[..., Any], plugin: str, point: str, note: Note) -> Callable[..., Any]:
    def measured(*arguments: Any) -> Any:
        began, status = note.clock.monotonic(), FAILED
        try:
            answer = call(*arguments)
            status = UNSCHEDULABLE if isinstance(answer, Refusal) else SUCCESS
            return answer
        finally:
            note.write(plugin, point, status, note.clock.monotonic() - began)

    return measured


def _awaited(call: Callable[..., Any], plugin: str, point: str, note: Note) -> Callable[..., Any]:
    async def measured(*arguments: Any) -> Any:
        began, status = note.clock.monotonic(), FAILED
        try:
            answer = await call(*arguments)
            status = UNSCHEDULABLE if isinstance(answer, Refusal) else SUCCESS
            return answer
        finally:
            note.write(plugin, point, status, note.clock.monotonic() - began)

    return measured
