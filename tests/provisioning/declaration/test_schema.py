"""The published JSON Schema: every field described, and in step with the documentation."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from cloudk8s.provisioning.declaration.schema import cluster_schema

PUBLISHED = Path(__file__).parents[3] / "docs" / "cluster.schema.json"


def fields(schema: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    for name, part in {"cluster": schema, **schema["$defs"]}.items():
        for field, entry in part.get("properties", {}).items():
            yield f"{name}.{field}", entry


def test_every_field_is_described() -> None:
    schema = cluster_schema()
    bare = [(name, entry) for name, entry in fields(schema) if not entry.get("description")]
    assert not [name for name, entry in bare if not _referenced(schema, entry).get("description")]


def _referenced(schema: dict[str, Any], entry: dict[str, Any]) -> dict[str, Any]:
    """The part that a field refers to; its description is not repeated where the field's is the same."""
    found: dict[str, Any] = schema["$defs"].get(entry.get("$ref", "").rpartition("/")[2], {})
    return found


def test_the_published_schema_is_the_one_of_the_code() -> None:
    message = "run: cloudk8s cluster schema > docs/cluster.schema.json"
    assert json.loads(PUBLISHED.read_text()) == cluster_schema(), message
