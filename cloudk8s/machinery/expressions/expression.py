"""Part of CEL, compiled into closures.

There are comparisons, arithmetic, `&&`, `||`, `!`, `in`, `? :`, member and index access, lists, and functions on
strings, numbers, quantities and versions. Anything else is an error. There are no macros but `has`.
"""

from __future__ import annotations

import operator
import re
from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Any, Final

from cloudk8s.machinery import go_text, quantity
from cloudk8s.machinery.expressions.tokens import ExpressionError, Token, tokens
from cloudk8s.machinery.expressions.version import Version

Evaluate = Callable[[Mapping[str, Any]], Any]
Operation = Callable[[Any, Any], Any]

_COMPARISONS: Final = {
    "==": operator.eq, "!=": operator.ne, "<": operator.lt, "<=": operator.le, ">": operator.gt, ">=": operator.ge,
}  # fmt: skip
_SUMS: Final[Mapping[str, Operation]] = {"+": operator.add, "-": operator.sub}
_FUNCTIONS: Final[Mapping[str, Callable[..., Any]]] = {
    "quantity": quantity.parse, "semver": Version.parse, "int": int, "double": float, "size": len,
    "string": go_text.format_value,
}  # fmt: skip
_METHODS: Final[Mapping[str, Callable[..., Any]]] = {
    "startsWith": str.startswith,
    "endsWith": str.endswith,
    "contains": lambda whole, part: part in whole,
    "split": str.split,
    "replace": str.replace,
    "trim": str.strip,
    "upperAscii": str.upper,
    "matches": lambda text, pattern: re.search(pattern, text) is not None,
    "lowerAscii": str.lower,
    "size": len,
    "compareTo": lambda one, two: (one > two) - (one < two),
    "isGreaterThan": operator.gt,
    "isLessThan": operator.lt,
}


@lru_cache(maxsize=512)
def compile_expression(text: str) -> Evaluate:
    """A function from variables to the value of an expression. Raises ExpressionError, also when called."""
    parser = _Parser(tokens(text))
    found = parser.ternary()
    parser.expect("end")
    return found


class _Parser:
    """Recursive descent, one method for each level of precedence."""

    def __init__(self, found: list[Token]) -> None:
        self._tokens = found
        self._at = 0

    def ternary(self) -> Evaluate:
        condition = self._or()
        if not self._take("?"):
            return condition
        yes = self.ternary()
        self.expect(":")
        no = self.ternary()
        return lambda scope: yes(scope) if condition(scope) else no(scope)

    def expect(self, wanted: str) -> None:
        token = self._tokens[self._at]
        if token.kind != wanted and token.value != wanted:
            raise ExpressionError(f"{wanted!r} expected, not {token.value!r}")
        self._at += 1

    def _or(self) -> Evaluate:
        left = self._and()
        while self._take("||"):
            left = _either(left, self._and())
        return left

    def _and(self) -> Evaluate:
        left = self._relation()
        while self._take("&&"):
            left = _both(left, self._relation())
        return left

    def _relation(self) -> Evaluate:
        left = self._sum()
        while True:
            token = self._tokens[self._at]
            if token.kind == "symbol" and token.value in _COMPARISONS:
                self._at += 1
                left = _compared(_COMPARISONS[token.value], left, self._sum())
            elif token == Token("name", "in"):
                self._at += 1
                left = _contained(left, self._sum())
            else:
                return left

    def _sum(self) -> Evaluate:
        left = self._product()
        while (found := self._symbol_of(_SUMS)) is not None:
            left = _computed(found, left, self._product())
        return left

    def _product(self) -> Evaluate:
        left = self._unary()
        while (found := self._symbol_of(_PRODUCTS)) is not None:
            left = _computed(found, left, self._unary())
        return left

    def _symbol_of(self, table: Mapping[str, Operation]) -> Operation | None:
        token = self._tokens[self._at]
        if token.kind != "symbol" or token.value not in table:
            return None
        self._at += 1
        return table[token.value]

    def _unary(self) -> Evaluate:
        if self._take("!"):
            inner = self._unary()
            return lambda scope: not inner(scope)
        if self._take("-"):
            inner = self._unary()
            return lambda scope: -inner(scope)
        return self._member()

    def _member(self) -> Evaluate:
        found = self._primary()
        while True:
            if self._take("."):
                name = self._name()
                found = _called(name, found, self._arguments()) if self._take("(") else _selected(found, name)
            elif self._take("["):
                found = _indexed(found, self.ternary())
                self.expect("]")
            else:
                return found

    def _primary(self) -> Evaluate:
        token = self._tokens[self._at]
        self._at += 1
        if token.kind in ("number", "string"):
            return lambda scope: token.value
        if token.value == "(":
            inner = self.ternary()
            self.expect(")")
            return inner
        if token.value == "[":
            items = self._arguments("]")
            return lambda scope: [item(scope) for item in items]
        if token.kind == "name":
            return self._word(token.value)
        raise ExpressionError(f"unexpected {token.value!r}")

    def _word(self, name: str) -> Evaluate:
        if name in ("true", "false"):
            return lambda scope: name == "true"
        if not self._take("("):
            return lambda scope: _found(scope, name)
        arguments = self._arguments()
        if name == "has" and len(arguments) == 1:
            return _present(arguments[0])
        function = _FUNCTIONS.get(name)
        if function is None:
            raise ExpressionError(f"there is no function {name!r}")
        return lambda scope: _apply(name, function, [argument(scope) for argument in arguments])

    def _arguments(self, end: str = ")") -> list[Evaluate]:
        found: list[Evaluate] = []
        while not self._take(end):
            if found:
                self.expect(",")
            found.append(self.ternary())
        return found

    def _name(self) -> str:
        token = self._tokens[self._at]
        if token.kind != "name":
            raise ExpressionError(f"a name expected, not {token.value!r}")
        self._at += 1
        return str(token.value)

    def _take(self, symbol: str) -> bool:
        if self._tokens[self._at] == Token("symbol", symbol):
            self._at += 1
            return True
        return False


