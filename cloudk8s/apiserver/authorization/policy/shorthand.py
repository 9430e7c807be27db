"""Write roles and bindings in a line each."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

Object = dict[str, Any]
Rule = dict[str, Any]

GROUP: Final = "rbac.authorization.k8s.io"
VERSION: Final = f"{GROUP}/v1"
AUTOUPDATE: Final = "rbac.authorization.kubernetes.io/autoupdate"
AGGREGATE: Final = "rbac.authorization.k8s.io/aggregate-to-"

READ = "get list watch"
WRITE = "create update patch delete deletecollection"
READ_WRITE = f"{READ} {WRITE}"
READ_UPDATE = "get list watch update patch"
CORE = ""


def rule(verbs: str, groups: str | Sequence[str], resources: str, *, names: str = "") -> Rule:
    """A rule on resources; words are separated by blanks, and sorted as upstream does."""
    listed = [groups] if isinstance(groups, str) else sorted(groups)
    found: Rule = {"verbs": _words(verbs), "apiGroups": listed, "resources": _words(resources)}
    return found | {"resourceNames": _words(names)} if names else found


def urls(verbs: str, paths: str) -> Rule:
    """A rule on paths that are no resources."""
    return {"verbs": _words(verbs), "nonResourceURLs": _words(paths)}


def cluster_role(name: str, *rules: Rule, aggregates_to: str = "", aggregates: str = "") -> Object:
    """A ClusterRole; with `aggregates` its rules are filled in from roles labelled so."""
    labels = {f"{AGGREGATE}{aggregates_to}": "true"} if aggregates_to else {}
    found: Object = {"apiVersion": VERSION, "kind": "ClusterRole", "metadata": _metadata(name, labels)}
    if aggregates:
        selector = {"matchLabels": {f"{AGGREGATE}{aggregates}": "true"}}
        return found | {"aggregationRule": {"clusterRoleSelectors": [selector]}, "rules": None}
    return found | {"rules": list(rules)}


def role(namespace: str, name: str, *rules: Rule) -> Object:
    metadata = _metadata(name, {}) | {"namespace": namespace}
    return {"apiVersion": VERSION, "kind": "Role", "metadata": metadata, "rules": list(rules)}


def cluster_binding(name: str, *subjects: Object) -> Object:
    """A ClusterRoleBinding to the ClusterRole of the same name."""
    found: Object = {"apiVersion": VERSION, "kind": "ClusterRoleBinding", "metadata": _metadata(name, {})}
    return found | _bound("ClusterRole", name, subjects)


def binding(namespace: str, name: str, role_name: str, *subjects: Object) -> Object:
    """A RoleBinding to a Role of its namespace."""
    metadata = _metadata(name, {}) | {"namespace": namespace}
    found: Object = {"apiVersion": VERSION, "kind": "RoleBinding", "metadata": metadata}
    return found | _bound("Role", role_name, subjects)


def user(name: str) -> Object:
    return {"kind": "User", "apiGroup": GROUP, "name": name}


def group(name: str) -> Object:
    return {"kind": "Group", "apiGroup": GROUP, "name": name}


def service_account(namespace: str, name: str) -> Object:
    return {"kind": "ServiceAccount", "name": name, "namespace": namespace}


def _bound(kind: str, name: str, subjects: Sequence[Object]) -> Object:
    reference = {"apiGroup": GROUP, "kind": kind, "name": name}
    return ({"subjects": list(subjects)} if subjects else {}) | {"roleRef": reference}


def _metadata(name: str, labels: dict[str, str]) -> Object:
    defaults = {"kubernetes.io/bootstrapping": "rbac-defaults"}
    return {"name": name, "labels": defaults | labels, "annotations": {AUTOUPDATE: "true"}}


def _words(text: str) -> list[str]:
    return sorted(text.split())


EVENTS: Final = rule("create update patch", ("", "events.k8s.io"), "events")
