"""Ingresses."""

from __future__ import annotations

from cloudk8s.api.field_errors import FieldError
from cloudk8s.api.resource import Object
from cloudk8s.api.strategies.builtin import SpecStatusStrategy, spec_of
from cloudk8s.api.validation import metadata
from cloudk8s.api.validation.network.ingress import CLASS_ANNOTATION, check_class_annotation, check_ingress_spec
from cloudk8s.api.validation.network.load_balancer import check_ingress_balancer


class IngressStrategy(SpecStatusStrategy):
    """The Ingress kind."""

    def zero_status(self) -> Object:
        return {"loadBalancer": {}}

    def set_defaults(self, obj: Object) -> None:
        spec_of(obj)
        self.default_status(obj)

    def check_create(self, obj: Object) -> list[FieldError]:
        errors = super().check_create(obj)
        check_class_annotation(errors, obj)
        return errors

    def check_update(self, new: Object, old: Object) -> list[FieldError]:
        errors = metadata.validate_update(new["metadata"], old["metadata"])
        errors += self.check_metadata(new)
        self.check_body(errors, new, old)
        return errors

    def check_body(self, errors: list[FieldError], obj: Object, old: Object | None) -> None:
        check_ingress_spec(errors, obj["spec"], old and old.get("spec"))

    def check_status(self, errors: list[FieldError], new: Object, old: Object) -> None:
        check_ingress_balancer(errors, new.get("status") or {})

    def warnings(self, new: Object, old: Object | None) -> list[str]:
        if old is None and CLASS_ANNOTATION in (new["metadata"].get("annotations") or {}):
            return [f"annotation \"{CLASS_ANNOTATION}\" is deprecated, please use 'spec.ingressClassName' instead"]
        return []
