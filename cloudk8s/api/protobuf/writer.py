"""Writing the protobuf wire format: a message is the concatenation of its encoded fields."""

from __future__ import annotations

import struct


def varint(number: int) -> bytes:
    """A base-128 number; negative ones as 64-bit two's complement."""
    if 0 <= number < 0x80:
        return _BYTES[number]
    number &= (1 << 64) - 1
    out = bytearray()
    while number > 0x7F:
        out.append(number & 0x7F | 0x80)
        number >>= 7
    out.append(number)
    return bytes(out)


def of_number(field: int, value: int) -> bytes:
    """A field that holds an integer or a boolean."""
    return varint(field << 3) + varint(value)


def of_double(field: int, value: float) -> bytes:
    """A field that holds a fixed 64-bit float."""
    return varint(field << 3 | 1) + struct.pack("<d", value)


def of_bytes(field: int, value: bytes) -> bytes:
    """A field that holds bytes or an encoded message."""
    return varint(field << 3 | 2) + varint(len(value)) + value


def of_text(field: int, value: str) -> bytes:
    """A field that holds text."""
    return of_bytes(field, value.encode())


_BYTES = tuple(bytes([number]) for number in range(0x80))
