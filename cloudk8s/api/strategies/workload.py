"""What the workload kinds share: defaults, warnings and checks around their pod template."""

from __future__ import annotations

from typing import ClassVar

from cloudk8s.api.resource import Object
from cloudk8s.api.strategies.builtin import SpecStatusStrategy, spec_of
from cloudk8s.api.strategies.pod.defaults import default_pod_template
from cloudk8s.api.strategies.pod.warnings import pod_warnings
from cloudk8s.api.validation import names


class WorkloadStrategy(SpecStatusStrategy):
    """A kind that makes pods from `spec.template`."""

    names_hosts: ClassVar[bool] = True
    """Pods, and so hosts, are named after the object."""

    def set_defaults(self, obj: Object) -> None:
        spec = spec_of(obj)
        self.default_spec(obj, spec)
        default_pod_template(spec.setdefault("template", {}))
        self.default_status(obj)

    def default_spec(self, obj: Object, spec: Object) -> None:
        """Defaults of the spec besides the pod template."""

    def warnings(self, new: Object, old: Object | None) -> list[str]:
        """Those of the template, on creation and when the spec changes."""
        if old is None:
            named = host_name_warnings(new) if self.names_hosts else []
        elif new["metadata"].get("generation") == old["metadata"].get("generation"):
            return []
        else:
            named = []
        return named + template_warnings(new["spec"].get("template") or {}, "spec.template.")


def host_name_warnings(obj: Object) -> list[str]:
    """A name that is no DNS label makes odd host names."""
    messages = names.dns_label(obj["metadata"].get("name") or "")
    if not messages:
        return []
    shown = " ".join(messages)
    return [
        "metadata.name: this is used in Pod names and hostnames, which can result in surprising behavior; "
        f"a DNS label is recommended: [{shown}]"
    ]


def template_warnings(template: Object, path: str) -> list[str]:
    return pod_warnings(template.get("metadata") or {}, template.get("spec") or {}, path)


def default_labels(obj: Object, template: Object) -> None:
    """A workload without labels gets those of its template."""
    if (labels := template["metadata"].get("labels")) and not obj["metadata"].get("labels"):
        obj["metadata"]["labels"] = dict(labels)
