"""What Go's JSON decoder says about bytes that aren't JSON."""

from __future__ import annotations

import json

_LITERALS = {"t": "true", "f": "false", "n": "null"}


def json_error(content: bytes) -> str:
    """The message of `json.Unmarshal`, empty for JSON. Covers what users write; the rest is approximate."""
    text = content.decode("utf-8", "replace")
    try:
        json.loads(text)
    except json.JSONDecodeError as error:
        return _message(text, error)
    return ""


def _message(text: str, error: json.JSONDecodeError) -> str:
    position = error.pos
    rest = text[position:].lstrip(" \t\r\n")
    if not rest:
        return "unexpected end of JSON input"
    if error.msg.startswith("Extra data"):
        return f"invalid character {_quoted(rest[0])} after top-level value"
    if (literal := _LITERALS.get(rest[0])) and error.msg == "Expecting value":
        return _literal_error(rest, literal)
    if error.msg.startswith("Expecting property name"):
        return f"invalid character {_quoted(rest[0])} looking for beginning of object key string"
    if error.msg.startswith("Expecting ':'"):
        return f"invalid character {_quoted(rest[0])} after object key"
    if error.msg.startswith("Expecting ','"):
        where = "object key:value pair" if text[:position].rfind("{") > text[:position].rfind("[") else "array element"
        return f"invalid character {_quoted(rest[0])} after {where}"
    if error.msg.startswith("Unterminated string"):
        return "unexpected end of JSON input"
    return f"invalid character {_quoted(rest[0])} looking for beginning of value"


def _literal_error(rest: str, literal: str) -> str:
    for index, wanted in enumerate(literal):
        if index >= len(rest):
            return "unexpected end of JSON input"
        if rest[index] != wanted:
            return f"invalid character {_quoted(rest[index])} in literal {literal} (expecting {_quoted(wanted)})"
    return "unexpected end of JSON input"


def _quoted(letter: str) -> str:
    escapes = {"'": "'\\''", '"': "'\"'", "\\": "'\\\\'", "\n": "'\\n'", "\t": "'\\t'", "\r": "'\\r'"}
    return escapes.get(letter) or (f"'{letter}'" if letter.isprintable() else f"'\\x{ord(letter):02x}'")
