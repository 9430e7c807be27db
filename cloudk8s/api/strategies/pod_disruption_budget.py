"""PodDisruptionBudgets."""

from __future__ import annotations

from cloudk8s.api.resource import Object
from cloudk8s.api.strategies.builtin import SpecStatusStrategy, spec_of

_COUNTS = ("disruptionsAllowed", "currentHealthy", "desiredHealthy", "expectedPods")


class PodDisruptionBudgetStrategy(SpecStatusStrategy):
    """The PodDisruptionBudget kind."""

    allow_unconditional_update = False
    status_keeps = "metadata"

    def zero_status(self) -> Object:
        return dict.fromkeys(_COUNTS, 0)

    def set_defaults(self, obj: Object) -> None:
        spec_of(obj)
        self.default_status(obj)
