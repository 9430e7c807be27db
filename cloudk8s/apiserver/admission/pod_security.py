"""PodSecurity: a namespace's labels say which pods are refused, warned about, or noted (KEP-2579)."""

from __future__ import annotations

from typing import Any, Final

from cloudk8s.api.field_errors import FieldError, quoted
from cloudk8s.api.pod_security import PREFIX, LevelVersion, Policy, Violation, evaluate
from cloudk8s.api.resource import Object, ResourceType
from cloudk8s.apiserver import failures
from cloudk8s.apiserver.admission.interface import AdmissionPlugin, AdmissionRequest, Operation
from cloudk8s.apiserver.admission.pod_plugins import is_pod

_TEMPLATES: Final[dict[tuple[str, str], tuple[str, ...]]] = {
    ("", "podtemplates"): ("template",),
    ("", "replicationcontrollers"): ("spec", "template"),
    ("apps", "replicasets"): ("spec", "template"),
    ("apps", "deployments"): ("spec", "template"),
    ("apps", "statefulsets"): ("spec", "template"),
    ("apps", "daemonsets"): ("spec", "template"),
    ("batch", "jobs"): ("spec", "template"),
    ("batch", "cronjobs"): ("spec", "jobTemplate", "spec", "template"),
}
"""Where workloads keep the pods that they will make."""
_CHECKED: Final = 3000


class PodSecurity(AdmissionPlugin):
    """Upstream's plugin of that name, with its default configuration: privileged everywhere."""

    name = "PodSecurity"

    def interested(self, resource: ResourceType, subresource: str, operation: Operation) -> bool:
        if operation not in ("CREATE", "UPDATE"):
            return False
        if is_pod(resource):
            return subresource in ("", "ephemeralcontainers", "resize")
        is_namespace = resource.plural == "namespaces" and not resource.group
        return not subresource and (is_namespace or (resource.group, resource.plural) in _TEMPLATES)

    def validate(self, request: AdmissionRequest) -> None:
        if request.resource.plural == "namespaces":
            self._namespace(request)
        elif is_pod(request.resource):
            self._pod(request)
        else:
            self._workload(request)

    def _policy(self, namespace: str) -> Policy:
        found = self.core.find("", "namespaces", namespace) or {"metadata": {}}
        return Policy.from_labels(found["metadata"].get("labels") or {})[0]

    def _pod(self, request: AdmissionRequest) -> None:
        assert request.obj is not None
        policy = self._policy(request.namespace)
        if request.operation == "UPDATE" and _is_insignificant(request.obj, request.old or {}, request.subresource):
            return
        metadata, spec = request.obj["metadata"], request.obj["spec"]
        if request.note is not None:
            request.note(f"{PREFIX}enforce-policy", str(policy.enforce))
        self._note(request, policy, metadata, spec)
        violations = evaluate(policy.enforce, metadata, spec)
        if violations:
            reason = f'violates PodSecurity "{policy.enforce}": {_joined(violations)}'
            raise failures.forbidden(request.resource, request.name, reason)
        self._warn(request, policy, metadata, spec)

    def _workload(self, request: AdmissionRequest) -> None:
        template: Any = request.obj
        for field in _TEMPLATES[request.resource.group, request.resource.plural]:
            template = (template or {}).get(field)
        if template and template.get("spec"):
            policy = self._policy(request.namespace)
            metadata, spec = template.get("metadata") or {}, template["spec"]
            self._note(request, policy, metadata, spec)
            self._warn(request, policy, metadata, spec)

    @staticmethod
    def _note(request: AdmissionRequest, policy: Policy, metadata: Object, spec: Object) -> None:
        """Write into the audit record what the level for auditing would refuse."""
        if request.note is None:
            return
        violations = evaluate(policy.audit, metadata, spec)
        if violations:
            request.note(
                f"{PREFIX}audit-violations", f'would violate PodSecurity "{policy.audit}": {_joined(violations)}'
            )

    @staticmethod
    def _warn(request: AdmissionRequest, policy: Policy, metadata: Object, spec: Object) -> None:
        violations = evaluate(policy.warn, metadata, spec)
        if violations:
            request.warn(f'would violate PodSecurity "{policy.warn}": {_joined(violations)}')

    def _namespace(self, request: AdmissionRequest) -> None:
        assert request.obj is not None
        policy, problems = Policy.from_labels(request.obj["metadata"].get("labels") or {})
        old, old_problems = Policy.from_labels(((request.old or {}).get("metadata") or {}).get("labels") or {})
        if problems and (request.operation == "CREATE" or problems != old_problems):
            errors = [
                FieldError(
                    "FieldValueInvalid", f"metadata.labels[{label}]", f"Invalid value: {quoted(value)}: {detail}"
                )
                for label, value, detail in problems
            ]
            raise failures.invalid_object(request.resource, request.name, errors)
        if request.operation == "UPDATE" and _is_stricter(policy.enforce, old.enforce):
            self._warn_of_pods(request, policy.enforce)

    def _warn_of_pods(self, request: AdmissionRequest, level: LevelVersion) -> None:
        """Say which pods of the namespace the new level would refuse."""
        groups: dict[str, list[str]] = {}
        for index, pod in enumerate(self.core.all("", "pods", request.name)):
            if index >= _CHECKED:
                break
            violations = evaluate(level, pod["metadata"], pod["spec"])
            if violations:
                reasons = ", ".join(violation.reason for violation in violations)
                groups.setdefault(reasons, []).append(pod["metadata"]["name"])
        if not groups:
            return
        request.warn(f'existing pods in namespace "{request.name}" violate the new PodSecurity enforce level "{level}"')
        for reasons, names in sorted(groups.items(), key=lambda item: item[1][0]):
            others = len(names) - 1
            more = f" (and {others} other pod{'s' if others > 1 else ''})" if others else ""
            request.warn(f"{names[0]}{more}: {reasons}")


def _is_stricter(new: LevelVersion, old: LevelVersion) -> bool:
    return new != old and new.level != "privileged" and not (new.level == "baseline" and old.level == "restricted")


def _is_insignificant(new: Object, old: Object, subresource: str) -> bool:
    """Whether an update of a pod changes nothing that the checks look at: all but images and annotations that count."""
    if subresource:
        return False
    fields = ("initContainers", "containers", "ephemeralContainers")
    for field in fields:
        before, after = (old.get("spec") or {}).get(field) or [], new["spec"].get(field) or []
        if len(before) != len(after):
            return False
        if any(one.get("image") != other.get("image") for one, other in zip(before, after, strict=True)):
            return False
    return True


def _joined(violations: list[Violation]) -> str:
    return ", ".join(str(violation) for violation in violations)
