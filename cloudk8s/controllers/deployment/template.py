"""Pod templates of Deployments and ReplicaSets: are they the same, and the label with the hash that names them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

HASH_LABEL: Final = "pod-template-hash"


def is_same(one: Mapping[str, Any], other: Mapping[str, Any]) -> bool:
    """Whether two templates make the same pods; the hash label is not looked at."""
    return bool(one.get("spec") == other.get("spec")) and _metadata(one) == _metadata(other)


def with_label(template: Mapping[str, Any], value: str) -> dict[str, Any]:
    """The template with the hash label."""
    metadata = template.get("metadata") or {}
    labels = {**(metadata.get("labels") or {}), HASH_LABEL: value}
    return {**template, "metadata": {**metadata, "labels": labels}}


def without_label(template: Mapping[str, Any]) -> dict[str, Any]:
    """The template without the hash label."""
    metadata = template.get("metadata") or {}
    labels = {key: value for key, value in (metadata.get("labels") or {}).items() if key != HASH_LABEL}
    return {**template, "metadata": {**metadata, "labels": labels}}


def _metadata(template: Mapping[str, Any]) -> Mapping[str, Any]:
    metadata = {k: v for k, v in (template.get("metadata") or {}).items() if v and k != "creationTimestamp"}
    labels = {key: value for key, value in (metadata.pop("labels", None) or {}).items() if key != HASH_LABEL}
    return metadata | ({"labels": labels} if labels else {})
