"""Values with a form of their own: times, quantities, bytes; each brought into the form in which upstream sends it."""

from __future__ import annotations

import binascii
import re
from functools import lru_cache
from typing import Any, Final

from cloudk8s.machinery import quantity, times

ZERO_TIME: Final = "0001-01-01T00:00:00"
"""How Go's zero time begins; it stands for no time at all."""
_ALPHABET: Final = re.compile(rb"[A-Za-z0-9+/]*={0,2}", re.ASCII)


class ValueProblem(ValueError):
    """The value cannot be read; the message is what Go's decoder says."""


@lru_cache(maxsize=8192)
def canonical_time(text: str) -> str:
    """`metav1.Time`: whole seconds, UTC."""
    return times.format_time(_moment(text))


@lru_cache(maxsize=8192)
def canonical_micro_time(text: str) -> str:
    """`metav1.MicroTime`: six decimals, UTC; upstream reads exactly that many."""
    return times.format_micro_time(_moment(text))


@lru_cache(maxsize=8192)
def _canonical_quantity(text: str) -> str:
    return quantity.canonical(text)


def canonical_quantity(value: Any) -> str:
    """A quantity given as text or number; null is zero."""
    if value is None:
        return "0"
    try:
        return _canonical_quantity(value) if value.__class__ is str else quantity.canonical(value)
    except quantity.QuantityError as error:
        raise ValueProblem(str(error)) from None


def check_base64(text: str) -> str:
    """Standard base64 as Go reads it: line ends are skipped, anything else must be exact."""
    try:
        binascii.a2b_base64(text, strict_mode=True)
    except (binascii.Error, ValueError):
        return _lenient_base64(text)
    return text


def listed_bytes(items: list[Any]) -> str:
    """Bytes given as a list of numbers, which Go reads, too; TypeError for other lists."""
    if not all(item.__class__ is int and 0 <= item < 256 for item in items):
        raise TypeError
    return binascii.b2a_base64(bytes(items), newline=False).decode()


def _lenient_base64(text: str) -> str:
    data = text.encode("utf-8", "replace")
    compact = data.replace(b"\r", b"").replace(b"\n", b"")
    try:
        return binascii.b2a_base64(binascii.a2b_base64(compact, strict_mode=True), newline=False).decode()
    except binascii.Error:
        raise ValueProblem(f"illegal base64 data at input byte {_bad_byte(data)}") from None


def _bad_byte(data: bytes) -> int:
    """Where Go's decoder gives up: at the first byte outside the alphabet, else at the end of the last whole group."""
    count = 0
    for index, byte in enumerate(data):
        if byte in b"\r\n":
            continue
        if byte == ord("="):
            return _bad_padding(data, index, count)
        if not _ALPHABET.fullmatch(bytes([byte])):
            return index
        count += 1
    return len(data) if count % 4 == 0 else len(data) - count % 4


def _bad_padding(data: bytes, index: int, count: int) -> int:
    if count % 4 < 2:
        return index
    rest = data[index + 1 :].lstrip(b"\r\n")
    if count % 4 == 2:
        if not rest:
            return len(data)
        if rest[:1] != b"=":
            return index + 1
        rest = rest[1:].lstrip(b"\r\n")
    return len(data) - len(rest) if rest else index


def _moment(text: str) -> Any:
    try:
        return times.parse_time(text)
    except (times.TimeError, OverflowError) as error:
        raise ValueProblem(str(error)) from None
