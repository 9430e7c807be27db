"""Documents without a type: patches. Duplicate keys are all that can be wrong with them."""

from __future__ import annotations

from typing import Any

from cloudk8s.api.decoding import raw_json
from cloudk8s.api.decoding.raw_json import Pairs
from cloudk8s.api.decoding.strict import MAX_FINDINGS
from cloudk8s.machinery import codec


class TooDeep(ValueError):
    """The document is nested deeper than what can be stored."""


def has_duplicates(data: bytes, tree: Any) -> bool:
    """Whether an object of the decoded text may have a key twice; quick, and never wrong when it says no.

    Every key brings one colon, and what is inside strings is the same on both sides, unless a colon is written as an
    escape. Raises TooDeep.
    """
    try:
        encoded = codec.encode(tree)
    except TypeError:
        raise TooDeep from None
    return data.count(b":") != encoded.count(b":") or b"\\u003" in data


def duplicate_fields(data: bytes) -> tuple[str, ...]:
    """`duplicate field "spec.x"` for every key that an object has twice, in the order of the text."""
    found: dict[str, None] = {}
    _collect(raw_json.parse(data), "", found)
    return tuple(found)[:MAX_FINDINGS]


def _collect(value: Any, path: str, found: dict[str, None]) -> None:
    if isinstance(value, Pairs):
        seen: set[str] = set()
        for key, item in value:
            inside = f"{path}.{key}" if path else key
            if key in seen:
                found[f'duplicate field "{inside}"'] = None
            seen.add(key)
            _collect(item, inside, found)
    elif isinstance(value, list):
        for index, item in enumerate(value):
            _collect(item, f"{path}[{index}]", found)
