"""What a stage is: which objects it is for, how likely it is, how long it waits, and what it does."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Literal

from cloudk8s.client.interface import Object
from cloudk8s.client.objects import annotations_of, labels_of
from cloudk8s.machinery.expressions import Evaluate, ExpressionError
from cloudk8s.machinery.times import TimeError, parse_duration, parse_time
from cloudk8s_simulated.stages.jq import Query
from cloudk8s_simulated.stages.template import Template

Operator = Literal["In", "NotIn", "Exists", "DoesNotExist"]
PatchKind = Literal["json", "merge", "strategic"]


@dataclass(frozen=True, slots=True)
class Requirement:
    """A condition on the values that a query finds in an object."""

    query: Query
    operator: Operator
    values: frozenset[str] = frozenset()

    def holds(self, obj: Object) -> bool:
        found = [_text(value) for value in self.query(obj) if value is not None]
        match self.operator:
            case "In":
                return any(value in self.values for value in found)
            case "NotIn":
                return not any(value in self.values for value in found)
            case "Exists":
                return bool(found)
            case "DoesNotExist":
                return not found


@dataclass(frozen=True, slots=True)
class Truth:
    """A condition that is an expression in CEL about `self`; one without a value does not hold."""

    evaluate: Evaluate

    def holds(self, obj: Object) -> bool:
        try:
            return self.evaluate({"self": obj}) is True
        except ExpressionError:
            return False


@dataclass(frozen=True, slots=True)
class Selector:
    """All of these must hold."""

    labels: Mapping[str, str] = field(default_factory=dict)
    annotations: Mapping[str, str] = field(default_factory=dict)
    requirements: Sequence[Requirement | Truth] = ()

    def matches(self, obj: Object) -> bool:
        return (
            self.labels.items() <= labels_of(obj).items()
            and self.annotations.items() <= annotations_of(obj).items()
            and all(requirement.holds(obj) for requirement in self.requirements)
        )


@dataclass(frozen=True, slots=True)
class Duration:
    """A fixed time, unless the object itself names a time or a moment."""

    fixed: timedelta | None = None
    named: Query | None = None

    def of(self, obj: Object, now: datetime) -> timedelta | None:
        for value in self.named(obj) if self.named else ():
            if value is not None and (found := _duration(str(value), now)) is not None:
                return found
        return self.fixed


@dataclass(frozen=True, slots=True)
class Delay:
    """From `duration` to `jitter`, where the latter is longer; where it is shorter, it counts alone."""

    duration: Duration = Duration()
    jitter: Duration = Duration()

    def of(self, obj: Object, now: datetime, chance: Callable[[], float]) -> timedelta:
        """`chance` gives a number from 0 to 1."""
        least = self.duration.of(obj, now) or timedelta(0)
        most = self.jitter.of(obj, now)
        if most is None:
            return least
        return most if most < least else least + (most - least) * chance()


@dataclass(frozen=True, slots=True)
class Patch:
    """A patch of the object or of a subresource; `root` is the field that the template is about."""

    template: Template
    kind: PatchKind = "merge"
    root: str = ""
    subresource: str = ""


@dataclass(frozen=True, slots=True)
class Apply:
    """The object that the template is, whichever that is."""

    template: Template
    subresource: str = ""


@dataclass(frozen=True, slots=True)
class Finalizers:
    add: Sequence[str] = ()
    remove: frozenset[str] = frozenset()
    is_emptied: bool = False

    def of(self, present: Sequence[str]) -> list[str]:
        """What becomes of the finalizers."""
        kept = [] if self.is_emptied else [name for name in present if name not in self.remove]
        return [*kept, *(name for name in self.add if name not in kept)]


@dataclass(frozen=True, slots=True)
class Event:
    type: Literal["Normal", "Warning"]
    reason: str
    message: str


@dataclass(frozen=True, slots=True)
class Delete:
    """The object goes at once."""


Step = Patch | Apply | Finalizers | Event | Delete


@dataclass(frozen=True, slots=True)
class Stage:
    """One step of a life; objects of `api_version` and `kind` that `selector` matches take it."""

    name: str
    api_version: str
    kind: str
    selector: Selector
    steps: Sequence[Step]
    delay: Delay = Delay()
    weight: int = 0
    named_weight: Query | None = None
    is_followed_at_once: bool = False
    """The next stage does not wait for its own delay."""

    def weight_for(self, obj: Object) -> int:
        """How likely the stage is beside others; what the object says counts before what the stage says."""
        for value in self.named_weight(obj) if self.named_weight else ():
            if str(value).lstrip("-").isdecimal():
                return max(0, int(str(value)))
        return self.weight


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value)


def _duration(text: str, now: datetime) -> timedelta | None:
    """A length of time, or what is left until a moment."""
    try:
        return parse_duration(text)
    except TimeError:
        pass
    try:
        return max(timedelta(0), parse_time(text) - now)
    except TimeError:
        return None
