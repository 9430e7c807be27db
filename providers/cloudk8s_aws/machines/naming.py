"""Many names in few tags: instances of one launch share their tags and differ by their launch index. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from cloudk8s.cloud.model.names import pack, unpack

VALUE = 256


def to_tags(key: str, names: Sequence[str]) -> dict[str, str]:
    """`pack`, cut into values that a tag can have."""
    text = pack(names)
    return {f"{key}-{start // VALUE}": text[start : start + VALUE] for start in range(0, len(text), VALUE)}


def from_tags(key: str, tags: dict[str, str]) -> list[str]:
    """The inverse of `to_tags`."""
    parts: list[str] = []
    while (name := f"{key}-{len(parts)}") in tags:
        parts.append(tags[name])
    return unpack("".join(parts))
