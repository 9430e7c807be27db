"""The little of the protocol buffers encoding that etcd's messages need.

A message is a row of fields, each a number and either a varint or a run of bytes.
"""

from __future__ import annotations

from collections.abc import Iterator

_VARINT, _FIXED64, _BYTES, _FIXED32 = 0, 1, 2, 5


class WireError(ValueError):
    """The bytes are not a protocol buffers message."""


def number(field: int, value: int) -> bytes:
    """A non-negative integer, a boolean or an enum; zero is left out."""
    return _varint(field << 3 | _VARINT) + _varint(value) if value else b""


def present(field: int, value: int) -> bytes:
    """A number whose presence means something, zero too."""
    return _varint(field << 3 | _VARINT) + _varint(value)


def data(field: int, value: bytes) -> bytes:
    """A run of bytes, a string or a nested message."""
    return _varint(field << 3 | _BYTES) + _varint(len(value)) + value


def fields(message: bytes) -> Iterator[tuple[int, int | bytes]]:
    """The fields of a message in order; fixed-width ones, which etcd does not use, are skipped."""
    position, end = 0, len(message)
    while position < end:
        tag, position = _read_varint(message, position)
        kind = tag & 7
        if kind == _VARINT:
            value, position = _read_varint(message, position)
            yield tag >> 3, value
        elif kind == _BYTES:
            size, position = _read_varint(message, position)
            if position + size > end:
                raise WireError("a field is longer than its message")
            yield tag >> 3, message[position : position + size]
            position += size
        elif kind in (_FIXED64, _FIXED32):
            position += 8 if kind == _FIXED64 else 4
        else:
            raise WireError(f"wire type {kind} is not known")


def _varint(value: int) -> bytes:
    if value < 0x80:
        return bytes((value,))
    encoded = bytearray()
    while value > 0x7F:
        encoded.append(value & 0x7F | 0x80)
        value >>= 7
    encoded.append(value)
    return bytes(encoded)


def _read_varint(message: bytes, position: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        if position >= len(message) or shift > 63:
            raise WireError("a number does not end")
        byte = message[position]
        position += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value, position
        shift += 7
