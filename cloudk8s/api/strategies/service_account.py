"""ServiceAccounts."""

from __future__ import annotations

from cloudk8s.api.field_errors import FieldError
from cloudk8s.api.resource import Object
from cloudk8s.api.strategies.builtin import BuiltinStrategy
from cloudk8s.api.validation import metadata


class ServiceAccountStrategy(BuiltinStrategy):
    """The ServiceAccount kind: nothing but its metadata is checked."""

    def check_update(self, new: Object, old: Object) -> list[FieldError]:
        return metadata.validate_update(new["metadata"], old["metadata"]) + self.check_create(new)
