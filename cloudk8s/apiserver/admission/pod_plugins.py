"""The small plugins that complete a new pod: priority, default tolerations."""

from __future__ import annotations

from typing import Any, Final

from cloudk8s.api.resource import Object, ResourceType
from cloudk8s.apiserver import failures
from cloudk8s.apiserver.admission.interface import AdmissionPlugin, AdmissionRequest, Operation

_SECONDS: Final = 300
_TAINTS: Final = ("node.kubernetes.io/not-ready", "node.kubernetes.io/unreachable")


class Priority(AdmissionPlugin):
    """Resolve a pod's priority class to its value."""

    name = "Priority"

    def interested(self, resource: ResourceType, subresource: str, operation: Operation) -> bool:
        return is_pod(resource) and not subresource and operation in ("CREATE", "UPDATE")

    def admit(self, request: AdmissionRequest) -> None:
        assert request.obj is not None
        spec: dict[str, Any] = request.obj["spec"]
        if request.operation == "UPDATE":
            old = (request.old or {}).get("spec", {})
            for field in ("priority", "preemptionPolicy"):
                if spec.get(field) is None and old.get(field) is not None:
                    spec[field] = old[field]
            return
        value, policy = self._resolve(request, spec)
        if spec.get("priority") is not None and spec["priority"] != value:
            reason = (
                f"the integer value of priority ({spec['priority']}) must not be provided in pod spec; "
                f"priority admission controller computed {value} from the given PriorityClass name"
            )
            raise failures.forbidden(request.resource, request.name, reason)
        if spec.get("preemptionPolicy") is not None and spec["preemptionPolicy"] != policy:
            reason = (
                f"the string value of PreemptionPolicy ({spec['preemptionPolicy']}) must not be provided in pod spec; "
                f"priority admission controller computed {policy} from the given PriorityClass name"
            )
            raise failures.forbidden(request.resource, request.name, reason)
        spec["priority"], spec["preemptionPolicy"] = value, policy

    def _resolve(self, request: AdmissionRequest, spec: dict[str, Any]) -> tuple[int, str]:
        name = spec.get("priorityClassName") or ""
        found = self._default() if not name else self.core.find("scheduling.k8s.io", "priorityclasses", name)
        if found is None:
            if name:
                reason = f"no PriorityClass with name {name} was found"
                raise failures.forbidden(request.resource, request.name, reason)
            return 0, "PreemptLowerPriority"
        if not name:
            spec["priorityClassName"] = found["metadata"]["name"]
        return int(found.get("value", 0)), found.get("preemptionPolicy") or "PreemptLowerPriority"

    def _default(self) -> Object | None:
        classes = self.core.few("scheduling.k8s.io", "priorityclasses")
        defaults = [item for item in classes if item.get("globalDefault")]
        return min(defaults, key=lambda item: int(item["value"]), default=None)


class DefaultTolerationSeconds(AdmissionPlugin):
    """Let pods stay five minutes on a node that is not ready or not reachable."""

    name = "DefaultTolerationSeconds"

    def interested(self, resource: ResourceType, subresource: str, operation: Operation) -> bool:
        return is_pod(resource) and not subresource and operation in ("CREATE", "UPDATE")

    def admit(self, request: AdmissionRequest) -> None:
        assert request.obj is not None
        spec: dict[str, Any] = request.obj["spec"]
        tolerations: list[dict[str, Any]] = spec.get("tolerations") or []
        for taint in _TAINTS:
            if any(_tolerates(item, taint) for item in tolerations):
                continue
            added = {"key": taint, "operator": "Exists", "effect": "NoExecute", "tolerationSeconds": _SECONDS}
            tolerations = [*tolerations, added]
        spec["tolerations"] = tolerations


class TaintNodesByCondition(AdmissionPlugin):
    """A new node is not ready until it says so."""

    name = "TaintNodesByCondition"

    def interested(self, resource: ResourceType, subresource: str, operation: Operation) -> bool:
        return resource.plural == "nodes" and not resource.group and not subresource and operation == "CREATE"

    def admit(self, request: AdmissionRequest) -> None:
        assert request.obj is not None
        spec: dict[str, Any] = request.obj.setdefault("spec", {})
        taint = {"key": "node.kubernetes.io/not-ready", "effect": "NoSchedule"}
        present = spec.get("taints") or []
        if not any((item.get("key"), item.get("effect")) == (taint["key"], taint["effect"]) for item in present):
            spec["taints"] = [*present, taint]


def is_pod(resource: ResourceType) -> bool:
    """Whether the resource is core/v1 pods."""
    return resource.plural == "pods" and not resource.group


def _tolerates(toleration: dict[str, Any], taint: str) -> bool:
    if toleration.get("effect") not in (None, "", "NoExecute"):
        return False
    return toleration.get("key", "") in ("", taint)
