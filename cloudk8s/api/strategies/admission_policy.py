"""ValidatingAdmissionPolicies, MutatingAdmissionPolicies and their bindings: everything but their expressions."""

from __future__ import annotations

from typing import Any, ClassVar

from cloudk8s.api.field_errors import FieldError
from cloudk8s.api.resource import Object
from cloudk8s.api.strategies.builtin import BuiltinStrategy, SpecStatusStrategy, spec_of
from cloudk8s.api.validation.admission.policies import (
    check_mutating_policy,
    check_policy_binding,
    check_validating_policy,
)
from cloudk8s.api.validation.conditions import check_conditions


class ValidatingAdmissionPolicyStrategy(SpecStatusStrategy):
    """The ValidatingAdmissionPolicy kind."""

    namespaced = False
    allow_unconditional_update = False
    status_keeps = "metadata"

    def set_defaults(self, obj: Object) -> None:
        spec = spec_of(obj)
        spec.setdefault("failurePolicy", "Fail")
        default_match(spec.get("matchConstraints"))
        self.default_status(obj)

    def check_update(self, new: Object, old: Object) -> list[FieldError]:
        return self.check_create(new)

    def check_body(self, errors: list[FieldError], obj: Object, old: Object | None) -> None:
        check_validating_policy(errors, obj["spec"], obj["metadata"].get("name") or "")

    def check_status(self, errors: list[FieldError], new: Object, old: Object) -> None:
        check_conditions(errors, "status.conditions", (new.get("status") or {}).get("conditions") or ())


class MutatingAdmissionPolicyStrategy(BuiltinStrategy):
    """The MutatingAdmissionPolicy kind."""

    namespaced = False
    has_generation = True
    allow_unconditional_update = False

    def set_defaults(self, obj: Object) -> None:
        spec = spec_of(obj)
        spec.setdefault("failurePolicy", "Fail")
        default_match(spec.get("matchConstraints"))

    def check_update(self, new: Object, old: Object) -> list[FieldError]:
        return self.check_create(new)

    def check_body(self, errors: list[FieldError], obj: Object, old: Object | None) -> None:
        check_mutating_policy(errors, obj["spec"])


class AdmissionPolicyBindingStrategy(BuiltinStrategy):
    """The kinds that bind a policy to parameters and resources."""

    validates: ClassVar[bool] = False

    namespaced = False
    has_generation = True
    allow_unconditional_update = False

    def set_defaults(self, obj: Object) -> None:
        default_match(spec_of(obj).get("matchResources"))

    def check_update(self, new: Object, old: Object) -> list[FieldError]:
        return self.check_create(new)

    def check_body(self, errors: list[FieldError], obj: Object, old: Object | None) -> None:
        check_policy_binding(errors, obj["spec"], validates=self.validates)


class ValidatingAdmissionPolicyBindingStrategy(AdmissionPolicyBindingStrategy):
    """The ValidatingAdmissionPolicyBinding kind: it also says what a failure leads to."""

    validates = True


def default_match(match: dict[str, Any] | None) -> None:
    if match is None:
        return
    match.setdefault("matchPolicy", "Equivalent")
    match.setdefault("namespaceSelector", {})
    match.setdefault("objectSelector", {})
    for field in ("resourceRules", "excludeResourceRules"):
        for rule in match.get(field) or ():
            rule.setdefault("scope", "*")
