"""Pod specs that were found sound before: replicas differ from each other in little more than their name.

What is sound stays so, whatever the pod's name; only specs with ephemeral volumes depend on it and are not kept.
The volume with the service-account token has a random suffix in its name, which does not count.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final

from cloudk8s.machinery import codec

_CAPACITY: Final = 1024
_find_token_volume = re.compile(rb'kube-api-access-[a-z0-9]{5}"').search
_known: dict[bytes, None] = {}


def key_of(spec: Mapping[str, Any]) -> bytes:
    """What two specs have in common if one is sound whenever the other is; empty where there is no such thing."""
    key = codec.encode(spec)
    if b'"ephemeral":' in key:
        return b""
    if found := _find_token_volume(key):
        # The stand-in is no JSON, so that no spec can contain it.
        key = key.replace(found[0], b"\x00")
    return key


def is_sound(key: bytes) -> bool:
    return key in _known


def remember(key: bytes) -> None:
    """The spec with this key is sound."""
    if key:
        if len(_known) >= _CAPACITY:
            _known.clear()
        _known[key] = None
