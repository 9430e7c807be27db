"""EndpointSlices."""

from __future__ import annotations

from typing import Any

from cloudk8s.api.resource import Object
from cloudk8s.api.strategies.builtin import BuiltinStrategy


class EndpointSliceStrategy(BuiltinStrategy):
    """The EndpointSlice kind: everything but metadata is its spec; labels count too."""

    has_generation = True

    def set_defaults(self, obj: Object) -> None:
        for port in obj.setdefault("ports", None) or ():
            port.setdefault("name", "")
            port.setdefault("protocol", "TCP")
        for endpoint in obj.setdefault("endpoints", None) or ():
            endpoint.setdefault("conditions", {})

    def spec_changed(self, new: Object, old: Object) -> bool:
        """Upstream counts a change of any field that it does not know to be irrelevant."""
        return _relevant(new) != _relevant(old)


def _relevant(slice_: Object) -> dict[str, Any]:
    meta = slice_["metadata"]
    relevant = {key: value for key, value in slice_.items() if key not in ("metadata", "apiVersion", "kind")}
    return relevant | {"labels": meta.get("labels") or {}}
