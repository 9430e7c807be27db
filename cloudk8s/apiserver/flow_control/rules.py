"""Whether a FlowSchema is about a request (upstream's `apiserver/pkg/util/flowcontrol/rule.go`)."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any, Final

from cloudk8s.apiserver.authentication.user import UserInfo, service_account_name, split_service_account
from cloudk8s.apiserver.request_info import RequestInfo

_ALL: Final = "*"


@dataclass(frozen=True, slots=True)
class Digest:
    """What schemas look at: who asks, for what."""

    user: UserInfo
    verb: str
    info: RequestInfo


def matches(spec: Mapping[str, Any], digest: Digest) -> bool:
    """Whether one of the rules names the user and what is asked for."""
    return any(_matches_rule(rule, digest) for rule in spec.get("rules") or ())


def distinguisher(spec: Mapping[str, Any], digest: Digest) -> str:
    """What tells the flows of a schema apart."""
    method = (spec.get("distinguisherMethod") or {}).get("type")
    return digest.user.name if method == "ByUser" else digest.info.namespace if method == "ByNamespace" else ""


def _matches_rule(rule: Mapping[str, Any], digest: Digest) -> bool:
    if not any(_matches_subject(subject, digest.user) for subject in rule.get("subjects") or ()):
        return False
    if digest.info.is_resource:
        return any(_matches_resource(item, digest) for item in rule.get("resourceRules") or ())
    return any(_matches_path(item, digest) for item in rule.get("nonResourceRules") or ())


def _matches_subject(subject: Mapping[str, Any], user: UserInfo) -> bool:
    kind = subject.get("kind")
    if kind == "User":
        return (subject.get("user") or {}).get("name") in (_ALL, user.name)
    if kind == "Group":
        name = (subject.get("group") or {}).get("name")
        return name == _ALL or name in user.groups
    account = subject.get("serviceAccount") or {}
    namespace, name = account.get("namespace", ""), account.get("name", "")
    if name != _ALL:
        return user.name == service_account_name(namespace, name)
    found = split_service_account(user.name)
    return found is not None and found[0] == namespace


def _matches_resource(rule: Mapping[str, Any], digest: Digest) -> bool:
    info = digest.info
    resource = f"{info.resource}/{info.subresource}" if info.subresource else info.resource
    if not (
        _has(rule.get("verbs"), digest.verb)
        and _has(rule.get("apiGroups"), info.group)
        and _has(rule.get("resources"), resource)
    ):
        return False
    return _has(rule.get("namespaces"), info.namespace) if info.namespace else bool(rule.get("clusterScope"))


def _matches_path(rule: Mapping[str, Any], digest: Digest) -> bool:
    path = digest.info.path
    return _has(rule.get("verbs"), digest.verb) and any(
        url in (_ALL, path) or (url.endswith("*") and path.startswith(url[:-1]))
        for url in rule.get("nonResourceURLs") or ()
    )


def _has(names: Collection[str] | None, wanted: str) -> bool:
    return names is not None and (wanted in names or _ALL in names)
