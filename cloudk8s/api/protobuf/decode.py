"""A protobuf body to the JSON tree of the same object."""

from __future__ import annotations

import base64
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from cloudk8s.api.protobuf.numbers import message, short_name
from cloudk8s.api.protobuf.wire import ProtobufError, Value, double, fields, signed, text, varint
from cloudk8s.api.resource import Object
from cloudk8s.machinery import codec
from cloudk8s.machinery.schema import Schema
from cloudk8s.machinery.times import format_micro_time, format_time

MAGIC: Final = b"k8s\0"
_MIXED: Final = ".JSONSchemaPropsOr"
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


def decode_body(data: bytes, schema_of: Callable[[str, str, str], Schema | None]) -> Object:
    """The object in an enveloped body, with its apiVersion and kind; raises ProtobufError.

    `schema_of` finds the schema of a group, version and kind. Unknown field numbers are skipped.
    """
    if not data.startswith(MAGIC):
        raise ProtobufError(f"provided data does not appear to be a protobuf message, expected prefix {list(MAGIC)}")
    api_version = kind = ""
    raw = b""
    for number, value in fields(data[len(MAGIC) :]):
        if number == 1 and isinstance(value, bytes):
            api_version, kind = _type_meta(value)
        elif number == 2 and isinstance(value, bytes):
            raw = value
    group, _, version = api_version.rpartition("/")
    schema = schema_of(group, version, kind)
    if schema is None:
        raise ProtobufError(f'no kind "{kind}" is registered for version "{api_version}"')
    return {"apiVersion": api_version, "kind": kind, **_message(raw, short_name(schema.name), schema)}


def _type_meta(data: bytes) -> tuple[str, str]:
    found = {number: text(value) for number, value in fields(data) if number in (1, 2)}
    return found.get(1, ""), found.get(2, "")


def _message(data: bytes, name: str, schema: Schema) -> Object:
    """One message as an object; its properties are those of `schema`, its numbers those of `name`."""
    table = message(name)
    if table is None:
        raise ProtobufError(f"{name} cannot be read from protobuf; send it as JSON")
    result: Object = {}
    for number, value in fields(data):
        if inlined := table.inlined.get(number):
            result |= _message(_bytes(value), inlined, schema)
            continue
        field = table.names.get(number)
        property = (schema.properties or {}).get(field) if field else None
        if field and property is not None:
            if _MIXED in property.name:
                result[field] = _schema_or_other(value, property.name, name, schema)
            else:
                _put(result, field, property, value)
    return result


def _schema_or_other(value: Value, union: str, name: str, schema: Schema) -> Any:
    """A field of a JSON schema that holds another one, or else a list of them or a boolean."""
    parts = list(fields(_bytes(value)))
    found = [_message(_bytes(part), name, schema) for _, part in parts if isinstance(part, bytes)]
    if not union.endswith("OrArray"):
        return found[0] if found else any(part for _, part in parts)
    return found[0] if parts and parts[0][0] == 1 else found


def _put(result: Object, field: str, schema: Schema, value: Value) -> None:
    """Add one occurrence of a field: repeated fields and maps collect, others are replaced."""
    if schema.type == "array" and schema.items is not None:
        items = result.setdefault(field, [])
        if isinstance(value, bytes) and schema.items.type in ("integer", "boolean"):
            items.extend(_packed(value, schema.items))
        else:
            items.append(_value(schema.items, value))
    elif schema.additional is not None and schema.type == "object" and not schema.properties:
        key, item = _entry(_bytes(value), schema.additional)
        result.setdefault(field, {})[key] = item
    else:
        result[field] = _value(schema, value)


def _packed(data: bytes, schema: Schema) -> list[Any]:
    values, at = [], 0
    while at < len(data):
        number, at = varint(data, at)
        values.append(_value(schema, number))
    return values


def _entry(data: bytes, schema: Schema) -> tuple[str, Any]:
    """One entry of a map; an absent part is its zero value."""
    parts = dict(fields(data))
    key = text(parts.get(1, b""))
    if 2 in parts:
        return key, _value(schema, parts[2])
    return key, _zero(schema)


def _zero(schema: Schema) -> Any:
    return {"string": "", "integer": 0, "number": 0, "boolean": False, "array": [], "object": {}}.get(schema.type)


def _value(schema: Schema, value: Value) -> Any:
    """One value in the form that JSON has it."""
    special = _SPECIAL.get(schema.name.rpartition(".")[2]) or _FORMATS.get(schema.format)
    if special is not None:
        return special(value)
    if schema.type == "array" and schema.items is not None:
        return [_value(schema.items, item) for number, item in fields(_bytes(value)) if number == 1]
    if schema.type in ("object", "any") and schema.name:
        return _message(_bytes(value), short_name(schema.name), schema)
    if schema.type == "boolean":
        return bool(value)
    if schema.type == "integer":
        return signed(value) if isinstance(value, int) else _fail()
    if schema.type == "number":
        return double(value)
    return text(value)


def _time(value: Value) -> str | None:
    moment = _moment(value)
    return format_time(moment) if moment else None


def _micro_time(value: Value) -> str | None:
    moment = _moment(value)
    return format_micro_time(moment) if moment else None


def _moment(value: Value) -> datetime | None:
    """An empty message is no time at all."""
    parts = {number: part for number, part in fields(_bytes(value)) if isinstance(part, int)}
    if not parts:
        return None
    seconds, nanos = signed(parts.get(1, 0)), parts.get(2, 0)
    if not -62135596800 < seconds < 253402300800:
        return None
    return _EPOCH + timedelta(seconds=seconds, microseconds=nanos // 1000)


def _quantity(value: Value) -> str:
    return text(dict(fields(_bytes(value))).get(1, b"0"))


def _int_or_string(value: Value) -> int | str:
    parts = dict(fields(_bytes(value)))
    if parts.get(1, 0) == 1:
        return text(parts.get(3, b""))
    number = parts.get(2, 0)
    return signed(number) if isinstance(number, int) else _fail()


def _embedded(value: Value) -> Any:
    """JSON inside a message: RawExtension, FieldsV1 and apiextensions' JSON."""
    raw = dict(fields(_bytes(value))).get(1, b"")
    try:
        return codec.decode(_bytes(raw)) if raw else None
    except codec.DecodeError as error:
        raise ProtobufError(f"embedded JSON: {error}") from None


def _base64(value: Value) -> str:
    return base64.b64encode(_bytes(value)).decode()


def _bytes(value: Value) -> bytes:
    return value if isinstance(value, bytes) else _fail()


def _fail() -> Any:
    raise ProtobufError("proto: wrong wireType")


_SPECIAL: Final[dict[str, Callable[[Value], Any]]] = {
    "Time": _time,
    "MicroTime": _micro_time,
    "Quantity": _quantity,
    "IntOrString": _int_or_string,
    "FieldsV1": _embedded,
    "RawExtension": _embedded,
    "JSON": _embedded,
}
_FORMATS: Final[dict[str, Callable[[Value], Any]]] = {"byte": _base64, "int-or-string": _int_or_string}
