"""YAML in and out, one place to choose the library; the text is laid out as go-yaml does."""

from __future__ import annotations

from typing import Any

from cloudk8s.machinery import go_yaml


def encode(value: Any) -> bytes:
    """Block YAML in UTF-8, keys sorted."""
    return go_yaml.encode(value)


def decode(data: bytes | str) -> Any:
    """Parse the first document; raises ValueError for what is not YAML."""
    return go_yaml.parse(data.encode() if isinstance(data, str) else data).tree
