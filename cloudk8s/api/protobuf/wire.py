"""The protobuf wire format: a message is a sequence of numbered values."""

from __future__ import annotations

import struct
from collections.abc import Iterator

Value = int | bytes
"""A varint or fixed-width number, or the bytes of a length-delimited field."""


class ProtobufError(ValueError):
    """The bytes are not what they claim to be; the message is for the client."""


def fields(data: bytes) -> Iterator[tuple[int, Value]]:
    """Every field of a message with its number, in order; raises ProtobufError."""
    at, end = 0, len(data)
    while at < end:
        key, at = varint(data, at)
        number, kind = key >> 3, key & 7
        if number == 0:
            raise ProtobufError("proto: illegal tag 0")
        if kind == 0:
            value, at = varint(data, at)
            yield number, value
        elif kind == 2:
            size, at = varint(data, at)
            if size > end - at:
                raise ProtobufError("unexpected EOF")
            yield number, data[at : at + size]
            at += size
        elif kind in (1, 5):
            size = 8 if kind == 1 else 4
            if size > end - at:
                raise ProtobufError("unexpected EOF")
            yield number, data[at : at + size]
            at += size
        else:
            raise ProtobufError(f"proto: illegal wireType {kind}")


def varint(data: bytes, at: int) -> tuple[int, int]:
    """A base-128 number and where it ends."""
    result = shift = 0
    while True:
        if at >= len(data):
            raise ProtobufError("unexpected EOF")
        byte = data[at]
        at += 1
        result |= (byte & 0x7F) << shift
        if byte < 0x80:
            return result, at
        shift += 7
        if shift >= 70:
            raise ProtobufError("proto: integer overflow")


def signed(value: int) -> int:
    """A varint as a 64-bit two's complement number."""
    value &= (1 << 64) - 1
    return value - (1 << 64) if value >> 63 else value


def double(value: Value) -> float:
    """A fixed 64-bit field as a float."""
    if not isinstance(value, bytes) or len(value) != 8:
        raise ProtobufError("proto: wrong wireType")
    number: float = struct.unpack("<d", value)[0]
    return number


def text(value: Value) -> str:
    """A length-delimited field as UTF-8."""
    if not isinstance(value, bytes):
        raise ProtobufError("proto: wrong wireType")
    try:
        return value.decode()
    except UnicodeDecodeError as error:
        raise ProtobufError(f"proto: invalid UTF-8 string: {error.reason}") from None
