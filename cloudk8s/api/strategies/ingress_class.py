"""IngressClasses."""

from __future__ import annotations

from cloudk8s.api.resource import Object
from cloudk8s.api.strategies.builtin import BuiltinStrategy, spec_of


class IngressClassStrategy(BuiltinStrategy):
    """The IngressClass kind."""

    namespaced = False
    has_generation = True

    def set_defaults(self, obj: Object) -> None:
        if (parameters := spec_of(obj).get("parameters")) is not None:
            parameters.setdefault("scope", "Cluster")
