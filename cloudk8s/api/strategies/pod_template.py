"""PodTemplates."""

from __future__ import annotations

from cloudk8s.api.resource import Object
from cloudk8s.api.strategies.builtin import BuiltinStrategy
from cloudk8s.api.strategies.pod.defaults import default_pod_template


class PodTemplateStrategy(BuiltinStrategy):
    """The PodTemplate kind."""

    has_generation = True

    def set_defaults(self, obj: Object) -> None:
        default_pod_template(obj.setdefault("template", {}))
