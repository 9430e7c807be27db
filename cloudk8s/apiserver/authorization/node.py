"""The Node authorizer: a kubelet may reach what concerns its node, and nothing else.

It looks along references when it is asked (node ← pod ← secret, claim, volume …) instead of keeping a graph: asking is
rare, pods are many, and what is stored is in memory anyway.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final

from cloudk8s.apiserver.authentication.interface import Lookup
from cloudk8s.apiserver.authentication.user import UserInfo, node_name
from cloudk8s.apiserver.authorization.interface import ALLOWED, NO_OPINION, Attributes, Decision, RuleList
from cloudk8s.apiserver.authorization.node_references import Reference, pod_references, volume_secrets
from cloudk8s.apiserver.authorization.policy import NODE_RULES
from cloudk8s.apiserver.authorization.rule import compiled

PodsOnNode = Callable[[str], Iterable[Mapping[str, Any]]]
"""The pods whose `spec.nodeName` is that node."""

_STORAGE: Final = "storage.k8s.io"
_RESOURCE: Final = "resource.k8s.io"
_REMEMBERED: Final = 50_000
_OWN: Final = frozenset({"get", "create", "update", "patch", "delete"})


class NodeAuthorizer:
    """Fulfils `Authorizer`."""

    def __init__(self, lookup: Lookup, pods_on_node: PodsOnNode, *, by_selectors: bool = True) -> None:
        """With `by_selectors` kubelets read their own node and its pods only, as since 1.32; all of them before."""
        self._by_selectors = by_selectors
        self._lookup = lookup
        self._pods_on_node = pods_on_node
        self._rules = compiled(NODE_RULES)
        self._references: dict[tuple[str, str], frozenset[Reference]] = {}
        self._special: Mapping[tuple[str, str], Callable[[str, Attributes], Decision]] = {
            ("", "secrets"): self._read,
            ("", "configmaps"): self._read,
            ("", "persistentvolumeclaims"): self._claim,
            ("", "persistentvolumes"): self._get,
            (_RESOURCE, "resourceclaims"): self._get,
            (_STORAGE, "volumeattachments"): self._get,
            ("", "serviceaccounts"): self._service_account,
            ("coordination.k8s.io", "leases"): _lease,
            (_STORAGE, "csinodes"): _csi_node,
            (_RESOURCE, "resourceslices"): self._resource_slice,
            **({("", "nodes"): _node, ("", "pods"): self._pod} if by_selectors else {}),
        }

    def authorize(self, attributes: Attributes) -> Decision:
        node = node_name(attributes.user)
        if not node:
            return NO_OPINION
        special = self._special.get((attributes.group, attributes.resource))
        if special is not None and not attributes.path:
            return special(node, attributes)
        return ALLOWED if any(rule.matches(attributes) for rule in self._rules) else NO_OPINION

    def rules_for(self, user: UserInfo, namespace: str) -> RuleList:
        """A node's rules depend on what runs on it, so they cannot be listed."""
        if not node_name(user):
            return RuleList(())
        return RuleList((), ("node authorizer does not support user rule resolution",), is_complete=False)

    # What each resource allows.

    def _read(self, node: str, attributes: Attributes) -> Decision:
        if attributes.verb not in ("get", "list", "watch"):
            return _no("can only read resources of this type")
        if attributes.subresource:
            return _no("cannot read subresource")
        if not attributes.namespace:
            return _no("can only read namespaced object of this type")
        return self._related(node, attributes)

    def _get(self, node: str, attributes: Attributes) -> Decision:
        if attributes.verb != "get":
            return _no("can only get individual resources of this type")
        if attributes.subresource:
            return _no("cannot get subresource")
        return self._related(node, attributes)

    def _claim(self, node: str, attributes: Attributes) -> Decision:
        if attributes.subresource != "status":
            return self._get(node, attributes)
        if attributes.verb not in ("update", "patch"):
            return _no("can only get/update/patch this type")
        return self._related(node, attributes)

    def _service_account(self, node: str, attributes: Attributes) -> Decision:
        if attributes.verb == "get" and not attributes.subresource:
            return self._get(node, attributes)
        if attributes.verb != "create" or not attributes.name:
            return _no("can only create tokens for individual service accounts")
        if attributes.subresource != "token":
            return _no("can only create token subresource of serviceaccount")
        return self._related(node, attributes)

    def _resource_slice(self, node: str, attributes: Attributes) -> Decision:
        if attributes.subresource:
            return _no("cannot authorize ResourceSlice subresources")
        if attributes.verb == "create":
            return ALLOWED
        if attributes.verb in _OWN:
            return self._related(node, attributes)
        if not self._by_selectors or ("spec.nodeName", node) in attributes.field_selector:
            return ALLOWED
        return _no("can only list/watch/deletecollection resourceslices with nodeName field selector")

    def _pod(self, node: str, attributes: Attributes) -> Decision:
        what = (attributes.subresource, attributes.verb)
        if what == ("", "get"):
            return self._get(node, attributes)
        if what in (("", "list"), ("", "watch")):
            if ("spec.nodeName", node) in attributes.field_selector:
                return ALLOWED
            if attributes.name:
                return self._related(node, attributes)
            return _no("can only list/watch pods with spec.nodeName field selector")
        allowed = {("", "create"), ("", "delete"), ("status", "update"), ("status", "patch"), ("eviction", "create")}
        return ALLOWED if what in allowed else NO_OPINION

    # Whether an object has to do with the node.

    def _related(self, node: str, attributes: Attributes) -> Decision:
        if not attributes.name:
            return _no("No Object name found")
        if self._is_related(node, attributes.group, attributes.resource, attributes.namespace, attributes.name):
            return ALLOWED
        return _no(f"no relationship found between node '{node}' and this object")

    def _is_related(self, node: str, group: str, resource: str, namespace: str, name: str) -> bool:
        if resource == "persistentvolumes":
            return self._volume_is_related(node, self._lookup("", resource, name, ""))
        if resource in ("volumeattachments", "resourceslices"):
            stored = self._lookup(group, resource, name, "") or {}
            return node in (stored.get("spec", {}).get("nodeName"), stored.get("nodeName"))
        if self._pods_use(node, resource, namespace, name):
            return True
        return resource == "secrets" and self._volumes_use_secret(node, namespace, name)

    def _pods_use(self, node: str, resource: str, namespace: str, name: str) -> bool:
        wanted = (resource, namespace, name)
        return any(wanted in self._references_of(pod) for pod in self._pods_on_node(node))

    def _references_of(self, pod: Mapping[str, Any]) -> frozenset[Reference]:
        key = (pod["metadata"].get("uid", ""), pod["metadata"].get("resourceVersion", ""))
        found = self._references.get(key)
        if found is None:
            if len(self._references) >= _REMEMBERED:
                self._references.clear()
            found = self._references[key] = pod_references(pod)
        return found

    def _volume_is_related(self, node: str, volume: Mapping[str, Any] | None) -> bool:
        claim = (volume or {}).get("spec", {}).get("claimRef") or {}
        found = (claim.get("namespace", ""), claim.get("name", ""))
        return all(found) and self._pods_use(node, "persistentvolumeclaims", *found)

    def _volumes_use_secret(self, node: str, namespace: str, name: str) -> bool:
        """Secrets that mount a volume which a pod's claim is bound to."""
        claims = {
            (where, which)
            for pod in self._pods_on_node(node)
            for resource, where, which in self._references_of(pod)
            if resource == "persistentvolumeclaims"
        }
        for where, which in claims:
            claim = self._lookup("", "persistentvolumeclaims", which, where) or {}
            volume = self._lookup("", "persistentvolumes", claim.get("spec", {}).get("volumeName", ""), "")
            if volume is not None and (namespace, name) in volume_secrets(volume):
                return True
        return False


