"""What the workload kinds share: defaults, warnings and checks around their pod template."""

from __future__ import annotations

from typing import ClassVar

from cloudk8s.api.field_errors import FieldError
from cloudk8s.api.resource import Object
from cloudk8s.api.strategies.builtin import SpecStatusStrategy, spec_of
from cloudk8s.api.strategies.pod.defaults import default_pod_template
from cloudk8s.api.strategies.pod.warnings import pod_warnings
from cloudk8s.api.validation import metadata, names


class WorkloadStrategy(SpecStatusStrategy):
    """A kind that makes pods from `spec.template`."""

    checks_updates_as_new: ClassVar[bool] = False
    """An update is also held to all that a creation is, so that its findings come twice, as upstream's do."""
    names_hosts: ClassVar[bool] = True
    """Pods, and so hosts, are named after the object."""

    def set_defaults(self, obj: Object) -> None:
        spec = spec_of(obj)
        self.default_spec(obj, spec)
        default_pod_template(spec.setdefault("template", {}))
        self.default_status(obj)

    def default_spec(self, obj: Object, spec: Object) -> None:
        """Defaults of the spec besides the pod template."""

    def check_create(self, obj: Object) -> list[FieldError]:
        errors = self.check_metadata(obj)
        self.check_spec(errors, obj)
        return errors

    def check_update(self, new: Object, old: Object) -> list[FieldError]:
        errors = self.check_create(new) if self.checks_updates_as_new else []
        errors += metadata.validate_update(new["metadata"], old["metadata"])
        self.check_spec(errors, new)
        self.check_changes(errors, new, old)
        return errors

    def check_status_update(self, new: Object, old: Object) -> list[FieldError]:
        errors = metadata.validate_update(new["metadata"], old["metadata"])
        self.check_status(errors, new, old)
        return errors

    def check_spec(self, errors: list[FieldError], obj: Object) -> None:
        """What holds for the spec at any time."""

    def check_changes(self, errors: list[FieldError], new: Object, old: Object) -> None:
        """What may not change."""

    def check_status(self, errors: list[FieldError], new: Object, old: Object) -> None:
        """What holds for the status."""

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
