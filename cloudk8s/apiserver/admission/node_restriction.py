"""NodeRestriction: a kubelet changes its own node, and the pods on it, and nothing else.

The Node authorizer decides what a kubelet may reach; what it may write there depends on the content, and that is seen
here.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from cloudk8s.api.resource import ResourceType
from cloudk8s.apiserver import failures
from cloudk8s.apiserver.admission.interface import AdmissionPlugin, AdmissionRequest, Operation
from cloudk8s.apiserver.admission.mirror_pods import check_mirror_pod
from cloudk8s.apiserver.admission.node_labels import forbidden_labels
from cloudk8s.apiserver.authentication.user import node_name
from cloudk8s.apiserver.authorization.refusal import quoted

_VOLATILE = ("capacity", "conditions", "allocatedResourceStatuses", "allocatedResources")


class NodeRestriction(AdmissionPlugin):
    """Upstream's plugin of that name."""

    name = "NodeRestriction"

    def __init__(self) -> None:
        self._checks: Mapping[tuple[str, str], Callable[[AdmissionRequest, str], str]] = {
            ("", "pods"): self._pod,
            ("", "nodes"): _node,
            ("", "persistentvolumeclaims"): _claim,
            ("", "serviceaccounts"): self._token,
            ("coordination.k8s.io", "leases"): _lease,
            ("storage.k8s.io", "csinodes"): _csi_node,
            ("resource.k8s.io", "resourceslices"): _resource_slice,
        }

    def interested(self, resource: ResourceType, subresource: str, operation: Operation) -> bool:
        return (resource.group, resource.plural) in self._checks and operation != "CONNECT"

    def admit(self, request: AdmissionRequest) -> None:
        node = node_name(request.user)
        if not node:
            return
        resource = request.resource
        problem = self._checks[resource.group, resource.plural](request, node)
        if problem:
            raise failures.forbidden(resource, request.name, problem)

    def _pod(self, request: AdmissionRequest, node: str) -> str:
        if request.subresource == "status":
            return _pod_status(request, node)
        if request.subresource == "eviction":
            pod = self.core.find("", "pods", request.name, request.namespace)
            is_own = pod is None or pod["spec"].get("nodeName") == node
            return "" if is_own else f"node {node} can only evict pods with spec.nodeName set to itself"
        if request.subresource:
            subresource = quoted(request.subresource)
            return f"unexpected pod subresource {subresource}, only 'status' and 'eviction' are allowed"
        if request.operation == "CREATE" and request.obj is not None:
            return check_mirror_pod(request.obj, node, self.core.find("", "nodes", node))
        if request.operation == "DELETE":
            is_own = (request.old or {}).get("spec", {}).get("nodeName") == node
            return "" if is_own else f"node {quoted(node)} can only delete pods with spec.nodeName set to itself"
        operation = quoted(request.operation)
        return f"unexpected operation {operation}, node {quoted(node)} can only create and delete mirror pods"

    def _token(self, request: AdmissionRequest, node: str) -> str:
        if request.operation != "CREATE" or request.subresource != "token":
            return ""
        bound = ((request.obj or {}).get("spec") or {}).get("boundObjectRef") or {}
        if (bound.get("apiVersion"), bound.get("kind")) != ("v1", "Pod") or not bound.get("name"):
            return "node requested token not bound to a pod"
        if not bound.get("uid"):
            return "node requested token with a pod binding without a uid"
        pod = self.core.find("", "pods", bound["name"], request.namespace)
        if pod is None:
            raise failures.not_found(self.core.resource("", "pods"), bound["name"])
        if bound["uid"] != pod["metadata"]["uid"]:
            return (
                f"the UID in the bound object reference ({bound['uid']}) does not match the UID in record. "
                "The object might have been deleted and then recreated"
            )
        is_own = pod["spec"].get("nodeName") == node
        return "" if is_own else "node requested token bound to a pod scheduled on a different node"


def _pod_status(request: AdmissionRequest, node: str) -> str:
    old, new = request.old or {}, request.obj or {}
    if request.operation != "UPDATE":
        return f"unexpected operation {quoted(request.operation)}"
    if old["spec"].get("nodeName") != node:
        return f"node {quoted(node)} can only update pod status for pods with spec.nodeName set to itself"
    if (old["metadata"].get("labels") or {}) != (new["metadata"].get("labels") or {}):
        return f"node {quoted(node)} cannot update labels through pod status"
    if _claim_statuses(old) != _claim_statuses(new):
        return f"node {quoted(node)} cannot update resource claim statues"
    return ""


def _claim_statuses(pod: Mapping[str, Any]) -> list[tuple[Any, Any]]:
    statuses = (pod.get("status") or {}).get("resourceClaimStatuses") or ()
    return [(each.get("name"), each.get("resourceClaimName")) for each in statuses]


def _node(request: AdmissionRequest, node: str) -> str:
    who = f"node {quoted(node)}"
    if request.name != node:
        return f"{who} is not allowed to modify node {quoted(request.name)}"
    if request.operation == "DELETE":
        return ""
    new, old = request.obj or {}, request.old or {}
    refused = ", ".join(forbidden_labels(_labels(new), _labels(old)))
    if request.operation == "CREATE":
        return f"{who} is not allowed to set the following labels: {refused}" if refused else ""
    if (new.get("spec") or {}).get("taints") != (old.get("spec") or {}).get("taints"):
        return f"{who} is not allowed to modify taints"
    if (new["metadata"].get("ownerReferences") or []) != (old["metadata"].get("ownerReferences") or []):
        return f"{who} is not allowed to modify ownerReferences"
    return f"is not allowed to modify labels: {refused}" if refused else ""


def _labels(node: Mapping[str, Any]) -> Mapping[str, str]:
    return node.get("metadata", {}).get("labels") or {}


def _claim(request: AdmissionRequest, node: str) -> str:
    if request.subresource != "status":
        return "may only update PVC status"
    if request.operation != "UPDATE":
        return f"unexpected operation {quoted(request.operation)}"
    if _settled(request.obj or {}) == _settled(request.old or {}):
        return ""
    return f"node {quoted(node)} is not allowed to update fields other than status.capacity and status.conditions"


def _settled(claim: Mapping[str, Any]) -> Mapping[str, Any]:
    """The claim without what a node may change."""
    ignored = ("resourceVersion", "managedFields")
    metadata = {key: value for key, value in claim["metadata"].items() if key not in ignored}
    status = {key: value for key, value in (claim.get("status") or {}).items() if key not in _VOLATILE}
    return {**claim, "metadata": metadata, "status": status}


def _lease(request: AdmissionRequest, node: str) -> str:
    if request.namespace != "kube-node-lease":
        return 'can only access leases in the "kube-node-lease" system namespace'
    is_own = request.name == node
    return "" if is_own else "can only access node lease with the same name as the requesting node"


def _csi_node(request: AdmissionRequest, node: str) -> str:
    is_own = request.name == node
    return "" if is_own else "can only access CSINode with the same name as the requesting node"


def _resource_slice(request: AdmissionRequest, node: str) -> str:
    verb = {"CREATE": "create", "DELETE": "delete"}.get(request.operation)
    slice_ = request.obj if request.operation == "CREATE" else request.old
    if verb is None or ((slice_ or {}).get("spec") or {}).get("nodeName") == node:
        return ""
    return f"can only {verb} ResourceSlice with the same NodeName as the requesting node"
