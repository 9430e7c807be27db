"""FlowSchemas."""

from __future__ import annotations

from cloudk8s.api.resource import Object
from cloudk8s.api.strategies.builtin import SpecStatusStrategy, spec_of


class FlowSchemaStrategy(SpecStatusStrategy):
    """The FlowSchema kind."""

    namespaced = False
    allow_unconditional_update = False
    status_keeps = "metadata"

    def set_defaults(self, obj: Object) -> None:
        spec = spec_of(obj)
        spec["matchingPrecedence"] = spec.get("matchingPrecedence") or 1000
        self.default_status(obj)
