"""Nodes and an object to text."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from cloudk8s.machinery import codec
from cloudk8s_simulated.stages.template.lexing import TemplateError
from cloudk8s_simulated.stages.template.nodes import (
    Assign,
    Branch,
    Call,
    Expression,
    Include,
    Jump,
    Literal,
    Node,
    Output,
    Path,
    Pipeline,
    Range,
    Text,
    Variable,
)
from cloudk8s_simulated.stages.template.parsing import parse

Functions = Mapping[str, Callable[..., Any]]


class Template:
    """A parsed template; `functions` are those that a caller adds when it renders."""

    def __init__(self, text: str) -> None:
        self._document = parse(text)

    def render(self, data: Any, functions: Functions) -> str:
        """The text for some data. Raises TemplateError."""
        rendering = _Rendering(functions, self._document.named)
        return "".join(rendering.body(self._document.body, data, _Scope({"$": data})))


class _Jump(Exception):
    def __init__(self, kind: str) -> None:
        super().__init__(kind)
        self.kind = kind


class _Scope:
    """Variables, those of an outer scope included."""

    def __init__(self, values: dict[str, Any], outer: _Scope | None = None) -> None:
        self.values, self.outer = values, outer

    def inner(self) -> _Scope:
        return _Scope({}, self)

    def holder(self, name: str) -> _Scope:
        """The scope that has a variable."""
        scope: _Scope | None = self
        while scope is not None:
            if name in scope.values:
                return scope
            scope = scope.outer
        raise TemplateError(f"the variable {name} is not defined")


class _Rendering:
    def __init__(self, functions: Functions, named: Mapping[str, Sequence[Node]]) -> None:
        self._functions, self._named = functions, named

    def body(self, nodes: Sequence[Node], dot: Any, scope: _Scope) -> Iterator[str]:
        for node in nodes:
            yield from self._node(node, dot, scope)

    def _node(self, node: Node, dot: Any, scope: _Scope) -> Iterator[str]:
        match node:
            case Text():
                yield node.text
            case Output():
                yield printed(self._pipeline(node.value, dot, scope))
            case Assign():
                value = self._pipeline(node.value, dot, scope)
                (scope if node.declares else scope.holder(node.name)).values[node.name] = value
            case Branch():
                yield from self._branch(node, dot, scope.inner())
            case Range():
                yield from self._range(node, dot, scope)
            case Include():
                yield from self._include(node, dot, scope)
            case Jump():
                raise _Jump(node.kind)

    def _branch(self, node: Branch, dot: Any, scope: _Scope) -> Iterator[str]:
        value = self._pipeline(node.condition, dot, scope)
        if node.name:
            scope.values[node.name] = value
        if is_true(value):
            yield from self.body(node.body, value if node.moves_dot else dot, scope)
        else:
            yield from self.body(node.otherwise, dot, scope)

    def _range(self, node: Range, dot: Any, scope: _Scope) -> Iterator[str]:
        items = list(_items(self._pipeline(node.over, dot, scope)))
        if not items:
            yield from self.body(node.otherwise, dot, scope.inner())
        for key, value in items:
            inner = scope.inner()
            inner.values.update(zip(node.names, (value,) if len(node.names) == 1 else (key, value), strict=False))
            made: list[str] = []
            try:
                for part in self.body(node.body, value, inner):
                    made.append(part)
            except _Jump as jump:
                yield "".join(made)
                if jump.kind == "break":
                    return
            else:
                yield "".join(made)

    def _include(self, node: Include, dot: Any, scope: _Scope) -> Iterator[str]:
        if node.name not in self._named:
            raise TemplateError(f'template "{node.name}" is not defined')
        value = self._pipeline(node.value, dot, scope) if node.value is not None else None
        yield from self.body(self._named[node.name], value, _Scope({"$": value}))

    def _pipeline(self, pipeline: Pipeline, dot: Any, scope: _Scope) -> Any:
        first, *rest = pipeline.commands
        value = self._value(first, dot, scope)
        for command in rest:
            if not isinstance(command, Call):
                raise TemplateError("only a function can stand behind |")
            value = self._call(command, dot, scope, (value,))
        return value

    def _value(self, expression: Expression, dot: Any, scope: _Scope) -> Any:
        match expression:
            case Literal():
                return expression.value
            case Variable():
                return scope.holder(expression.name).values[expression.name]
            case Path():
                root = dot if expression.root is None else self._value(expression.root, dot, scope)
                return _below(root, expression.fields)
            case Call():
                return self._call(expression, dot, scope, ())
            case Pipeline():
                return self._pipeline(expression, dot, scope)

    def _call(self, call: Call, dot: Any, scope: _Scope, last: tuple[Any, ...]) -> Any:
        function = self._functions.get(call.name)
        if function is None:
            raise TemplateError(f'function "{call.name}" is not defined')
        arguments = [self._value(argument, dot, scope) for argument in call.arguments]
        try:
            return function(*arguments, *last)
        except (TypeError, ValueError, IndexError, AttributeError, ZeroDivisionError) as error:
            raise TemplateError(f"{call.name}: {error}") from error


def is_true(value: Any) -> bool:
    """Go's idea of truth: not false, zero, nothing or empty."""
    return bool(value)


def printed(value: Any) -> str:
    """How a value looks in the text."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, (dict, list)):
        return codec.encode(value).decode()
    return str(value)


def _below(value: Any, fields: Sequence[str]) -> Any:
    for name in fields:
        if not isinstance(value, Mapping):
            return None
        value = value.get(name)
    return value


def _items(value: Any) -> Iterator[tuple[Any, Any]]:
    if isinstance(value, Mapping):
        yield from sorted(value.items())
    elif isinstance(value, int) and not isinstance(value, bool):
        yield from ((number, number) for number in range(value))
    elif isinstance(value, (list, tuple)):
        yield from enumerate(value)
    elif value is not None:
        raise TemplateError(f"cannot range over {printed(value)!r}")
