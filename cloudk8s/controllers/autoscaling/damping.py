"""Keep sizes from jumping: stabilisation windows, rates of change, and bounds."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

_WITHIN: Final = ("DesiredWithinRange", "the desired count is within the acceptable range")
_TOO_MANY: Final = ("TooManyReplicas", "the desired replica count is more than the maximum replica count")
_TOO_FEW: Final = ("TooFewReplicas", "the desired replica count is less than the minimum replica count")
_UP_LIMIT: Final = ("ScaleUpLimit", "the desired replica count is increasing faster than the maximum scale rate")
_DOWN_LIMIT: Final = ("ScaleDownLimit", "the desired replica count is decreasing faster than the maximum scale rate")
_FEWEST: Final = 4
"""Without rules, a size may double, or become this."""

Rules = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Bounded:
    """A size and why it is not another one; reasons and messages are those of conditions."""

    replicas: int
    reason: str
    message: str


@dataclass(frozen=True, slots=True)
class Wish:
    """What metrics call for, and between what."""

    current: int
    desired: int
    minimum: int
    maximum: int


@dataclass(frozen=True, slots=True)
class _Moment:
    at: float
    replicas: int


@dataclass(slots=True)
class History:
    """What one autoscaler recommended and did lately."""

    recommendations: list[_Moment] = field(default_factory=list)
    ups: list[_Moment] = field(default_factory=list)
    downs: list[_Moment] = field(default_factory=list)

    def begin(self, current: int, now: float) -> None:
        """The first recommendation is what is there."""
        if not self.recommendations:
            self.recommendations.append(_Moment(now, current))

    def scaled(self, behavior: Mapping[str, Rules] | None, before: int, after: int, now: float) -> None:
        """Note a change, for as long as some rule asks for it."""
        if behavior is None:
            return
        direction, events = ("scaleUp", self.ups) if after > before else ("scaleDown", self.downs)
        periods = [int(each["periodSeconds"]) for each in (behavior.get(direction) or {}).get("policies") or ()]
        events[:] = [event for event in events if now - event.at < max(periods, default=0)]
        events.append(_Moment(now, abs(after - before)))


def stabilized(history: History, wish: Wish, window: float, now: float) -> Bounded:
    """Without rules: never below the highest recommendation of the window."""
    recent = [item for item in history.recommendations if now - item.at <= window]
    history.recommendations = [*recent, _Moment(now, wish.desired)]
    highest = max([wish.desired, *(item.replicas for item in recent)])
    if highest != wish.desired:
        return Bounded(highest, *_STABILIZED_DOWN)
    return Bounded(highest, *_READY)


def stabilized_by_rules(
    history: History, wish: Wish, behavior: Mapping[str, Rules], window: float, now: float
) -> Bounded:
    """By rules: as near to the present size as the recommendations of both windows allow."""
    up_window = _window(behavior, "scaleUp", 0.0)
    down_window = _window(behavior, "scaleDown", window)
    lowest = min([wish.desired, *(r.replicas for r in history.recommendations if now - r.at < up_window)])
    highest = max([wish.desired, *(r.replicas for r in history.recommendations if now - r.at < down_window)])
    kept = [item for item in history.recommendations if now - item.at <= max(up_window, down_window)]
    history.recommendations = [*kept, _Moment(now, wish.desired)]
    found = min(max(wish.current, lowest), highest)
    if found == wish.desired:
        return Bounded(found, *_READY)
    return Bounded(found, *(_STABILIZED_UP if wish.desired >= wish.current else _STABILIZED_DOWN))


_READY: Final = ("ReadyForNewScale", "recommended size matches current size")
_STABILIZED_DOWN: Final = (
    "ScaleDownStabilized",
    "recent recommendations were higher than current one, applying the highest recent recommendation",
)
_STABILIZED_UP: Final = (
    "ScaleUpStabilized",
    "recent recommendations were lower than current one, applying the lowest recent recommendation",
)


def bounded(wish: Wish) -> Bounded:
    """Without rules: between minimum and maximum, and at most twice the present size."""
    limit = max(wish.current * 2, _FEWEST)
    if wish.desired < wish.minimum:
        return Bounded(wish.minimum, *_TOO_FEW)
    if wish.desired > min(wish.maximum, limit):
        return Bounded(limit, *_UP_LIMIT) if wish.maximum > limit else Bounded(wish.maximum, *_TOO_MANY)
    return Bounded(wish.desired, *_WITHIN)


def bounded_by_rules(history: History, wish: Wish, behavior: Mapping[str, Rules], now: float) -> Bounded:
    """By rules: as fast as they allow."""
    if wish.desired > wish.current:
        limit = max(wish.current, _up_limit(history, wish.current, behavior.get("scaleUp") or {}, now))
        if wish.desired > min(wish.maximum, limit):
            return Bounded(limit, *_UP_LIMIT) if wish.maximum > limit else Bounded(wish.maximum, *_TOO_MANY)
    elif wish.desired < wish.current:
        limit = min(wish.current, _down_limit(history, wish.current, behavior.get("scaleDown") or {}, now))
        if wish.desired < max(wish.minimum, limit):
            return Bounded(limit, *_DOWN_LIMIT) if wish.minimum < limit else Bounded(wish.minimum, *_TOO_FEW)
    return Bounded(wish.desired, *_WITHIN)


def _window(behavior: Mapping[str, Rules], direction: str, default: float) -> float:
    seconds = (behavior.get(direction) or {}).get("stabilizationWindowSeconds")
    return default if seconds is None else float(seconds)


def _up_limit(history: History, current: int, rules: Rules, now: float) -> int:
    def propose(start: int, policy: Mapping[str, Any]) -> int:
        if policy["type"] == "Pods":
            return start + int(policy["value"])
        return math.ceil(start * (1 + int(policy["value"]) / 100))

    choose: Callable[[Sequence[int]], int] = min if rules.get("selectPolicy") == "Min" else max
    return _limit(history, current, rules, now, propose, choose)


def _down_limit(history: History, current: int, rules: Rules, now: float) -> int:
    def propose(start: int, policy: Mapping[str, Any]) -> int:
        if policy["type"] == "Pods":
            return start - int(policy["value"])
        return int(start * (1 - int(policy["value"]) / 100))

    choose: Callable[[Sequence[int]], int] = max if rules.get("selectPolicy") == "Min" else min
    return _limit(history, current, rules, now, propose, choose)


def _limit(
    history: History, current: int, rules: Rules, now: float, propose: Callable[[int, Mapping[str, Any]], int],
    choose: Callable[[Sequence[int]], int],
) -> int:  # fmt: skip
    if rules.get("selectPolicy") == "Disabled":
        return current
    proposals = []
    for policy in rules.get("policies") or ():
        period = int(policy["periodSeconds"])
        added = sum(event.replicas for event in history.ups if now - event.at < period)
        removed = sum(event.replicas for event in history.downs if now - event.at < period)
        proposals.append(propose(current - added + removed, policy))
    return choose(proposals) if proposals else current
