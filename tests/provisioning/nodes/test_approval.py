"""Who gets a certificate."""

from __future__ import annotations

import base64
from typing import Any

from cloudk8s.node.cluster.identity import _make_request
from cloudk8s.provisioning.nodes.approval import judge

TOKENS = {"system:bootstrap:aaaaaa": "demo-workers-0"}


def request(node: str = "demo-workers-0", user: str = "system:bootstrap:aaaaaa", **spec: Any) -> dict[str, Any]:
    content = base64.b64encode(_make_request(node)[1]).decode()
    fields = {
        "request": content, "username": user, "usages": ["digital signature", "client auth"],
        "signerName": "kubernetes.io/kube-apiserver-client-kubelet",
    }  # fmt: skip
    return {"metadata": {"name": "csr-1"}, "spec": fields | spec, "status": {}}


def test_a_machine_that_the_cloud_knows_is_approved() -> None:
    verdict = judge(request(), TOKENS, ["demo-workers-0"], [])
    assert verdict is not None
    assert verdict.approved
    condition = verdict.with_condition("2026-01-01T00:00:00Z")["status"]["conditions"][0]
    assert (condition["type"], condition["reason"]) == ("Approved", "CloudConfirmed")


def test_a_machine_that_the_cloud_does_not_know_waits() -> None:
    assert judge(request(), TOKENS, [], []) is None


def test_a_token_is_for_one_node() -> None:
    verdict = judge(request("demo-control-plane-0"), TOKENS, ["demo-workers-0", "demo-control-plane-0"], [])
    assert verdict is not None
    assert not verdict.approved
    assert "the token is that of machine demo-workers-0" in verdict.message


def test_a_token_is_used_once() -> None:
    verdict = judge(request(), TOKENS, ["demo-workers-0"], ["demo-workers-0"])
    assert verdict is not None
    assert not verdict.approved


def test_other_requests_are_left_to_others() -> None:
    assert judge(request(user="system:node:demo-workers-0"), TOKENS, ["demo-workers-0"], []) is None
    assert judge(request(user="system:bootstrap:bbbbbb"), TOKENS, ["demo-workers-0"], []) is None
    assert judge(request(signerName="kubernetes.io/kubelet-serving"), TOKENS, ["demo-workers-0"], []) is None


def test_wrong_usages_are_denied() -> None:
    verdict = judge(request(usages=["server auth"]), TOKENS, ["demo-workers-0"], [])
    assert verdict is not None
    assert not verdict.approved
