"""The JSON of a patched object as upstream quotes it when it refuses the result of a patch.

Upstream patches Go's encoding of the object: what no patch reached keeps the order of Go's structs (of which only that
of the metadata is known here), and what one did reach is sorted by key.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from cloudk8s.api.resource import Object
from cloudk8s.machinery import codec

_METADATA: Final = (
    "name", "generateName", "namespace", "selfLink", "uid", "resourceVersion", "generation", "creationTimestamp",
    "deletionTimestamp", "deletionGracePeriodSeconds", "labels", "annotations", "ownerReferences", "finalizers",
    "managedFields",
)  # fmt: skip
"""The fields of ObjectMeta in Go's order."""
_Reach = Mapping[str, Any]
"""What a patch reaches: a nested mapping of the keys on its ways."""


def patched_json(tree: Object, patch: Any) -> str:
    """The JSON of a built-in object; `patch` is the JSON patch or merge patch that made it."""
    reach = _ways(patch) if isinstance(patch, list) else patch
    shown = _sorted_where(tree, reach)
    metadata = shown.get("metadata")
    if isinstance(metadata, dict) and "metadata" not in reach:
        shown["metadata"] = {key: metadata[key] for key in (*_METADATA, *metadata) if key in metadata}
    return codec.encode(shown).decode()


def _ways(operations: list[Any]) -> _Reach:
    """The containers that the operations of a JSON patch change."""
    reach: dict[str, Any] = {}
    for operation in operations:
        step = reach
        for key in str(operation.get("path", "")).split("/")[1:-1]:
            step = step.setdefault(key.replace("~1", "/").replace("~0", "~"), {})
    return reach


def _sorted_where(value: Any, reach: Any) -> Any:
    if not isinstance(reach, Mapping):
        return value
    if isinstance(value, dict):
        return {key: _sorted_where(value[key], reach.get(key)) for key in sorted(value)}
    if isinstance(value, list):
        return [_sorted_where(item, reach.get(str(index))) for index, item in enumerate(value)]
    return value
