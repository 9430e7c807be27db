"""CSIStorageCapacities."""

from __future__ import annotations

from cloudk8s.api.field_errors import FieldError
from cloudk8s.api.resource import Object
from cloudk8s.api.strategies.builtin import BuiltinStrategy
from cloudk8s.api.validation.storage.drivers import check_capacity, check_capacity_kept


class CSIStorageCapacityStrategy(BuiltinStrategy):
    """The CSIStorageCapacity kind."""

    allow_unconditional_update = False

    def check_update(self, new: Object, old: Object) -> list[FieldError]:
        errors = self.check_create(new)
        check_capacity_kept(errors, new, old)
        return errors

    def check_body(self, errors: list[FieldError], obj: Object, old: Object | None) -> None:
        check_capacity(errors, obj)
