"""Messages as dictionaries to protobuf bytes and back, by the table of `messages`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from cloudk8s.api.protobuf import wire
from cloudk8s.node.runtimes.cri.messages import MESSAGES, Field

Document = Mapping[str, Any]

_VARINT, _BYTES = 0, 2
_SCALARS = ("int", "bool")


def encode(name: str, document: Document) -> bytes:
    """Encode a message; absent, empty and zero fields are left out, as proto3 does. KeyError for an unknown field."""
    message = MESSAGES[name]
    return b"".join(_encode_field(message.by_name[key], value) for key, value in document.items())


def decode(name: str, data: bytes) -> dict[str, Any]:
    """Decode a message; fields that the table does not name are passed over, lists and maps are always there."""
    message = MESSAGES[name]
    document: dict[str, Any] = {}
    for field in message.by_name.values():
        if field.is_list:
            document[field.name] = []
        elif field.kind == "map":
            document[field.name] = {}
    for number, value in wire.fields(data):
        if field_found := message.by_number.get(number):
            _decode_field(document, field_found, value)
    return document


def _encode_field(field: Field, value: Any) -> bytes:
    if field.kind == "map":
        pairs = (_text(1, key.encode()) + _text(2, text.encode()) for key, text in value.items())
        return b"".join(_text(field.number, pair) for pair in pairs)
    if field.is_list:
        if field.kind == "int":
            packed = b"".join(map(_varint, value))
            return _text(field.number, packed) if packed else b""
        return b"".join(_one(field, item) for item in value)
    if value is None or value in ("", b"", 0, False):
        return b""
    return _one(field, value)


def _one(field: Field, value: Any) -> bytes:
    if field.kind in _SCALARS:
        return _varint(field.number << 3 | _VARINT) + _varint(int(value))
    if field.kind == "string":
        return _text(field.number, value.encode("utf-8", "surrogateescape"))
    if field.kind == "bytes":
        return _text(field.number, value)
    return _text(field.number, encode(field.kind, value))


def _decode_field(document: dict[str, Any], field: Field, value: wire.Value) -> None:
    if field.kind == "map":
        assert isinstance(value, bytes)
        pair = dict(wire.fields(value))
        document[field.name][_string(pair.get(1, b""))] = _string(pair.get(2, b""))
    elif field.is_list and field.kind == "int" and isinstance(value, bytes):
        at = 0
        while at < len(value):
            number, at = wire.varint(value, at)
            document[field.name].append(wire.signed(number))
    elif field.is_list:
        document[field.name].append(_value(field, value))
    else:
        document[field.name] = _value(field, value)


def _value(field: Field, value: wire.Value) -> Any:
    if field.kind == "int":
        assert isinstance(value, int)
        return wire.signed(value)
    if field.kind == "bool":
        return bool(value)
    assert isinstance(value, bytes)
    if field.kind == "string":
        return _string(value)
    return value if field.kind == "bytes" else decode(field.kind, value)


def _string(value: wire.Value) -> str:
    assert isinstance(value, bytes)
    return value.decode("utf-8", "replace")


def _text(number: int, content: bytes) -> bytes:
    return _varint(number << 3 | _BYTES) + _varint(len(content)) + content


def _varint(number: int) -> bytes:
    number &= (1 << 64) - 1
    out = bytearray()
    while number > 127:
        out.append(number & 127 | 128)
        number >>= 7
    out.append(number)
    return bytes(out)