def _node(node: str, attributes: Attributes) -> Decision:
    what = (attributes.subresource, attributes.verb)
    writes = {("", "create"), ("", "update"), ("", "patch"), ("status", "update"), ("status", "patch")}
    if what in writes:
        return ALLOWED
    if attributes.subresource or attributes.verb not in ("get", "list", "watch"):
        return NO_OPINION
    if attributes.name == node:
        return ALLOWED
    if not attributes.name:
        return _no(f"node '{node}' cannot read all nodes, only its own Node object")
    return _no(f"node '{node}' cannot read '{attributes.name}', only its own Node object")


def _lease(node: str, attributes: Attributes) -> Decision:
    if attributes.verb not in _OWN:
        return _no("can only get, create, update, patch, or delete a node lease")
    if attributes.namespace != "kube-node-lease":
        return _no('can only access leases in the "kube-node-lease" system namespace')
    if attributes.verb != "create" and attributes.name != node:
        return _no("can only access node lease with the same name as the requesting node")
    return ALLOWED


def _csi_node(node: str, attributes: Attributes) -> Decision:
    if attributes.verb not in _OWN:
        return _no("can only get, create, update, patch, or delete a CSINode")
    if attributes.subresource:
        return _no("cannot authorize CSINode subresources")
    if attributes.verb != "create" and attributes.name != node:
        return _no("can only access CSINode with the same name as the requesting node")
    return ALLOWED


def _no(reason: str) -> Decision:
    return Decision("no opinion", reason)
