"""The protobuf form of the OpenAPI 2 document says what the JSON form says."""

from __future__ import annotations

from typing import Any

import pytest

from cloudk8s.api.openapi import gnostic
from cloudk8s.api.openapi.documents import OpenApi
from cloudk8s.api.protobuf.wire import fields
from cloudk8s.api.registry import Registry


@pytest.fixture(scope="module")
def document(registry: Registry) -> bytes:
    return OpenApi(registry).v2_protobuf().body


def test_definitions_have_fields_types_references_and_extensions(document: bytes) -> None:
    definitions = named(part(document, 9), 1)
    pod = definitions["io.k8s.api.core.v1.Pod"]
    assert part(part(pod, 22)) == b"object"
    spec = named(part(pod, 25), 1)["spec"]
    assert part(spec) == b"#/definitions/io.k8s.api.core.v1.PodSpec"
    marks = {name: part(value, 2) for name, value in named(pod, 31).items()}
    assert marks["x-kubernetes-group-version-kind"] == b'[{"group":"","kind":"Pod","version":"v1"}]'
    containers = named(part(definitions["io.k8s.api.core.v1.PodSpec"], 25), 1)["containers"]
    assert part(part(containers, 22)) == b"array"
    assert part(part(part(containers, 23))) == b"#/definitions/io.k8s.api.core.v1.Container"
    assert [value for number, value in fields(definitions["io.k8s.api.core.v1.PodSpec"]) if number == 19]


def test_paths_have_operations_with_parameters(document: bytes) -> None:
    paths = named(part(document, 8), 2)
    patch = part(paths["/api/v1/namespaces/{namespace}/pods/{name}"], 8)
    assert part(patch, 5) == b"patchCoreV1NamespacedPod"
    assert named(part(patch, 9), 1).keys() == {"200", "201", "401"}
    *_, body = [value for number, value in fields(patch) if number == 8 and isinstance(value, bytes)]
    assert part(part(part(body)), 2) == b"body"


def test_parameters_are_wrapped_by_where_they_are() -> None:
    operation = {"parameters": [{"name": "dryRun", "in": "query"}, {"name": "name", "in": "path", "required": True}]}
    encoded = gnostic.encode({"paths": {"/a": {"get": operation}}})
    query, path = (value for number, value in fields(part(named(part(encoded, 8), 2)["/a"], 2)) if number == 8)
    assert isinstance(query, bytes)
    assert isinstance(path, bytes)
    assert part(part(part(part(query), 2), 3), 4) == b"dryRun"
    assert part(part(part(part(path), 2), 4), 4) == b"name"


@pytest.mark.parametrize(
    ("value", "encoded"),
    [
        ({"additionalProperties": True}, "aa0102" + "1001"),
        ({"additionalProperties": {"type": "a"}}, "aa0108" + "0a06" + "b20103" + "0a01" + "61"),
        ({"items": {"type": "a"}}, "ba0108" + "0a06" + "b20103" + "0a01" + "61"),
        ({"maximum": 2}, "39" + "0000000000000040"),
        ({"uniqueItems": False, "unknown": 1}, ""),
    ],
)
def test_values(value: dict[str, Any], encoded: str) -> None:
    assert named(part(gnostic.encode({"definitions": {"a": value}}), 9), 1)["a"].hex() == encoded


def part(message: bytes, number: int = 1) -> bytes:
    """The first field of that number."""
    found = next(value for at, value in fields(message) if at == number)
    assert isinstance(found, bytes)
    return found


def named(message: bytes, number: int) -> dict[str, bytes]:
    """A map: its named values are fields of that number."""
    entries = [value for at, value in fields(message) if at == number and isinstance(value, bytes)]
    values = [dict(fields(entry)) for entry in entries]
    return {value[1].decode(): value.get(2, b"") for value in values if isinstance(value[1], bytes)}  # type: ignore[misc]
