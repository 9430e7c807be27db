"""Schemas of custom resources as version 2, which kubectl reads, shows them: what it can't say is left out."""

from __future__ import annotations

from typing import Any

import pytest

from cloudk8s.api.openapi import published
from cloudk8s.api.openapi.dialect import Dialect
from tests.api.openapi.test_documents import widgets

ANY = {"x-kubernetes-preserve-unknown-fields": True}
EMBEDDED = {"x-kubernetes-embedded-resource": True}
NULL = {"type": "string", "nullable": True}


def shown(schema: dict[str, Any], dialect: Dialect = "v2") -> dict[str, Any]:
    """How the schema of a Widget's `spec` is published."""
    found: dict[str, Any] = whole({"type": "object", "properties": {"spec": schema}}, dialect)["properties"]["spec"]
    return found


def whole(schema: dict[str, Any], dialect: Dialect = "v2") -> dict[str, Any]:
    resource = widgets()
    assert resource.custom is not None
    resource.custom["spec"]["versions"][0]["schema"] = {"openAPIV3Schema": schema}
    made: dict[str, Any] = published.schemas(resource, dialect)["com.example.v1.Widget"]
    return made


def test_a_resource_that_may_have_any_field_is_an_object_of_which_nothing_more_is_said() -> None:
    mark = {"group": "example.com", "version": "v1", "kind": "Widget"}
    schema = {"type": "object", "description": "d", "properties": {"a": {"type": "string"}}} | ANY
    assert whole(schema) == {"type": "object", "x-kubernetes-group-version-kind": [mark]}
    assert set(whole(schema, "v3")["properties"]) == {"a", "apiVersion", "kind", "metadata"}


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({"type": "object", "properties": {"a": {}}} | ANY, ANY),
        ({"type": "array", "items": {"type": "string"}} | ANY, ANY),
        ({"type": "array", "items": {"type": "string"}, "nullable": True}, {}),
        ({"type": "integer", "allOf": [{"minimum": 1}], "not": {"maximum": 3}}, {"type": "integer"}),
        (
            {"type": "object", "required": ["a", "b"], "properties": {"a": NULL, "b": {"type": "string"}}},
            {"type": "object", "required": ["b"], "properties": {"a": {}, "b": {"type": "string"}}},
        ),
        (
            {"type": "object", "required": ["a"], "additionalProperties": NULL},
            {"type": "object", "additionalProperties": {}},
        ),
    ],
)
def test_what_kubectl_cannot_read_is_left_out(given: dict[str, Any], expected: dict[str, Any]) -> None:
    assert shown(given) == expected


@pytest.mark.parametrize("dialect", ["v2", "v3"])
def test_embedded_objects_have_what_every_object_has(dialect: Dialect) -> None:
    found = shown(
        {"type": "object", "required": ["kind"], "properties": {"spec": {"type": "object"}}} | EMBEDDED, dialect
    )
    assert set(found["properties"]) == {"spec", "apiVersion", "kind", "metadata"}
    assert found["required"] == ["kind", "apiVersion"]


def test_an_embedded_object_with_any_field_is_not_described_to_kubectl() -> None:
    assert shown({"type": "object"} | EMBEDDED | ANY) == EMBEDDED | ANY
