"""Endpoints."""

from __future__ import annotations

from cloudk8s.api.resource import Object
from cloudk8s.api.strategies.builtin import BuiltinStrategy


class EndpointsStrategy(BuiltinStrategy):
    """The Endpoints kind."""

    allow_create_on_update = True

    def set_defaults(self, obj: Object) -> None:
        for subset in obj.get("subsets") or ():
            for port in subset.get("ports") or ():
                port["protocol"] = port.get("protocol") or "TCP"
