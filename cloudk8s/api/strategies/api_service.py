"""APIServices."""

from __future__ import annotations

from cloudk8s.api.resource import Object
from cloudk8s.api.strategies.builtin import BuiltinStrategy, spec_of


class APIServiceStrategy(BuiltinStrategy):
    """The APIService kind."""

    namespaced = False
    allow_unconditional_update = False
    has_status = True
    status_keeps = "metadata"

    def set_defaults(self, obj: Object) -> None:
        if (service := spec_of(obj).get("service")) is not None:
            service.setdefault("port", 443)
        self.default_status(obj)
