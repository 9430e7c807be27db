from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from cloudk8s.apiserver.authentication.user import UserInfo
from cloudk8s.controlplane.api_server import RunningApiServer, running_api_server
from cloudk8s.errors import BadRequest, Forbidden, Invalid
from cloudk8s.machinery.codec import decode
from cloudk8s.settings import ClusterSettings

RBAC = "/apis/rbac.authorization.k8s.io/v1"
ACCESS = "/apis/authorization.k8s.io/v1"
IDENTITY = "/apis/authentication.k8s.io/v1"
MASTER = UserInfo("root", groups=("system:masters", "system:authenticated"))
ANN = UserInfo("ann", "7", ("system:authenticated",), {"team": ("x",)})
PODS = {"verb": "get", "resource": "pods", "namespace": "default"}


@pytest.fixture
async def server(tmp_path: Path) -> AsyncIterator[RunningApiServer]:
    settings = ClusterSettings(data_dir=tmp_path, port=0, store="memory://")
    async with running_api_server(settings) as running:
        yield running


async def post(server: RunningApiServer, path: str, body: dict[str, Any], user: UserInfo = MASTER) -> Any:
    answer = await server.assembly.local(user, agent="test").call("POST", path, body=body)
    body_ = answer.body if isinstance(answer.body, bytes) else b"".join(answer.body)
    return decode(body_)


async def allow_pods(server: RunningApiServer) -> None:
    rules = [{"verbs": ["get"], "apiGroups": [""], "resources": ["pods"]}]
    await post(server, f"{RBAC}/namespaces/default/roles", {"metadata": {"name": "reader"}, "rules": rules})
    reference = {"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": "reader"}
    subjects = [{"kind": "User", "apiGroup": "rbac.authorization.k8s.io", "name": "ann"}]
    binding = {"metadata": {"name": "ann"}, "roleRef": reference, "subjects": subjects}
    await post(server, f"{RBAC}/namespaces/default/rolebindings", binding)


async def test_access_of_oneself_and_of_others(server: RunningApiServer) -> None:
    question = {"spec": {"resourceAttributes": PODS}}
    refused = await post(server, f"{ACCESS}/selfsubjectaccessreviews", question, ANN)
    assert refused["status"] == {"allowed": False}
    await allow_pods(server)
    reason = 'RBAC: allowed by RoleBinding "ann/default" of Role "reader" to User "ann"'
    allowed = {"allowed": True, "reason": reason}
    assert (await post(server, f"{ACCESS}/selfsubjectaccessreviews", question, ANN))["status"] == allowed
    about_ann = {"spec": {"user": "ann", "resourceAttributes": PODS}}
    assert (await post(server, f"{ACCESS}/subjectaccessreviews", about_ann))["status"] == allowed
    local = await post(server, f"{ACCESS}/namespaces/default/localsubjectaccessreviews", about_ann)
    assert (local["status"], local["metadata"]["namespace"]) == (allowed, "default")
    masters = {"spec": {"groups": ["system:masters"], "resourceAttributes": PODS | {"verb": "delete"}}}
    assert (await post(server, f"{ACCESS}/subjectaccessreviews", masters))["status"] == {"allowed": True}


async def test_only_who_may_ask_may_ask_about_others(server: RunningApiServer) -> None:
    with pytest.raises(Forbidden, match='User "ann" cannot create resource "subjectaccessreviews"'):
        await post(server, f"{ACCESS}/subjectaccessreviews", {"spec": {}}, ANN)


@pytest.mark.parametrize(
    ("kind", "spec", "message"),
    [
        ("selfsubjectaccessreviews", {}, "spec.resourceAttributes: Invalid value: null: exactly one of"),
        (
            "selfsubjectaccessreviews",
            {"resourceAttributes": {}, "nonResourceAttributes": {"verb": "get", "path": "/"}},
            'spec.nonResourceAttributes: Invalid value: {"Path":"/","Verb":"get"}: cannot be specified in combination',
        ),
        ("subjectaccessreviews", {"resourceAttributes": PODS}, 'spec.user: Invalid value: "": at least one of'),
        (
            "selfsubjectaccessreviews",
            {"resourceAttributes": {"fieldSelector": {"requirements": [{"operator": "Is"}]}}},
            "spec.resourceAttributes.fieldSelector.requirements[0].key: Required value: must be specified",
        ),
        (
            "namespaces/default/localsubjectaccessreviews",
            {"user": "a", "resourceAttributes": PODS | {"namespace": "other"}},
            'spec.resourceAttributes.namespace: Invalid value: "other": must match metadata.namespace',
        ),
        (
            "namespaces/default/localsubjectaccessreviews",
            {"user": "a", "nonResourceAttributes": {"path": "/"}},
            "disallowed on this kind of request",
        ),
    ],
)
async def test_questions_that_make_no_sense(server: RunningApiServer, kind: str, spec: Any, message: str) -> None:
    with pytest.raises(Invalid) as caught:
        await post(server, f"{ACCESS}/{kind}", {"spec": spec})
    assert message in caught.value.message


async def test_the_rules_of_oneself(server: RunningApiServer) -> None:
    await allow_pods(server)
    review = await post(server, f"{ACCESS}/selfsubjectrulesreviews", {"spec": {"namespace": "default"}}, ANN)
    assert {"verbs": ["get"], "apiGroups": [""], "resources": ["pods"]} in review["status"]["resourceRules"]
    assert any("/healthz" in rule["nonResourceURLs"] for rule in review["status"]["nonResourceRules"])
    assert review["status"]["incomplete"] is False
    node = UserInfo("system:node:n", groups=("system:nodes", "system:authenticated"))
    review = await post(server, f"{ACCESS}/selfsubjectrulesreviews", {"spec": {"namespace": "default"}}, node)
    assert review["status"]["incomplete"] is True
    assert review["status"]["evaluationError"] == "node authorizer does not support user rule resolution"
    with pytest.raises(BadRequest, match="no namespace on request"):
        await post(server, f"{ACCESS}/selfsubjectrulesreviews", {"spec": {}}, ANN)


async def test_who_am_i(server: RunningApiServer) -> None:
    review = await post(server, f"{IDENTITY}/selfsubjectreviews", {}, ANN)
    assert review["status"]["userInfo"] == ANN.as_dict()
    assert review["metadata"]["creationTimestamp"]


async def test_whose_token_is_this(server: RunningApiServer) -> None:
    await post(server, "/api/v1/namespaces/default/serviceaccounts", {"metadata": {"name": "robot"}})
    made = await post(server, "/api/v1/namespaces/default/serviceaccounts/robot/token", {"spec": {"audiences": ["a"]}})
    token = made["status"]["token"]
    good = await post(server, f"{IDENTITY}/tokenreviews", {"spec": {"token": token, "audiences": ["a", "b"]}})
    assert good["status"]["authenticated"] is True
    assert good["status"]["audiences"] == ["a"]
    assert good["status"]["user"]["username"] == "system:serviceaccount:default:robot"
    elsewhere = await post(server, f"{IDENTITY}/tokenreviews", {"spec": {"token": token}})
    assert "is invalid for the target audiences" in elsewhere["status"]["error"]
    bad = await post(server, f"{IDENTITY}/tokenreviews", {"spec": {"token": "nope"}})
    assert bad["status"] == {"user": {}, "error": "invalid bearer token"}
    with pytest.raises(BadRequest, match="token is required"):
        await post(server, f"{IDENTITY}/tokenreviews", {"spec": {}})
