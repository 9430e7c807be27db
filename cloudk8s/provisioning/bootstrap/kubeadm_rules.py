"""What machines with our tokens may do in a cluster of kubeadm's: ask for a certificate, and read how to join. Pure.

Nothing approves their requests by itself: whoever knows the cloud does. kubeadm gives what it makes other names in
versions before 1.24.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from cloudk8s.controlplane.machine.rules import MACHINES

UNVERSIONED: Final = 24
"""The minor version since which the kubelets' configuration has no version in its name."""
APART: Final = 29
"""The minor version since which administrators have what a binding gives them, and super-administrators all."""
_GROUP: Final = "rbac.authorization.k8s.io"


def rules(minor: int) -> list[Mapping[str, Any]]:
    """Bindings, for one minor version."""
    admins = "kubeadm:cluster-admins"
    configuration = "kubeadm:kubelet-config" + ("" if minor >= UNVERSIONED else f"-1.{minor}")
    return [
        _binding("ClusterRoleBinding", "ClusterRole", "system:node-bootstrapper"),
        _binding("ClusterRoleBinding", "ClusterRole", "kubeadm:get-nodes"),
        _binding("RoleBinding", "Role", "kubeadm:nodes-kubeadm-config", "kube-system"),
        _binding("RoleBinding", "Role", configuration, "kube-system"),
        _binding("RoleBinding", "Role", "kube-proxy", "kube-system"),
        *([_bound("ClusterRoleBinding", admins, "ClusterRole", "cluster-admin", admins)] if minor >= APART else ()),
    ]


def administrator(minor: int) -> str:
    """Which of kubeadm's kubeconfigs may do all, in a cluster of any version."""
    return "super-admin" if minor >= APART else "admin"


def _binding(kind: str, role_kind: str, role: str, namespace: str = "") -> Mapping[str, Any]:
    return _bound(kind, f"cloudk8s:{role.rpartition(':')[2]}", role_kind, role, MACHINES, namespace)


def _bound(kind: str, name: str, role_kind: str, role: str, group: str, namespace: str = "") -> Mapping[str, Any]:
    return {
        "apiVersion": f"{_GROUP}/v1",
        "kind": kind,
        "metadata": {"name": name, **({"namespace": namespace} if namespace else {})},
        "roleRef": {"apiGroup": _GROUP, "kind": role_kind, "name": role},
        "subjects": [{"apiGroup": _GROUP, "kind": "Group", "name": group}],
    }
