"""Ingresses."""

from __future__ import annotations

from cloudk8s.api.resource import Object
from cloudk8s.api.strategies.builtin import SpecStatusStrategy, spec_of


class IngressStrategy(SpecStatusStrategy):
    """The Ingress kind."""

    def zero_status(self) -> Object:
        return {"loadBalancer": {}}

    def set_defaults(self, obj: Object) -> None:
        spec_of(obj)
        self.default_status(obj)
