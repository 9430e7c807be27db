"""The parts of a parsed template."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class Literal:
    value: Any


@dataclass(frozen=True, slots=True)
class Path:
    """Fields below something: below dot where `root` is None, below a variable, or below any expression."""

    root: Variable | Pipeline | None
    fields: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class Variable:
    name: str


@dataclass(frozen=True, slots=True)
class Call:
    """A function's name with its arguments."""

    name: str
    arguments: Sequence[Expression] = ()


@dataclass(frozen=True, slots=True)
class Pipeline:
    """The value of each command is the last argument of the next one."""

    commands: Sequence[Expression]


Expression = Literal | Path | Variable | Call | Pipeline


@dataclass(frozen=True, slots=True)
class Text:
    text: str


@dataclass(frozen=True, slots=True)
class Output:
    value: Pipeline


@dataclass(frozen=True, slots=True)
class Assign:
    """`{{ $x := … }}`, or `=` for a variable that there is."""

    name: str
    value: Pipeline
    declares: bool


@dataclass(frozen=True, slots=True)
class Branch:
    """`if` and `with`."""

    condition: Pipeline
    name: str
    body: Sequence[Node]
    otherwise: Sequence[Node] = ()
    moves_dot: bool = False


@dataclass(frozen=True, slots=True)
class Range:
    names: Sequence[str]
    over: Pipeline
    body: Sequence[Node]
    otherwise: Sequence[Node] = ()


@dataclass(frozen=True, slots=True)
class Include:
    """`{{ template "name" value }}`."""

    name: str
    value: Pipeline | None


@dataclass(frozen=True, slots=True)
class Jump:
    """`break` or `continue`."""

    kind: str


Node = Text | Output | Assign | Branch | Range | Include | Jump


@dataclass(frozen=True, slots=True)
class Document:
    """A template and those that it defines."""

    body: Sequence[Node]
    named: Mapping[str, Sequence[Node]] = field(default_factory=dict)
