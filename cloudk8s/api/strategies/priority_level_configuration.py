"""PriorityLevelConfigurations."""

from __future__ import annotations

from cloudk8s.api.resource import Object
from cloudk8s.api.strategies.builtin import SpecStatusStrategy, spec_of


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
