"""ValidatingAdmissionPolicies, MutatingAdmissionPolicies and their bindings: everything but their expressions."""

from __future__ import annotations

from typing import Any

from cloudk8s.api.resource import Object
from cloudk8s.api.strategies.builtin import BuiltinStrategy, SpecStatusStrategy, spec_of


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


class MutatingAdmissionPolicyStrategy(BuiltinStrategy):
    """The MutatingAdmissionPolicy kind."""

    namespaced = False
    has_generation = True
    allow_unconditional_update = False

    def set_defaults(self, obj: Object) -> None:
        spec = spec_of(obj)
        spec.setdefault("failurePolicy", "Fail")
        default_match(spec.get("matchConstraints"))


class AdmissionPolicyBindingStrategy(BuiltinStrategy):
    """The kinds that bind a policy to parameters and resources."""

    namespaced = False
    has_generation = True
    allow_unconditional_update = False

    def set_defaults(self, obj: Object) -> None:
        default_match(spec_of(obj).get("matchResources"))


def default_match(match: dict[str, Any] | None) -> None:
    if match is None:
        return
    match.setdefault("matchPolicy", "Equivalent")
    match.setdefault("namespaceSelector", {})
    match.setdefault("objectSelector", {})
    for field in ("resourceRules", "excludeResourceRules"):
        for rule in match.get(field) or ():
            rule.setdefault("scope", "*")
