"""The JSON Schema of cluster files, published with the documentation and by `cloudk8s cluster schema`."""

from __future__ import annotations

from typing import Any

from cloudk8s.provisioning.declaration.cluster import ClusterDeclaration

ID = "https://cloudk8s.io/schemas/cluster.json"


def cluster_schema() -> dict[str, Any]:
    """Draft 2020-12; every field is described."""
    schema = ClusterDeclaration.model_json_schema(by_alias=True)
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", "$id": ID, **schema}
