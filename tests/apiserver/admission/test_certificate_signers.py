"""Requests for certificates: who decides, who signs, what stays as it was."""

from __future__ import annotations

import base64
from functools import cache
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from cloudk8s.apiserver.authentication.user import UserInfo
from cloudk8s.errors import Forbidden, Invalid
from tests.apiserver.admission.cluster import Cluster

PATH = "/apis/certificates.k8s.io/v1/certificatesigningrequests"
RBAC = "/apis/rbac.authorization.k8s.io/v1"
CLIENT = "kubernetes.io/kube-apiserver-client"
ALICE = UserInfo("alice", groups=("system:authenticated",))
APPROVED = {"type": "Approved", "status": "True", "reason": "ok", "message": "m"}
FAILED = {"type": "Failed", "status": "True", "reason": "no", "message": "m"}


@cache
def pem(organization: str) -> str:
    names = [
        x509.NameAttribute(NameOID.COMMON_NAME, "ann"),
        x509.NameAttribute(NameOID.ORGANIZATION_NAME, organization),
    ]
    key = ec.generate_private_key(ec.SECP256R1())
    request = x509.CertificateSigningRequestBuilder().subject_name(x509.Name(names)).sign(key, hashes.SHA256())
    return base64.b64encode(request.public_bytes(serialization.Encoding.PEM)).decode()


async def ask(cluster: Cluster, signer: str = "example.com/sign", organization: str = "dev") -> Any:
    spec = {"request": pem(organization), "signerName": signer, "usages": ["client auth"]}
    return await cluster.call("POST", PATH, {"metadata": {"name": "ann"}, "spec": spec})


async def allow(cluster: Cluster, name: str, resource: str, verbs: list[str], names: list[str] | None = None) -> None:
    rule = {"apiGroups": ["certificates.k8s.io"], "resources": [resource], "verbs": verbs}
    rules = [rule | ({"resourceNames": names} if names else {})]
    await cluster.call("POST", f"{RBAC}/clusterroles", {"metadata": {"name": name}, "rules": rules})
    reference = {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": name}
    subjects = [{"apiGroup": "rbac.authorization.k8s.io", "kind": "User", "name": "alice"}]
    body = {"metadata": {"name": name}, "roleRef": reference, "subjects": subjects}
    await cluster.call("POST", f"{RBAC}/clusterrolebindings", body)


async def decide(cluster: Cluster, user: UserInfo = ALICE) -> Any:
    return await cluster.call("PATCH", f"{PATH}/ann/approval", {"status": {"conditions": [APPROVED]}}, user=user)


@pytest.mark.parametrize("allowed", ["example.com/sign", "example.com/*"])
async def test_approvers_need_the_signer_too(cluster: Cluster, allowed: str) -> None:
    await ask(cluster)
    await allow(cluster, "approvers", "certificatesigningrequests/approval", ["patch"])
    await allow(cluster, "others", "signers", ["approve"], ["example.com/other", "example.com"])
    with pytest.raises(Forbidden, match='user not permitted to approve requests with signerName "example'):
        await decide(cluster)
    await allow(cluster, "signer", "signers", ["approve"], [allowed])
    (condition,) = (await decide(cluster))["status"]["conditions"]
    assert condition["lastUpdateTime"]
    assert condition["lastTransitionTime"]


async def test_signers_need_the_signer_too_but_not_for_labels(cluster: Cluster) -> None:
    await ask(cluster)
    await allow(cluster, "signers", "certificatesigningrequests/status", ["patch"])
    failed = {"status": {"conditions": [FAILED]}}
    with pytest.raises(Forbidden, match='user not permitted to sign requests with signerName "example'):
        await cluster.call("PATCH", f"{PATH}/ann/status", failed, user=ALICE)
    labelled = await cluster.call("PATCH", f"{PATH}/ann/status", {"metadata": {"labels": {"a": "b"}}}, user=ALICE)
    assert labelled["metadata"]["labels"] == {"a": "b"}
    await allow(cluster, "signer", "signers", ["sign"], ["example.com/sign"])
    signed = await cluster.call("PATCH", f"{PATH}/ann/status", failed, user=ALICE)
    assert signed["status"]["conditions"][0]["type"] == "Failed"


async def test_signers_leave_decisions_as_they_are(cluster: Cluster) -> None:
    await ask(cluster)
    await cluster.call("PATCH", f"{PATH}/ann/approval", {"status": {"conditions": [APPROVED]}})
    rewritten = {"status": {"conditions": [APPROVED | {"message": "mine"}, FAILED]}}
    approved, failed = (await cluster.call("PATCH", f"{PATH}/ann/status", rewritten))["status"]["conditions"]
    assert approved["message"] == "m"
    assert failed["type"] == "Failed"
    with pytest.raises(Invalid, match='updates may not remove a condition of type "Approved"'):
        await cluster.call("PATCH", f"{PATH}/ann/status", {"status": {"conditions": [FAILED]}})


async def test_nobody_asks_to_be_an_administrator(cluster: Cluster) -> None:
    with pytest.raises(Forbidden, match=f"use of {CLIENT} signer with system:masters group is not allowed"):
        await ask(cluster, CLIENT, "system:masters")
    assert await ask(cluster, CLIENT, "dev")
