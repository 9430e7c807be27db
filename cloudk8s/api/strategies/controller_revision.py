"""ControllerRevisions."""

from __future__ import annotations

from cloudk8s.api.field_errors import OMITTED, FieldError, invalid, required
from cloudk8s.api.resource import Object
from cloudk8s.api.strategies.builtin import BuiltinStrategy
from cloudk8s.api.validation import metadata
from cloudk8s.api.validation.values import check_immutable, check_non_negative


class ControllerRevisionStrategy(BuiltinStrategy):
    """The ControllerRevision kind: its data never changes."""

    def set_defaults(self, obj: Object) -> None:
        obj.setdefault("revision", 0)

    def check_create(self, obj: Object) -> list[FieldError]:
        errors = self.check_metadata(obj)
        data = obj.get("data")
        if data is None:
            errors.append(required("data", "data is mandatory"))
        elif not isinstance(data, dict):
            errors.append(invalid("data", OMITTED, "error parsing data"))
        check_non_negative(errors, "revision", obj["revision"])
        return errors

    def check_update(self, new: Object, old: Object) -> list[FieldError]:
        """The update itself is checked twice, as upstream does."""
        errors = self.check_create(new)
        errors += metadata.validate_update(new["metadata"], old["metadata"])
        check_non_negative(errors, "revision", new["revision"])
        check_immutable(errors, "data", new.get("data"), old.get("data"))
        return errors
