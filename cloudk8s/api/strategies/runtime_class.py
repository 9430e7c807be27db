"""RuntimeClasses."""

from __future__ import annotations

from cloudk8s.api.field_errors import FieldError
from cloudk8s.api.resource import Object
from cloudk8s.api.strategies.builtin import BuiltinStrategy
from cloudk8s.api.validation import metadata, names
from cloudk8s.api.validation.pod.scheduling import check_tolerations
from cloudk8s.api.validation.resources import CONTAINER, check_requirements
from cloudk8s.api.validation.values import check_immutable, check_rule


class RuntimeClassStrategy(BuiltinStrategy):
    """The RuntimeClass kind."""

    namespaced = False
    allow_unconditional_update = False

    def check_create(self, obj: Object) -> list[FieldError]:
        errors = self.check_metadata(obj)
        check_rule(errors, "handler", obj.get("handler") or "", names.dns_label)
        if (overhead := obj.get("overhead")) is not None:
            check_requirements(errors, "overhead", {"limits": overhead.get("podFixed") or {}}, CONTAINER)
        if (scheduling := obj.get("scheduling")) is not None:
            errors += metadata.validate_labels(scheduling.get("nodeSelector") or {}, "scheduling.nodeSelector")
            check_tolerations(errors, "scheduling.tolerations", scheduling.get("tolerations") or ())
        return errors

    def check_changes(self, errors: list[FieldError], new: Object, old: Object) -> None:
        check_immutable(errors, "handler", new.get("handler", ""), old.get("handler", ""))
