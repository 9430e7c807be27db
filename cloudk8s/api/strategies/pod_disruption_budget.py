"""PodDisruptionBudgets."""

from __future__ import annotations

from cloudk8s.api.field_errors import FieldError
from cloudk8s.api.resource import Object
from cloudk8s.api.strategies.builtin import SpecStatusStrategy, spec_of
from cloudk8s.api.validation.workloads.disruption_budget import check_budget_spec, check_budget_status

_COUNTS = ("disruptionsAllowed", "currentHealthy", "desiredHealthy", "expectedPods")


class PodDisruptionBudgetStrategy(SpecStatusStrategy):
    """The PodDisruptionBudget kind."""

    allow_unconditional_update = False
    checks_own_metadata = False

    def zero_status(self) -> Object:
        return dict.fromkeys(_COUNTS, 0)

    def set_defaults(self, obj: Object) -> None:
        spec_of(obj)
        self.default_status(obj)

    def check_create(self, obj: Object) -> list[FieldError]:
        """Metadata is left to the generic registry."""
        errors: list[FieldError] = []
        check_budget_spec(errors, obj["spec"])
        return errors

    def check_update(self, new: Object, old: Object) -> list[FieldError]:
        return self.check_create(new)

    def check_status_update(self, new: Object, old: Object) -> list[FieldError]:
        errors: list[FieldError] = []
        check_budget_status(errors, new.get("status") or {})
        return errors