def _either(left: Evaluate, right: Evaluate) -> Evaluate:
    """An error on one side does not matter where the other one decides, as in CEL."""

    def evaluate(scope: Mapping[str, Any]) -> bool:
        try:
            if left(scope):
                return True
        except ExpressionError:
            if right(scope):
                return True
            raise
        return bool(right(scope))

    return evaluate


def _both(left: Evaluate, right: Evaluate) -> Evaluate:
    def evaluate(scope: Mapping[str, Any]) -> bool:
        try:
            if not left(scope):
                return False
        except ExpressionError:
            if not right(scope):
                return False
            raise
        return bool(right(scope))

    return evaluate


def _compared(compare: Callable[[Any, Any], Any], left: Evaluate, right: Evaluate) -> Evaluate:
    return lambda scope: _apply("comparison", compare, [left(scope), right(scope)])


def _computed(compute: Operation, left: Evaluate, right: Evaluate) -> Evaluate:
    def compute_alike(one: Any, other: Any) -> Any:
        if not (_is_number(one) and _is_number(other)) and not (
            compute is operator.add and type(one) is type(other) and isinstance(one, (str, list))
        ):
            raise TypeError(f"no such overload for {type(one).__name__} and {type(other).__name__}")
        return compute(one, other)

    return lambda scope: _apply("arithmetic", compute_alike, [left(scope), right(scope)])


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def _divided(one: Any, other: Any) -> Any:
    """Whole numbers are cut, towards zero."""
    if isinstance(one, float) or isinstance(other, float):
        return one / other
    whole = abs(one) // abs(other)
    return whole if (one < 0) == (other < 0) else -whole


_PRODUCTS: Final[Mapping[str, Operation]] = {
    "*": operator.mul,
    "/": _divided,
    "%": lambda one, other: one - other * _divided(one, other),
}


def _contained(item: Evaluate, whole: Evaluate) -> Evaluate:
    return lambda scope: _apply("in", lambda one, all_: one in all_, [item(scope), whole(scope)])


def _selected(whole: Evaluate, name: str) -> Evaluate:
    return lambda scope: _found(whole(scope), name)


def _indexed(whole: Evaluate, key: Evaluate) -> Evaluate:
    return lambda scope: _found(whole(scope), key(scope))


def _called(name: str, target: Evaluate, arguments: list[Evaluate]) -> Evaluate:
    method = _METHODS.get(name)
    if method is None:
        raise ExpressionError(f"there is no method {name!r}")
    return lambda scope: _apply(name, method, [target(scope), *(argument(scope) for argument in arguments)])


def _present(inner: Evaluate) -> Evaluate:
    def evaluate(scope: Mapping[str, Any]) -> bool:
        try:
            inner(scope)
        except ExpressionError:
            return False
        return True

    return evaluate


def _found(whole: Any, key: Any) -> Any:
    try:
        return whole[key]
    except (KeyError, IndexError, TypeError) as error:
        raise ExpressionError(f"no such key: {key}") from error


def _apply(name: str, function: Callable[..., Any], arguments: list[Any]) -> Any:
    try:
        return function(*arguments)
    except (TypeError, ValueError, AttributeError, ArithmeticError, re.error) as error:
        raise ExpressionError(f"{name}: {error}") from error
