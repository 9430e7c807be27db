"""What machines and nodes of a provisioned cluster may do, beyond upstream's rules. As data.

Tokens of machines may ask for a certificate and read how to join; nothing approves a first certificate by itself: that
takes the cloud's word that there is such a machine. Nodes renew their own, and read what proxy and policies need.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from cloudk8s.client.interface import Client, Object, Resource
from cloudk8s.client.resources import CLUSTER_ROLE_BINDINGS, CLUSTER_ROLES, ROLE_BINDINGS, ROLES
from cloudk8s.controllers.bootstrap_signer import IN_NAMESPACE, NAME
from cloudk8s.errors import AlreadyExists

MACHINES: Final = "system:bootstrappers:cloudk8s:machines"
"""The group of machines that have not joined yet."""
_GROUP: Final = "rbac.authorization.k8s.io"
_READ: Final = ("get", "list", "watch")


async def ensure_rules(client: Client) -> None:
    """Make what is missing; idempotent."""
    for resource, obj in rules():
        try:
            await client.create(resource, obj, namespace=obj["metadata"].get("namespace", ""))
        except AlreadyExists:
            await client.update(resource, obj)


def rules() -> list[tuple[Resource, Object]]:
    """Roles and bindings."""
    network = [
        _rule("", _READ, "pods", "namespaces", "nodes", "services", "endpoints"),
        _rule("networking.k8s.io", _READ, "networkpolicies", "servicecidrs"),
        _rule("discovery.k8s.io", _READ, "endpointslices"),
    ]
    info = _rule("", ("get",), "configmaps", names=[NAME])
    return [
        (CLUSTER_ROLES, _object("ClusterRole", "cloudk8s:node-network", rules=network)),
        (CLUSTER_ROLE_BINDINGS, _binding("cloudk8s:node-network", "cloudk8s:node-network", "system:nodes")),
        (CLUSTER_ROLE_BINDINGS, _binding("cloudk8s:machine-bootstrap", "system:node-bootstrapper", MACHINES)),
        (CLUSTER_ROLE_BINDINGS, _binding("cloudk8s:node-renewal", _SELF, "system:nodes")),
        (ROLES, _object("Role", "cloudk8s:cluster-info", IN_NAMESPACE, rules=[info])),
        (ROLE_BINDINGS, _local_binding("cloudk8s:cluster-info", "system:unauthenticated", MACHINES)),
        (ROLES, _object("Role", "cloudk8s:join", IN_NAMESPACE, rules=[_rule("", ("get",), "configmaps")])),
        (ROLE_BINDINGS, _local_binding("cloudk8s:join", MACHINES)),
    ]


_SELF: Final = "system:certificates.k8s.io:certificatesigningrequests:selfnodeclient"


def _object(kind: str, name: str, namespace: str = "", **fields: Any) -> Object:
    metadata = {"name": name, **({"namespace": namespace} if namespace else {})}
    return {"apiVersion": f"{_GROUP}/v1", "kind": kind, "metadata": metadata, **fields}


def _rule(group: str, verbs: Sequence[str], *resources: str, names: Sequence[str] = ()) -> Object:
    rule = {"apiGroups": [group], "resources": list(resources), "verbs": list(verbs)}
    return {**rule, "resourceNames": list(names)} if names else rule


def _binding(name: str, role: str, *groups: str) -> Object:
    return _object("ClusterRoleBinding", name, roleRef=_reference("ClusterRole", role), subjects=_groups(groups))


def _local_binding(role: str, *groups: str) -> Object:
    return _object("RoleBinding", role, IN_NAMESPACE, roleRef=_reference("Role", role), subjects=_groups(groups))


def _reference(kind: str, name: str) -> Object:
    return {"apiGroup": _GROUP, "kind": kind, "name": name}


def _groups(names: Sequence[str]) -> list[Object]:
    return [{"apiGroup": _GROUP, "kind": "Group", "name": name} for name in names]
