"""A declaration as tags, so that the account alone tells what was declared. Pure.

Compressed, and cut into values of the 256 characters that the strictest cloud allows. Settings of the provider, which
may hold secrets, are never written down.
"""

from __future__ import annotations

import base64
import zlib
from collections.abc import Mapping
from typing import Any

from cloudk8s.errors import CloudK8sError
from cloudk8s.machinery.codec import DecodeError, decode, encode_canonical
from cloudk8s.provisioning.declaration.cluster import ClusterDeclaration

PREFIX = "cloudk8s.io/declared-"
VALUE = 256
MOST = 30
"""How many tags it may take: clouds allow 50 on a resource, and others want theirs."""


def to_tags(declaration: ClusterDeclaration) -> dict[str, str]:
    """The tags that hold a declaration, and the one before it where there is room.

    Raises CloudK8sError for one that is too large.
    """
    entry = _bare(declaration)
    parts = _parts({**entry, "previous": _bare(declaration.previous)}) if declaration.previous else _parts(entry)
    if len(parts) > MOST:
        parts = _parts(entry)
    if len(parts) > MOST:
        raise CloudK8sError(
            f"cluster {declaration.name}: the declaration is too large to be kept in {MOST} tags; "
            "use fewer pools, labels or options"
        )
    return {f"{PREFIX}{number}": part for number, part in enumerate(parts)}


def _bare(declaration: ClusterDeclaration) -> dict[str, Any]:
    """Without what is never written down."""
    return {key: value for key, value in declaration.compact().items() if key != "settings"}


def _parts(entry: Mapping[str, Any]) -> list[str]:
    text = base64.urlsafe_b64encode(zlib.compress(encode_canonical(entry), 9)).decode()
    return [text[start : start + VALUE] for start in range(0, len(text), VALUE)]


def from_tags(tags: Mapping[str, str], settings: Mapping[str, Any]) -> ClusterDeclaration | None:
    """The declaration that `to_tags` wrote down, with these settings of the provider; None where there is none."""
    parts = [tags[name] for number in range(MOST) if (name := f"{PREFIX}{number}") in tags]
    if not parts:
        return None
    try:
        entry = decode(zlib.decompress(base64.urlsafe_b64decode("".join(parts))))
    except (ValueError, zlib.error, DecodeError):  # a tag was edited or cut: as good as none
        return None
    previous = entry.pop("previous", None)
    found = ClusterDeclaration.model_validate({**entry, "settings": dict(settings)})
    if previous is None:
        return found
    return found.after(ClusterDeclaration.model_validate({**previous, "settings": dict(settings)}))


def without_record(tags: Mapping[str, str]) -> dict[str, str]:
    """The other tags."""
    return {key: value for key, value in tags.items() if not key.startswith(PREFIX)}


def only_record(tags: Mapping[str, str]) -> dict[str, str]:
    """The tags that belong to a record."""
    return {key: value for key, value in tags.items() if key.startswith(PREFIX)}
