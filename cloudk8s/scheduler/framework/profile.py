"""A profile: the plugins that one scheduler name stands for, sorted by what they can do."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeVar, cast

from cloudk8s.scheduler import interface
from cloudk8s.scheduler.interface import Interest, Plugin

T = TypeVar("T")


@dataclass(slots=True)
class Profile:
    """Plugins in the order in which they are asked, by extension point."""

    scheduler_name: str
    queue_sort: list[interface.QueueSort] = field(default_factory=list)
    """Exactly one."""
    pre_enqueue: list[interface.PreEnqueue] = field(default_factory=list)
    pre_filter: list[interface.PreFilter] = field(default_factory=list)
    filter: list[interface.Filter] = field(default_factory=list)
    post_filter: list[interface.PostFilter] = field(default_factory=list)
    pre_score: list[interface.PreScore] = field(default_factory=list)
    score: list[tuple[interface.Score, int]] = field(default_factory=list)
    """With their weights."""
    reserve: list[interface.Reserve] = field(default_factory=list)
    permit: list[interface.Permit] = field(default_factory=list)
    pre_bind: list[interface.PreBind] = field(default_factory=list)
    bind: list[interface.Bind] = field(default_factory=list)
    post_bind: list[interface.PostBind] = field(default_factory=list)
    interests: dict[str, tuple[Interest, ...] | None] = field(default_factory=dict)
    """By plugin; None is interest in everything."""

    @property
    def goes_by_shape(self) -> bool:
        """Whether all that decide about nodes look at nothing but the pod's shape and the cluster."""
        deciding = (*self.pre_filter, *self.filter, *self.post_filter)
        return all(getattr(plugin, "goes_by_shape", False) for plugin in deciding)

    def add(self, plugin: Plugin, weight: int = 1, *, points: Iterable[str] | None = None) -> None:
        """Add a plugin at these extension points, or at all it implements."""
        wanted = POINTS if points is None else {point: POINTS[point] for point in points}
        for point, kind in wanted.items():
            if not isinstance(plugin, kind):
                continue
            if point == "score":
                self.score.append((cast(interface.Score, plugin), weight))
            else:
                getattr(self, point).append(plugin)
        is_interested = isinstance(plugin, interface.Interested)
        self.interests[plugin.name] = tuple(cast(interface.Interested, plugin).interests()) if is_interested else None


POINTS: Mapping[str, Any] = {
    "queue_sort": interface.QueueSort,
    "pre_enqueue": interface.PreEnqueue,
    "pre_filter": interface.PreFilter,
    "filter": interface.Filter,
    "post_filter": interface.PostFilter,
    "pre_score": interface.PreScore,
    "score": interface.Score,
    "reserve": interface.Reserve,
    "permit": interface.Permit,
    "pre_bind": interface.PreBind,
    "bind": interface.Bind,
    "post_bind": interface.PostBind,
}
"""Extension points and what a plugin must be to take part."""
