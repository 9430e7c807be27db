"""PriorityClasses."""

from __future__ import annotations

from typing import Final

from cloudk8s.api.field_errors import FieldError, forbidden, required
from cloudk8s.api.resource import Object
from cloudk8s.api.strategies.builtin import BuiltinStrategy
from cloudk8s.api.validation.values import check_immutable, check_optional

_SYSTEM_PREFIX: Final = "system-"
_SYSTEM_CLASSES: Final = {"system-node-critical": 2000001000, "system-cluster-critical": 2000000000}
_HIGHEST: Final = 1000000000
_POLICIES: Final = ("PreemptLowerPriority", "Never")


class PriorityClassStrategy(BuiltinStrategy):
    """The PriorityClass kind: its generation never grows, as nothing that matters may change."""

    namespaced = False
    has_generation = True

    def set_defaults(self, obj: Object) -> None:
        obj.setdefault("value", 0)
        obj.setdefault("preemptionPolicy", "PreemptLowerPriority")

    def spec_changed(self, new: Object, old: Object) -> bool:
        return False

    def check_create(self, obj: Object) -> list[FieldError]:
        errors = self.check_metadata(obj)
        name, value = obj["metadata"].get("name") or "", obj["value"]
        if name.startswith(_SYSTEM_PREFIX):
            if problem := _why_no_system_class(name, value, bool(obj.get("globalDefault"))):
                text = f"priority class names with '{_SYSTEM_PREFIX}' prefix are reserved for system use only. error: "
                errors.append(forbidden("metadata.name", text + problem))
        elif value > _HIGHEST:
            errors.append(forbidden("value", f"maximum allowed value of a user defined priority is {_HIGHEST}"))
        if obj.get("preemptionPolicy") == "":
            errors.append(required("preemptionPolicy"))
        else:
            check_optional(errors, "preemptionPolicy", obj.get("preemptionPolicy"), _POLICIES)
        return errors

    def check_changes(self, errors: list[FieldError], new: Object, old: Object) -> None:
        if new["value"] != old["value"]:
            errors.append(forbidden("value", "may not be changed in an update."))
        policy, before = new.get("preemptionPolicy"), old.get("preemptionPolicy")
        check_immutable(errors, "preemptionPolicy", policy, before)


def _why_no_system_class(name: str, value: int, is_default: bool) -> str:
    if (wanted := _SYSTEM_CLASSES.get(name)) is None:
        return f"{name} is not a known system priority class"
    if value != wanted:
        return f"value of {name} PriorityClass must be {wanted}"
    return f"globalDefault of {name} PriorityClass must be false" if is_default else ""
