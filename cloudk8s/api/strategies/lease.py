"""Leases."""

from __future__ import annotations

from cloudk8s.api.resource import Object
from cloudk8s.api.strategies.builtin import BuiltinStrategy, spec_of


class LeaseStrategy(BuiltinStrategy):
    """The Lease kind."""

    allow_create_on_update = True
    allow_unconditional_update = False

    def set_defaults(self, obj: Object) -> None:
        spec_of(obj)
