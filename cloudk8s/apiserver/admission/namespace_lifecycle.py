"""NamespaceLifecycle: nothing is created in a namespace that is absent or going; four namespaces stay."""

from __future__ import annotations

from typing import Final

from cloudk8s.api.resource import ResourceType
from cloudk8s.apiserver import failures
from cloudk8s.apiserver.admission.interface import AdmissionPlugin, AdmissionRequest, Operation
from cloudk8s.errors import Cause, Forbidden

_IMMORTAL: Final = frozenset({"default", "kube-system", "kube-public"})
_REVIEWS: Final = frozenset({"localsubjectaccessreviews"})


class NamespaceLifecycle(AdmissionPlugin):
    """Upstream's plugin of that name."""

    name = "NamespaceLifecycle"

    def interested(self, resource: ResourceType, subresource: str, operation: Operation) -> bool:
        if resource.plural == "namespaces" and not resource.group:
            return operation == "DELETE"
        return operation == "CREATE" and resource.namespaced and resource.plural not in _REVIEWS

    def admit(self, request: AdmissionRequest) -> None:
        if request.operation == "DELETE":
            if request.name in _IMMORTAL:
                raise failures.forbidden(request.resource, request.name, "this namespace may not be deleted")
            return
        namespace = self.core.find("", "namespaces", request.namespace)
        if namespace is None:
            raise failures.not_found(self.core.resource("", "namespaces"), request.namespace)
        if namespace["metadata"].get("deletionTimestamp") or _is_terminating(namespace):
            raise self._terminating(request)

    @staticmethod
    def _terminating(request: AdmissionRequest) -> Forbidden:
        reason = f"unable to create new content in namespace {request.namespace} because it is being terminated"
        error = failures.forbidden(request.resource, request.name, reason)
        cause = Cause(
            "NamespaceTerminating", f"namespace {request.namespace} is being terminated", "metadata.namespace"
        )
        return Forbidden(error.message, details=error.details, causes=[cause])


def _is_terminating(namespace: dict[str, dict[str, str]]) -> bool:
    return namespace.get("status", {}).get("phase") == "Terminating"
