"""Messages as dictionaries to protobuf bytes and back, by a table of messages."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from cloudk8s.api.protobuf import wire
from cloudk8s.drivers.messages import Field, Message

Document = Mapping[str, Any]

_VARINT, _BYTES = 0, 2
_SCALARS = ("int", "bool")


class Codec:
    """Encodes and decodes the messages of one table."""

    def __init__(self, messages: Mapping[str, Message]) -> None:
        self._messages = messages

    def encode(self, name: str, document: Document) -> bytes:
        """Absent, empty and zero fields are left out, as proto3 does. KeyError for an unknown field."""
        message = self._messages[name]
        return b"".join(self._encode_field(message.by_name[key], value) for key, value in document.items())

    def decode(self, name: str, data: bytes) -> dict[str, Any]:
        """Fields that the table does not name are passed over; lists and maps are always there."""
        message = self._messages[name]
        document: dict[str, Any] = {}
        for field in message.by_name.values():
            if field.is_list:
                document[field.name] = []
            elif field.kind == "map":
                document[field.name] = {}
        for number, value in wire.fields(data):
            if field_found := message.by_number.get(number):
                self._decode_field(document, field_found, value)
        return document

    def _encode_field(self, field: Field, value: Any) -> bytes:
        if field.kind == "map":
            return b"".join(_text(field.number, self._pair(field, key, item)) for key, item in value.items())
        if field.is_list:
            if field.kind == "int":
                packed = b"".join(map(_varint, value))
                return _text(field.number, packed) if packed else b""
            return b"".join(self._one(field, item) for item in value)
        if value is None or value in ("", b"", 0, False):
            return b""
        return self._one(field, value)

    def _pair(self, field: Field, key: str, value: Any) -> bytes:
        return _text(1, key.encode()) + _text(2, self.encode(field.values, value) if field.values else value.encode())

    def _one(self, field: Field, value: Any) -> bytes:
        if field.kind in _SCALARS:
            return _varint(field.number << 3 | _VARINT) + _varint(int(value))
        if field.kind == "string":
            return _text(field.number, value.encode("utf-8", "surrogateescape"))
        if field.kind == "bytes":
            return _text(field.number, value)
        return _text(field.number, self.encode(field.kind, value))

    def _decode_field(self, document: dict[str, Any], field: Field, value: wire.Value) -> None:
        if field.kind == "map":
            assert isinstance(value, bytes)
            pair = dict(wire.fields(value))
            content = pair.get(2, b"")
            assert isinstance(content, bytes)
            item = self.decode(field.values, content) if field.values else _string(content)
            document[field.name][_string(pair.get(1, b""))] = item
        elif field.is_list and field.kind == "int" and isinstance(value, bytes):
            at = 0
            while at < len(value):
                number, at = wire.varint(value, at)
                document[field.name].append(wire.signed(number))
        elif field.is_list:
            document[field.name].append(self._value(field, value))
        else:
            document[field.name] = self._value(field, value)

    def _value(self, field: Field, value: wire.Value) -> Any:
        if field.kind == "int":
            assert isinstance(value, int)
            return wire.signed(value)
        if field.kind == "bool":
            return bool(value)
        assert isinstance(value, bytes)
        if field.kind == "string":
            return _string(value)
        return value if field.kind == "bytes" else self.decode(field.kind, value)


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
