"""Leases."""

from __future__ import annotations

from cloudk8s.api.field_errors import FieldError, forbidden, invalid
from cloudk8s.api.resource import Object
from cloudk8s.api.strategies.builtin import BuiltinStrategy, spec_of
from cloudk8s.api.validation.values import check_non_negative, check_optional


class LeaseStrategy(BuiltinStrategy):
    """The Lease kind."""

    allow_create_on_update = True
    allow_unconditional_update = False

    def set_defaults(self, obj: Object) -> None:
        spec_of(obj)

    def check_body(self, errors: list[FieldError], obj: Object, old: Object | None) -> None:
        spec = obj["spec"]
        seconds, changes = spec.get("leaseDurationSeconds"), spec.get("leaseTransitions")
        if seconds is not None and seconds <= 0:
            errors.append(invalid("spec.leaseDurationSeconds", seconds, "must be greater than 0"))
        check_non_negative(errors, "spec.leaseTransitions", changes)
        strategy = spec.get("strategy")
        if strategy is not None and "/" not in strategy:
            check_optional(errors, "spec.strategy", strategy, ["OldestEmulationVersion"])
        if spec.get("preferredHolder") and not strategy:
            errors.append(forbidden("spec.preferredHolder", "must be empty when strategy is nil"))
