"""The JSON tree of an object to its protobuf body; `decode` is the way back."""

from __future__ import annotations

import base64
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any, Final

from cloudk8s.api.protobuf.decode import MAGIC
from cloudk8s.api.protobuf.numbers import message, short_name
from cloudk8s.api.protobuf.wire import ProtobufError
from cloudk8s.api.protobuf.writer import of_bytes, of_double, of_number, of_text
from cloudk8s.api.resource import Object
from cloudk8s.machinery import codec
from cloudk8s.machinery.schema import Schema
from cloudk8s.machinery.times import parse_time

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


def encode_body(obj: Object, schema: Schema) -> bytes:
    """An object of the schema, enveloped with its apiVersion and kind; raises ProtobufError where there is no form."""
    type_meta = of_text(1, str(obj.get("apiVersion", ""))) + of_text(2, str(obj.get("kind", "")))
    raw = _message(obj, short_name(schema.name), schema)
    return MAGIC + of_bytes(1, type_meta) + of_bytes(2, raw) + of_text(3, "") + of_text(4, "")


def encode_event(type: str, body: bytes) -> bytes:
    """A watch event about an encoded object, with its length before it."""
    event = of_text(1, type) + of_bytes(2, of_bytes(1, body))
    return len(event).to_bytes(4, "big") + event


def _message(tree: Object, name: str, schema: Schema) -> bytes:
    """One message; its numbers are those of `name`, its properties those of `schema`."""
    table = message(name)
    if table is None:
        raise ProtobufError(f"{name} has no protobuf form")
    properties = schema.properties or {}
    parts = []
    for number, field in table.names.items():
        value, property = tree.get(field), properties.get(field)
        if value is not None and property is not None:
            parts.append(_field(number, property, value, name, schema))
    for number, inlined in table.inlined.items():
        if part := _message(tree, inlined, schema):
            parts.append(of_bytes(number, part))
    return b"".join(parts)


def _field(number: int, property: Schema, value: Any, name: str, owner: Schema) -> bytes:
    """A field: repeated for lists and maps."""
    if ".JSONSchemaPropsOr" in property.name:
        return of_bytes(number, _schema_or_other(property.name, value, name, owner))
    if property.type == "array" and property.items is not None and not property.name.endswith("FieldsV1"):
        return b"".join([_value(number, property.items, item) for item in value])
    if property.type == "object" and property.additional is not None and not property.properties:
        items = property.additional
        return b"".join([of_bytes(number, of_text(1, key) + _value(2, items, item)) for key, item in value.items()])
    return _value(number, property, value)


def _value(number: int, schema: Schema, value: Any) -> bytes:
    """One value, which is no list of values of the field."""
    special = _SPECIAL.get(schema.name.rpartition(".")[2]) or _FORMATS.get(schema.format)
    if special is not None:
        return of_bytes(number, special(value))
    if schema.type == "array" and schema.items is not None:
        items = schema.items
        return of_bytes(number, b"".join([_value(1, items, item) for item in value or ()]))
    if schema.type in ("object", "any") and schema.name:
        return of_bytes(number, _message(value or {}, short_name(schema.name), schema))
    if schema.type in ("boolean", "integer"):
        return of_number(number, int(value or 0))
    if schema.type == "number":
        return of_double(number, value)
    return of_text(number, "" if value is None else str(value))


def _schema_or_other(union: str, value: Any, name: str, owner: Schema) -> bytes:
    """A JSON schema's field that holds another one, or else a list of them or a boolean."""
    if union.endswith("OrArray"):
        if isinstance(value, list):
            return b"".join([of_bytes(2, _message(one, name, owner)) for one in value])
        return of_bytes(1, _message(value, name, owner))
    if isinstance(value, bool):
        return of_number(1, int(value))
    return of_number(1, 1) + of_bytes(2, _message(value, name, owner))


def _time(value: str | None) -> bytes:
    """Seconds and nanoseconds since the epoch; no time is an empty message."""
    if not value:
        return b""
    since = parse_time(value) - _EPOCH
    return of_number(1, since.days * 86400 + since.seconds) + of_number(2, since.microseconds * 1000)


def _int_or_string(value: int | str) -> bytes:
    if isinstance(value, str):
        return of_number(1, 1) + of_number(2, 0) + of_text(3, value)
    return of_number(1, 0) + of_number(2, value) + of_text(3, "")


def _embedded(value: Any) -> bytes:
    return of_bytes(1, codec.encode(value))


_SPECIAL: Final[dict[str, Callable[[Any], bytes]]] = {
    "Time": _time,
    "MicroTime": _time,
    "Quantity": lambda value: of_text(1, str(value)),
    "IntOrString": _int_or_string,
    "FieldsV1": _embedded,
    "RawExtension": _embedded,
    "JSON": _embedded,
}
_FORMATS: Final[dict[str, Callable[[Any], bytes]]] = {
    "byte": lambda value: base64.b64decode(value or ""),
    "int-or-string": _int_or_string,
}
