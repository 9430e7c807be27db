"""PriorityLevelConfigurations."""

from __future__ import annotations

from cloudk8s.api.field_errors import FieldError
from cloudk8s.api.resource import Object
from cloudk8s.api.strategies.builtin import SpecStatusStrategy, spec_of
from cloudk8s.api.validation.flow_control.priority_level import check_priority_level_spec
from cloudk8s.api.validation.flow_control.schema import check_old_conditions


class PriorityLevelConfigurationStrategy(SpecStatusStrategy):
    """The PriorityLevelConfiguration kind."""

    namespaced = False
    allow_unconditional_update = False
    status_keeps = "metadata"

    def set_defaults(self, obj: Object) -> None:
        spec = spec_of(obj)
        if (exempt := spec.get("exempt")) is not None:
            exempt.setdefault("nominalConcurrencyShares", 0)
            exempt.setdefault("lendablePercent", 0)
        if (limited := spec.get("limited")) is not None:
            limited.setdefault("nominalConcurrencyShares", 30)
            limited.setdefault("lendablePercent", 0)
            queuing = limited.setdefault("limitResponse", {}).get("queuing")
            if queuing is not None:
                for key, value in (("handSize", 8), ("queues", 64), ("queueLengthLimit", 50)):
                    queuing[key] = queuing.get(key) or value
        self.default_status(obj)

    def check_body(self, errors: list[FieldError], obj: Object, old: Object | None) -> None:
        check_priority_level_spec(errors, obj["spec"], obj["metadata"].get("name") or "")

    def check_status(self, errors: list[FieldError], new: Object, old: Object) -> None:
        check_old_conditions(errors, (new.get("status") or {}).get("conditions") or ())
