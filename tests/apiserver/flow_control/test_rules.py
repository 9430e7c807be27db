"""Which requests a FlowSchema is about."""

from __future__ import annotations

from typing import Any

import pytest

from cloudk8s.apiserver.authentication.user import UserInfo
from cloudk8s.apiserver.flow_control.rules import Digest, distinguisher, matches
from cloudk8s.apiserver.request_info import parse_path

ANN = UserInfo("ann", groups=("devs",))
BUILDER = UserInfo("system:serviceaccount:ci:builder")
EVERYTHING = {"verbs": ["*"], "apiGroups": ["*"], "resources": ["*"], "namespaces": ["*"], "clusterScope": True}


def user(name: str) -> dict[str, Any]:
    return {"kind": "User", "user": {"name": name}}


def group(name: str) -> dict[str, Any]:
    return {"kind": "Group", "group": {"name": name}}


def account(namespace: str, name: str) -> dict[str, Any]:
    return {"kind": "ServiceAccount", "serviceAccount": {"namespace": namespace, "name": name}}


@pytest.mark.parametrize(
    ("subject", "who", "expected"),
    [
        (user("ann"), ANN, True),
        (user("*"), ANN, True),
        (user("bob"), ANN, False),
        (group("devs"), ANN, True),
        (group("*"), ANN, True),
        (group("ops"), ANN, False),
        (account("ci", "builder"), BUILDER, True),
        (account("ci", "*"), BUILDER, True),
        (account("cd", "*"), BUILDER, False),
        (account("ci", "*"), ANN, False),
    ],
)
def test_subjects(subject: dict[str, Any], who: UserInfo, expected: bool) -> None:
    spec = {"rules": [{"subjects": [subject], "resourceRules": [EVERYTHING]}]}
    assert matches(spec, Digest(who, "get", parse_path("/api/v1/nodes"))) is expected


@pytest.mark.parametrize(
    ("rule", "verb", "path", "expected"),
    [
        ({}, "list", "/apis/apps/v1/namespaces/a/deployments", True),
        ({"verbs": ["get"]}, "list", "/apis/apps/v1/namespaces/a/deployments", False),
        ({"apiGroups": ["apps"]}, "list", "/apis/apps/v1/namespaces/a/deployments", True),
        ({"apiGroups": [""]}, "list", "/apis/apps/v1/namespaces/a/deployments", False),
        ({"resources": ["pods/log"]}, "get", "/api/v1/namespaces/a/pods/x/log", True),
        ({"resources": ["pods"]}, "get", "/api/v1/namespaces/a/pods/x/log", False),
        ({"namespaces": ["a"]}, "get", "/api/v1/namespaces/a/pods/x", True),
        ({"namespaces": ["b"]}, "get", "/api/v1/namespaces/a/pods/x", False),
        ({"clusterScope": False}, "list", "/api/v1/pods", False),
        ({"namespaces": []}, "list", "/api/v1/pods", True),
        ({}, "get", "/healthz", False),
    ],
)
def test_resource_rules(rule: dict[str, Any], verb: str, path: str, expected: bool) -> None:
    spec = {"rules": [{"subjects": [user("ann")], "resourceRules": [EVERYTHING | rule]}]}
    assert matches(spec, Digest(ANN, verb, parse_path(path))) is expected


@pytest.mark.parametrize(
    ("urls", "expected"), [(["*"], True), (["/healthz"], True), (["/health*"], True), (["/livez", "/healthz/*"], False)]
)
def test_paths_that_are_no_resources(urls: list[str], expected: bool) -> None:
    rule = {"subjects": [user("ann")], "nonResourceRules": [{"verbs": ["get"], "nonResourceURLs": urls}]}
    assert matches({"rules": [rule]}, Digest(ANN, "get", parse_path("/healthz"))) is expected


def test_flows_are_told_apart_by_user_or_namespace() -> None:
    digest = Digest(ANN, "get", parse_path("/api/v1/namespaces/a/pods/x"))
    assert distinguisher({"distinguisherMethod": {"type": "ByUser"}}, digest) == "ann"
    assert distinguisher({"distinguisherMethod": {"type": "ByNamespace"}}, digest) == "a"
    assert distinguisher({}, digest) == ""
