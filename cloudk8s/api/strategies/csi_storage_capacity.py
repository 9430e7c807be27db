"""CSIStorageCapacities."""

from __future__ import annotations

from cloudk8s.api.strategies.builtin import BuiltinStrategy


class CSIStorageCapacityStrategy(BuiltinStrategy):
    """The CSIStorageCapacity kind."""

    allow_unconditional_update = False
