"""JSON Merge Patch (RFC 7386) as kube-apiserver applies it.

Documents are never changed; what the patch leaves alone is shared with the given one. Objects that were merged come
back with sorted keys, as upstream prints them.
"""

from __future__ import annotations

from typing import Any, Final

from cloudk8s.machinery import codec, go_text, json_syntax

_CONTAINERS: Final = frozenset({dict, list})
_DECODING: Final = "error decoding patch: "


class PatchFormatError(ValueError):
    """The body is not a merge patch: a bad request."""


def decode(body: bytes) -> dict[str, Any]:
    """Read a patch: a JSON object. Raises PatchFormatError with upstream's message."""
    try:
        patch = codec.decode(body)
    except codec.DecodeError as error:
        raise PatchFormatError(_DECODING + (json_syntax.problem(body) or str(error))) from error
    if patch is None:
        raise PatchFormatError("Invalid JSON Patch")
    if not isinstance(patch, dict):
        raise PatchFormatError(_DECODING + go_text.cannot_unmarshal(patch, "map[string]interface {}"))
    return patch


def apply(document: dict[str, Any], patch: dict[str, Any]) -> dict[str, Any]:
    """The merged document: null removes, objects merge, everything else replaces."""
    merged = dict(document)
    for key, value in patch.items():
        if value is None:
            merged.pop(key, None)
        else:
            merged[key] = _merge(merged.get(key), value)
    return dict(sorted(merged.items()))


def _merge(current: Any, patch: Any) -> Any:
    if isinstance(current, dict):
        return apply(current, patch) if isinstance(patch, dict) else patch
    return _without_nulls(patch)


def _without_nulls(value: Any) -> Any:
    """What a patch adds: nulls inside it mean "not there", except as elements of a list."""
    if isinstance(value, dict):
        return {
            key: _without_nulls(item) if item.__class__ in _CONTAINERS else item
            for key, item in sorted(value.items())
            if item is not None
        }
    if isinstance(value, list):
        return [_without_nulls(item) for item in value]
    return value
