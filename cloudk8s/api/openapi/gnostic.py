"""The OpenAPI 2 document in the protobuf form that gnostic defines and kubectl asks for.

A message is a table: the JSON key of each field with its number and how its value is written. Extensions (`x-…`) are
YAML texts, for which JSON does.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final, TypeAlias

from cloudk8s.api.protobuf.writer import of_bytes, of_double, of_number, of_text
from cloudk8s.machinery import codec

MEDIA_TYPE: Final = "application/com.github.proto-openapi.spec.v2.v1.0+protobuf"
ASKED_FOR: Final = (MEDIA_TYPE, "application/com.github.proto-openapi.spec.v2@v1.0+protobuf")
"""What clients ask with; the second cannot be parsed as a media type, so that nothing is answered with it."""

Write: TypeAlias = Callable[[int, Any], bytes]
"""A field of that number with that value; empty where there is nothing to write."""
Message: TypeAlias = Callable[[Any], bytes]


def encode(document: Mapping[str, Any]) -> bytes:
    """The encoded document."""
    return _document(document)


def _struct(fields: Mapping[str, tuple[int, Write]], extensions: int = 0) -> Message:
    """A message with these fields; `extensions` is the number of what begins with `x-`."""

    def write(value: Mapping[str, Any]) -> bytes:
        parts = []
        for key, item in value.items():
            field = fields.get(key)
            if field is not None:
                parts.append(field[1](field[0], item))
            elif extensions and key.startswith("x-"):
                parts.append(of_bytes(extensions, of_text(1, key) + of_bytes(2, _any(item))))
        return b"".join(parts)

    return write


def _pairs(field: int, message: Message) -> Message:
    """A map as a message of named values."""

    def write(value: Mapping[str, Any]) -> bytes:
        return b"".join(of_bytes(field, of_text(1, key) + of_bytes(2, message(item))) for key, item in value.items())

    return write


def _one(message: Message) -> Write:
    return lambda field, value: of_bytes(field, message(value))


def _each(write: Write) -> Write:
    return lambda field, values: b"".join(write(field, value) for value in values)


def _texts(field: int, value: Any) -> bytes:
    return b"".join(of_text(field, text) for text in ([value] if isinstance(value, str) else value))


def _flag(field: int, value: Any) -> bytes:
    return of_number(field, 1) if value else b""


def _any(value: Any) -> bytes:
    return of_text(2, codec.encode(value).decode())


def _schema(value: Any) -> bytes:
    return _SCHEMA(value)


def _additional(value: Any) -> bytes:
    return of_number(2, int(value)) if isinstance(value, bool) else of_bytes(1, _schema(value))


def _items(value: Any) -> bytes:
    return b"".join(of_bytes(1, _schema(item)) for item in (value if isinstance(value, list) else [value]))


def _parameter(value: Mapping[str, Any]) -> bytes:
    """A parameter of a body, or of the query, the path or a header, each of which is wrapped in its own way."""
    if value["in"] == "body":
        return of_bytes(1, of_bytes(1, _BODY(value)))
    number, message = _PLACES[value["in"]]
    return of_bytes(1, of_bytes(2, of_bytes(number, message(value))))


def _response(value: Mapping[str, Any]) -> bytes:
    return of_bytes(1, _RESPONSE(value))


def _path_item(value: Mapping[str, Any]) -> bytes:
    return _PATH_ITEM(value)


def _scheme(value: Mapping[str, Any]) -> bytes:
    """A security definition; API keys are the only ones there are."""
    return of_bytes(2, _API_KEY(value))


_INTEGER: Final[Write] = of_number
_PROPERTIES: Final = _pairs(1, _schema)
_SCHEMA: Final = _struct(
    {
        "$ref": (1, of_text), "format": (2, of_text), "title": (3, of_text), "description": (4, of_text),
        "default": (5, _one(_any)), "multipleOf": (6, of_double), "maximum": (7, of_double),
        "exclusiveMaximum": (8, _flag), "minimum": (9, of_double), "exclusiveMinimum": (10, _flag),
        "maxLength": (11, _INTEGER), "minLength": (12, _INTEGER), "pattern": (13, of_text),
        "maxItems": (14, _INTEGER), "minItems": (15, _INTEGER), "uniqueItems": (16, _flag),
        "maxProperties": (17, _INTEGER), "minProperties": (18, _INTEGER), "required": (19, _texts),
        "enum": (20, _each(_one(_any))), "additionalProperties": (21, _one(_additional)),
        "type": (22, _one(lambda value: _texts(1, value))), "items": (23, _one(_items)),
        "allOf": (24, _each(_one(_schema))), "properties": (25, _one(_PROPERTIES)), "readOnly": (27, _flag),
        "example": (30, _one(_any)),
    },
    extensions=31,
)  # fmt: skip
_BODY: Final = _struct(
    {
        "description": (1, of_text), "name": (2, of_text), "in": (3, of_text), "required": (4, _flag),
        "schema": (5, _one(_schema)),
    },
    extensions=6,
)  # fmt: skip
_QUERY: Final = _struct(
    {
        "required": (1, _flag), "in": (2, of_text), "description": (3, of_text), "name": (4, of_text),
        "type": (6, of_text), "format": (7, of_text), "uniqueItems": (20, _flag),
    },
    extensions=23,
)  # fmt: skip
_PATH: Final = _struct(
    {
        "required": (1, _flag), "in": (2, of_text), "description": (3, of_text), "name": (4, of_text),
        "type": (5, of_text), "format": (6, of_text), "uniqueItems": (19, _flag),
    },
    extensions=22,
)  # fmt: skip
_PLACES: Final[Mapping[str, tuple[int, Message]]] = {"query": (3, _QUERY), "path": (4, _PATH)}
_RESPONSE: Final = _struct(
    {"description": (1, of_text), "schema": (2, _one(lambda value: of_bytes(1, _schema(value))))}, extensions=5
)
_SECURITY: Final = _pairs(1, lambda value: _texts(1, value))
_OPERATION: Final = _struct(
    {
        "tags": (1, _texts), "summary": (2, of_text), "description": (3, of_text), "operationId": (5, of_text),
        "produces": (6, _texts), "consumes": (7, _texts), "parameters": (8, _each(_one(_parameter))),
        "responses": (9, _one(_pairs(1, _response))), "schemes": (10, _texts), "deprecated": (11, _flag),
        "security": (12, _each(_one(_SECURITY))),
    },
    extensions=13,
)  # fmt: skip
_PATH_ITEM: Final = _struct(
    {
        "get": (2, _one(_OPERATION)), "put": (3, _one(_OPERATION)), "post": (4, _one(_OPERATION)),
        "delete": (5, _one(_OPERATION)), "options": (6, _one(_OPERATION)), "head": (7, _one(_OPERATION)),
        "patch": (8, _one(_OPERATION)), "parameters": (9, _each(_one(_parameter))),
    },
    extensions=10,
)  # fmt: skip
_API_KEY: Final = _struct({"type": (1, of_text), "name": (2, of_text), "in": (3, of_text), "description": (4, of_text)})
_document: Final = _struct(
    {
        "swagger": (1, of_text), "info": (2, _one(_struct({"title": (1, of_text), "version": (2, of_text)}))),
        "paths": (8, _one(_pairs(2, _path_item))), "definitions": (9, _one(_pairs(1, _schema))),
        "security": (12, _each(_one(_SECURITY))), "securityDefinitions": (13, _one(_pairs(1, _scheme))),
    },
    extensions=16,
)  # fmt: skip
