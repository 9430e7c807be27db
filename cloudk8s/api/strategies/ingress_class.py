"""IngressClasses."""

from __future__ import annotations

from cloudk8s.api.field_errors import FieldError
from cloudk8s.api.resource import Object
from cloudk8s.api.strategies.builtin import BuiltinStrategy, spec_of
from cloudk8s.api.validation import metadata
from cloudk8s.api.validation.network.ingress import check_ingress_class_spec
from cloudk8s.api.validation.values import check_immutable


class IngressClassStrategy(BuiltinStrategy):
    """The IngressClass kind."""

    namespaced = False
    has_generation = True

    def set_defaults(self, obj: Object) -> None:
        if (parameters := spec_of(obj).get("parameters")) is not None:
            parameters.setdefault("scope", "Cluster")

    def check_update(self, new: Object, old: Object) -> list[FieldError]:
        errors = metadata.validate_update(new["metadata"], old["metadata"])
        controller, before = new["spec"].get("controller", ""), old["spec"].get("controller", "")
        check_immutable(errors, "spec.controller", controller, before)
        return errors + self.check_create(new)

    def check_body(self, errors: list[FieldError], obj: Object, old: Object | None) -> None:
        check_ingress_class_spec(errors, obj["spec"])
