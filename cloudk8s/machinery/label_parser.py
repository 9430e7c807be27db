"""The grammar of label selectors in text form, with upstream's error texts."""

from __future__ import annotations

from typing import Final, NamedTuple

from cloudk8s.machinery.label_requirement import Operator, Requirement, SelectorError, check_key, requirement

_SYMBOLS: Final = frozenset("=!(),><")
_TOKENS: Final = frozenset({")", ",", "!", "==", "=", "in", "!=", "notin", "(", ">", "<"})
_OPERATORS: Final[dict[str, Operator]] = {
    "in": "in", "notin": "notin", "=": "=", "==": "==", "!=": "!=", ">": "gt", "<": "lt",
}  # fmt: skip
_OPERATOR_LIST: Final = "in, notin, =, ==, !=, gt, lt"
_IDENTIFIER: Final = "identifier"
_END: Final = "end"


class _Token(NamedTuple):
    kind: str
    text: str


def parse_requirements(text: str) -> list[Requirement]:
    """Read a comma-separated list of terms. Raises SelectorError."""
    return _Parser(_scan(text)).requirements()


def _scan(text: str) -> list[_Token]:
    tokens, position = [], 0
    while position < len(text):
        char = text[position]
        if char in " \t\r\n":
            position += 1
            continue
        token, position = _symbol(text, position) if char in _SYMBOLS else _word(text, position)
        tokens.append(token)
    tokens.append(_Token(_END, ""))
    return tokens


def _symbol(text: str, start: int) -> tuple[_Token, int]:
    """The longest operator that starts here."""
    end = start + 1
    while end < len(text) and text[end] in _SYMBOLS and text[start : end + 1] in _TOKENS:
        end += 1
    return _Token(text[start:end], text[start:end]), end


def _word(text: str, start: int) -> tuple[_Token, int]:
    end = start
    while end < len(text) and text[end] not in _SYMBOLS and text[end] not in " \t\r\n":
        end += 1
    word = text[start:end]
    return _Token(word if word in ("in", "notin") else _IDENTIFIER, word), end


class _Parser:
    """Recursive descent; a value position reads the words `in` and `notin` as plain identifiers."""

    def __init__(self, tokens: list[_Token]) -> None:
        self._tokens = tokens
        self._position = 0

    def requirements(self) -> list[Requirement]:
        found: list[Requirement] = []
        while True:
            token = self._peek()
            if token.kind == _END:
                return found
            if token.kind not in (_IDENTIFIER, "!"):
                raise SelectorError(f"found '{token.text}', expected: !, identifier, or 'end of string'")
            found.append(self._requirement_or_error())
            separator = self._next()
            if separator.kind == _END:
                return found
            if separator.kind != ",":
                raise SelectorError(f"found '{separator.text}', expected: ',' or 'end of string'")
            after = self._peek()
            if after.kind not in (_IDENTIFIER, "!"):
                raise SelectorError(f"found '{after.text}', expected: identifier after ','")

    def _requirement_or_error(self) -> Requirement:
        try:
            return self._requirement()
        except SelectorError as error:
            raise SelectorError(f"unable to parse requirement: {error}") from error

    def _requirement(self) -> Requirement:
        token = self._next()
        is_negated = token.kind == "!"
        if is_negated:
            token = self._next()
        if token.kind != _IDENTIFIER:
            raise SelectorError(f"found '{token.text}', expected: identifier")
        check_key(token.text)
        if is_negated:
            return requirement(token.text, "!", [])
        if self._peek().kind in (_END, ","):
            return requirement(token.text, "exists", [])
        operator = self._operator()
        values = self._values() if operator in ("in", "notin") else self._value()
        return requirement(token.text, operator, sorted(values))

    def _operator(self) -> Operator:
        token = self._next(is_value=False)
        if token.kind not in _OPERATORS:
            raise SelectorError(f"found '{token.text}', expected: {_OPERATOR_LIST}")
        return _OPERATORS[token.kind]

    def _value(self) -> set[str]:
        if self._peek().kind in (_END, ","):
            return {""}
        token = self._next()
        if token.kind != _IDENTIFIER:
            raise SelectorError(f"found '{token.text}', expected: identifier")
        return {token.text}

    def _values(self) -> set[str]:
        token = self._next()
        if token.kind != "(":
            raise SelectorError(f"found '{token.text}' expected: '('")
        token = self._peek()
        if token.kind == ")":
            self._next()
            return {""}
        if token.kind not in (_IDENTIFIER, ","):
            raise SelectorError(f"found '{token.text}', expected: ',', ')' or identifier")
        values = self._value_list()
        self._next()
        return values

    def _value_list(self) -> set[str]:
        """Up to the closing parenthesis; an empty place between commas is the empty value."""
        values: set[str] = set()
        while True:
            token = self._next()
            if token.kind == _IDENTIFIER:
                values.add(token.text)
                after = self._peek()
                if after.kind == ")":
                    return values
                if after.kind != ",":
                    raise SelectorError(f"found '{after.text}', expected: ',' or ')'")
            elif token.kind == ",":
                if not values:
                    values.add("")
                after = self._peek()
                if after.kind == ")":
                    values.add("")
                    return values
                if after.kind == ",":
                    self._next()
                    values.add("")
            else:
                raise SelectorError(f"found '{token.text}', expected: ',', or identifier")

    def _peek(self, *, is_value: bool = True) -> _Token:
        token = self._tokens[min(self._position, len(self._tokens) - 1)]
        return _Token(_IDENTIFIER, token.text) if is_value and token.kind in ("in", "notin") else token

    def _next(self, *, is_value: bool = True) -> _Token:
        token = self._peek(is_value=is_value)
        self._position += 1
        return token
