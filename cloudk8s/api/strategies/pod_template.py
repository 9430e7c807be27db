"""PodTemplates."""

from __future__ import annotations

from cloudk8s.api.field_errors import FieldError
from cloudk8s.api.resource import Object
from cloudk8s.api.strategies.builtin import BuiltinStrategy
from cloudk8s.api.strategies.pod.defaults import default_pod_template
from cloudk8s.api.strategies.workload import template_warnings
from cloudk8s.api.validation import metadata
from cloudk8s.api.validation.pod.template import check_pod_template


class PodTemplateStrategy(BuiltinStrategy):
    """The PodTemplate kind."""

    has_generation = True

    def set_defaults(self, obj: Object) -> None:
        default_pod_template(obj.setdefault("template", {}))

    def check_create(self, obj: Object) -> list[FieldError]:
        errors = self.check_metadata(obj)
        check_pod_template(errors, "template", obj["template"])
        return errors

    def check_update(self, new: Object, old: Object) -> list[FieldError]:
        errors = metadata.validate_update(new["metadata"], old["metadata"])
        check_pod_template(errors, "template", new["template"])
        return errors

    def warnings(self, new: Object, old: Object | None) -> list[str]:
        if old is not None and new["metadata"].get("generation") == old["metadata"].get("generation"):
            return []
        return template_warnings(new["template"], "template.")
