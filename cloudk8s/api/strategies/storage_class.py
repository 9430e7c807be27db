"""StorageClasses."""

from __future__ import annotations

from cloudk8s.api.field_errors import FieldError
from cloudk8s.api.resource import Object
from cloudk8s.api.strategies.builtin import BuiltinStrategy
from cloudk8s.api.strategies.pod.warnings import NODE_LABELS
from cloudk8s.api.validation import metadata
from cloudk8s.api.validation.storage.classes import check_storage_class, check_storage_class_kept


class StorageClassStrategy(BuiltinStrategy):
    """The StorageClass kind."""

    namespaced = False

    def set_defaults(self, obj: Object) -> None:
        obj.setdefault("reclaimPolicy", "Delete")
        obj.setdefault("volumeBindingMode", "Immediate")

    def check_update(self, new: Object, old: Object) -> list[FieldError]:
        errors = self.check_create(new) + metadata.validate_update(new["metadata"], old["metadata"])
        check_storage_class_kept(errors, new, old)
        return errors

    def check_body(self, errors: list[FieldError], obj: Object, old: Object | None) -> None:
        check_storage_class(errors, obj)

    def warnings(self, new: Object, old: Object | None) -> list[str]:
        """Topologies by labels that have been replaced."""
        return [
            f"allowedTopologies[{index}].matchLabelExpressions[{position}].key: {key} is {NODE_LABELS[key]}"
            for index, term in enumerate(new.get("allowedTopologies") or ())
            for position, requirement in enumerate(term.get("matchLabelExpressions") or ())
            if (key := requirement.get("key")) in NODE_LABELS
        ]
