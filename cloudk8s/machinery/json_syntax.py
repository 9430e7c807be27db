"""What Go's `encoding/json` says is wrong with a text; asked only after our own parser has refused it."""

from __future__ import annotations

from typing import Final

_LITERALS: Final = {"t": "true", "f": "false", "n": "null"}
_WHITESPACE: Final = " \t\r\n"
_HEX: Final = "0123456789abcdefABCDEF"


def problem(data: bytes | str) -> str:
    """The message of Go's `SyntaxError`; empty if Go finds nothing wrong with the text."""
    text = data.decode("latin-1") if isinstance(data, bytes) else data
    try:
        _Scanner(text).document()
    except _SyntaxError as error:
        return str(error)
    return ""


class _SyntaxError(Exception):
    """Carries the message out of the scanner."""


class _Scanner:
    """Walks one JSON text without building anything; nesting is a stack, not recursion."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._position = 0

    def document(self) -> None:
        self._value()
        self._skip()
        if self._position < len(self._text):
            self._fail("after top-level value")

    def _value(self) -> None:
        """One value; `stack` holds the closing brackets that are still due."""
        stack: list[str] = []
        while True:
            self._skip()
            opener = self._peek()
            if opener in ("{", "["):
                self._position += 1
                stack.append("}" if opener == "{" else "]")
                if not self._opens_empty(stack):
                    continue
            else:
                self._scalar(opener)
            if not self._next_in(stack):
                return

    def _opens_empty(self, stack: list[str]) -> bool:
        """After an opening bracket: whether it closes at once; an object's first key is read here."""
        self._skip()
        if self._peek() == stack[-1]:
            self._position += 1
            stack.pop()
            return True
        if stack[-1] == "}":
            self._key()
        return False

    def _next_in(self, stack: list[str]) -> bool:
        """After a value: step over what follows it; False when the outermost value has ended."""
        while stack:
            self._skip()
            char = self._peek()
            if char == ",":
                self._position += 1
                if stack[-1] == "}":
                    self._skip()
                    self._key()
                return True
            if char != stack[-1]:
                self._fail("after object key:value pair" if stack[-1] == "}" else "after array element")
            self._position += 1
            stack.pop()
        return False

    def _key(self) -> None:
        if self._peek() != '"':
            self._fail("looking for beginning of object key string")
        self._string()
        self._skip()
        if self._peek() != ":":
            self._fail("after object key")
        self._position += 1

    def _scalar(self, first: str) -> None:
        if first == '"':
            self._string()
        elif first in _LITERALS:
            self._literal(_LITERALS[first])
        elif first == "-" or first.isdigit():
            self._number()
        else:
            self._fail("looking for beginning of value")

    def _string(self) -> None:
        self._position += 1
        while (char := self._peek()) != '"':
            if not char or char < " ":
                self._fail("in string literal")
            self._position += 1
            if char == "\\":
                self._escape()
        self._position += 1

    def _escape(self) -> None:
        char = self._peek()
        if not char or char not in 'bfnrt\\/"u':
            self._fail("in string escape code")
        self._position += 1
        for _ in range(4 if char == "u" else 0):
            if not self._peek() or self._peek() not in _HEX:
                self._fail("in \\u hexadecimal character escape")
            self._position += 1

    def _literal(self, word: str) -> None:
        for expected in word:
            if self._peek() != expected:
                self._fail(f"in literal {word} (expecting {_quoted(expected)})")
            self._position += 1

    def _number(self) -> None:
        if self._peek() == "-":
            self._position += 1
        self._digits("in numeric literal", single=self._peek() == "0")
        if self._peek() == ".":
            self._position += 1
            self._digits("after decimal point in numeric literal")
        if self._peek() in ("e", "E"):
            self._position += 1
            if self._peek() in ("+", "-"):
                self._position += 1
            self._digits("in exponent of numeric literal")

    def _digits(self, context: str, *, single: bool = False) -> None:
        if not self._is_digit():
            self._fail(context)
        self._position += 1
        while not single and self._is_digit():
            self._position += 1

    def _is_digit(self) -> bool:
        char = self._peek()
        return bool(char) and char in "0123456789"

    def _peek(self) -> str:
        return self._text[self._position : self._position + 1]

    def _skip(self) -> None:
        while (char := self._peek()) and char in _WHITESPACE:
            self._position += 1

    def _fail(self, context: str) -> None:
        if self._position >= len(self._text):
            raise _SyntaxError("unexpected end of JSON input")
        raise _SyntaxError(f"invalid character {_quoted(self._peek())} {context}")


def _quoted(char: str) -> str:
    if char == "'":
        return "'\\''"
    if char == "\\":
        return "'\\\\'"
    escapes = {"\n": "\\n", "\r": "\\r", "\t": "\\t", "\b": "\\b", "\f": "\\f", "\a": "\\a", "\v": "\\v"}
    if char in escapes:
        return f"'{escapes[char]}'"
    if char.isprintable():
        return f"'{char}'"
    return f"'\\x{ord(char):02x}'" if char <= "\x7f" else f"'\\u{ord(char):04x}'"
