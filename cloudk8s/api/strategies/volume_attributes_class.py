"""VolumeAttributesClasses."""

from __future__ import annotations

from cloudk8s.api.field_errors import FieldError
from cloudk8s.api.resource import Object
from cloudk8s.api.strategies.builtin import BuiltinStrategy
from cloudk8s.api.validation.storage.classes import check_attributes_class, check_kept


class VolumeAttributesClassStrategy(BuiltinStrategy):
    """The VolumeAttributesClass kind."""

    namespaced = False

    def check_create(self, obj: Object) -> list[FieldError]:
        errors = self.check_metadata(obj)
        check_attributes_class(errors, obj)
        return errors

    def check_changes(self, errors: list[FieldError], new: Object, old: Object) -> None:
        for field in ("driverName", "parameters"):
            check_kept(errors, new, old, field)
