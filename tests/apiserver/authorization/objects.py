"""Roles, bindings and questions in a line each."""

from __future__ import annotations

from typing import Any

from cloudk8s.apiserver.authentication.user import UserInfo
from cloudk8s.apiserver.authorization.interface import Attributes

ANN = UserInfo("ann", groups=("dev", "system:authenticated"))


def rule(verbs: str, resources: str, group: str = "", **fields: Any) -> dict[str, Any]:
    return {"verbs": verbs.split(), "apiGroups": [group], "resources": resources.split(), **fields}


def role(name: str, *rules: dict[str, Any], namespace: str = "") -> dict[str, Any]:
    return {"metadata": {"name": name, "namespace": namespace}, "rules": list(rules)}


def binding(
    name: str, role_name: str, *subjects: tuple[str, ...], namespace: str = "", kind: str = ""
) -> dict[str, Any]:
    keys = ("kind", "name", "namespace")
    return {
        "metadata": {"name": name, "namespace": namespace},
        "roleRef": {"kind": kind or ("Role" if namespace else "ClusterRole"), "name": role_name},
        "subjects": [dict(zip(keys, subject, strict=False)) for subject in subjects],
    }


def ask(verb: str, resource: str, namespace: str = "", name: str = "", user: UserInfo = ANN, **more: Any) -> Attributes:
    plural, _, subresource = resource.partition("/")
    return Attributes(user, verb, resource=plural, subresource=subresource, namespace=namespace, name=name, **more)
