"""YAML in and out, one place to choose the library."""

from __future__ import annotations

from typing import Any

import ryaml


def encode(value: Any) -> bytes:
    """Block YAML in UTF-8."""
    text: str = ryaml.dumps(value)  # type: ignore[attr-defined]
    return text.encode()


def decode(data: bytes | str) -> Any:
    """Parse one document; raises ValueError for what is not YAML."""
    return ryaml.loads(data.decode() if isinstance(data, bytes) else data)  # type: ignore[attr-defined]
