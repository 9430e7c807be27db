from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import pytest

from cloudk8s.apiserver.authentication.user import UserInfo
from cloudk8s.apiserver.authorization.node import NodeAuthorizer
from tests.apiserver.authentication.requests import Objects
from tests.apiserver.authorization.objects import ask

NODE = UserInfo("system:node:n1", groups=("system:nodes", "system:authenticated"))
LEASES = "coordination.k8s.io"


class Cluster(Objects):
    """Objects, and the pods among them by node."""

    def pods_on(self, node: str) -> Iterable[Mapping[str, Any]]:
        pods = [obj for key, obj in self.stored.items() if key[1] == "pods"]
        return [pod for pod in pods if pod["spec"].get("nodeName") == node]


@pytest.fixture
def authorizer() -> NodeAuthorizer:
    cluster = Cluster()
    volumes = [
        {"name": "v", "secret": {"secretName": "mounted"}},
        {"name": "c", "persistentVolumeClaim": {"claimName": "claim"}},
        {"name": "e", "ephemeral": {}},
        {"name": "p", "projected": {"sources": [{"configMap": {"name": "projected"}}]}},
        {"name": "i", "csi": {"nodePublishSecretRef": {"name": "inline"}}},
    ]
    container = {
        "env": [{"valueFrom": {"secretKeyRef": {"name": "env"}}}],
        "envFrom": [{"configMapRef": {"name": "from"}}],
    }
    spec = {"volumes": volumes, "containers": [container], "serviceAccountName": "robot"}
    spec |= {"imagePullSecrets": [{"name": "pull"}], "resourceClaims": [{"resourceClaimName": "gpu"}]}
    cluster.add("pods", "p1", "ns", spec=spec | {"nodeName": "n1"})
    cluster.add("pods", "p2", "ns", spec={"nodeName": "n2", "imagePullSecrets": [{"name": "theirs"}]})
    mirror = {"annotations": {"kubernetes.io/config.mirror": "x"}}
    cluster.add("pods", "m1", "ns", spec={"nodeName": "n1", "serviceAccountName": "stolen"}, metadata=mirror)
    cluster.add("persistentvolumeclaims", "claim", "ns", spec={"volumeName": "pv"})
    reference = {"namespace": "ns", "name": "claim"}
    attach = {"nodeStageSecretRef": {"namespace": "sys", "name": "stage"}}
    cluster.add("persistentvolumes", "pv", spec={"claimRef": reference, "csi": attach})
    cluster.add("persistentvolumes", "other", spec={})
    cluster.add("volumeattachments", "va", group="storage.k8s.io", spec={"nodeName": "n1"})
    return NodeAuthorizer(cluster, cluster.pods_on)


@pytest.mark.parametrize(
    ("verb", "resource", "name"),
    [
        *(("get", "secrets", name) for name in ("mounted", "env", "pull", "inline")),
        ("watch", "secrets", "mounted"),
        *(("get", "configmaps", name) for name in ("projected", "from")),
        ("get", "persistentvolumeclaims", "claim"),
        ("patch", "persistentvolumeclaims/status", "claim"),
        ("get", "persistentvolumeclaims", "p1-e"),
        ("create", "serviceaccounts/token", "robot"),
        ("get", "serviceaccounts", "robot"),
        ("get", "pods", "p1"),
        ("get", "pods", "m1"),
        ("create", "pods", ""),
        ("update", "pods/status", "p1"),
        ("create", "pods/eviction", "p1"),
        ("list", "services", ""),
    ],
)
def test_a_node_reaches_what_its_pods_need(authorizer: NodeAuthorizer, verb: str, resource: str, name: str) -> None:
    assert authorizer.authorize(ask(verb, resource, "ns", name, user=NODE)).is_allowed


@pytest.mark.parametrize(
    ("verb", "resource", "name", "reason"),
    [
        ("get", "secrets", "theirs", "no relationship found between node 'n1' and this object"),
        ("get", "serviceaccounts", "stolen", "no relationship found between node 'n1' and this object"),
        ("list", "secrets", "", "No Object name found"),
        ("delete", "secrets", "mounted", "can only read resources of this type"),
        ("list", "persistentvolumeclaims", "", "can only get individual resources of this type"),
        ("create", "serviceaccounts", "robot", "can only create token subresource of serviceaccount"),
        ("list", "serviceaccounts", "", "can only create tokens for individual service accounts"),
        ("list", "pods", "", "can only list/watch pods with spec.nodeName field selector"),
        ("get", "pods", "p2", "no relationship found between node 'n1' and this object"),
        ("delete", "services", "x", ""),
        ("update", "pods", "p1", ""),
    ],
)
def test_and_nothing_else(authorizer: NodeAuthorizer, verb: str, resource: str, name: str, reason: str) -> None:
    decision = authorizer.authorize(ask(verb, resource, "ns", name, user=NODE))
    assert (decision.verdict, decision.reason) == ("no opinion", reason)


def test_volumes_and_their_secrets_follow_from_claims(authorizer: NodeAuthorizer) -> None:
    assert authorizer.authorize(ask("get", "persistentvolumes", name="pv", user=NODE)).is_allowed
    assert not authorizer.authorize(ask("get", "persistentvolumes", name="other", user=NODE)).is_allowed
    assert authorizer.authorize(ask("get", "secrets", "sys", "stage", user=NODE)).is_allowed
    assert not authorizer.authorize(ask("get", "secrets", "ns", "stage", user=NODE)).is_allowed
    attachment = ask("get", "volumeattachments", name="va", user=NODE, group="storage.k8s.io")
    assert authorizer.authorize(attachment).is_allowed
    other = UserInfo("system:node:n2", groups=("system:nodes",))
    assert not authorizer.authorize(attachment._replace(user=other)).is_allowed


def test_pods_are_listed_by_node(authorizer: NodeAuthorizer) -> None:
    for verb in ("list", "watch"):
        own = ask(verb, "pods", user=NODE, field_selector=(("spec.nodeName", "n1"),))
        assert authorizer.authorize(own).is_allowed
        assert not authorizer.authorize(own._replace(field_selector=(("spec.nodeName", "n2"),))).is_allowed


@pytest.mark.parametrize(
    ("verb", "resource", "name", "allowed"),
    [
        ("get", "nodes", "n1", True),
        ("watch", "nodes", "n1", True),
        ("get", "nodes", "n2", False),
        ("list", "nodes", "", False),
        ("create", "nodes", "", True),
        ("patch", "nodes/status", "n1", True),
        ("delete", "nodes", "n1", False),
    ],
)
def test_a_node_reads_itself(authorizer: NodeAuthorizer, verb: str, resource: str, name: str, allowed: bool) -> None:
    assert authorizer.authorize(ask(verb, resource, name=name, user=NODE)).is_allowed is allowed


def test_leases_are_the_nodes_own(authorizer: NodeAuthorizer) -> None:
    def lease(verb: str, namespace: str, name: str) -> bool:
        return authorizer.authorize(ask(verb, "leases", namespace, name, user=NODE, group=LEASES)).is_allowed

    assert lease("update", "kube-node-lease", "n1")
    assert lease("create", "kube-node-lease", "")
    assert not lease("update", "kube-node-lease", "n2")
    assert not lease("update", "kube-system", "n1")
    assert not lease("list", "kube-node-lease", "")


def test_it_has_no_opinion_on_others(authorizer: NodeAuthorizer) -> None:
    for user in (UserInfo("system:node:n1"), UserInfo("ann", groups=("system:nodes",))):
        decision = authorizer.authorize(ask("get", "secrets", "ns", "mounted", user=user))
        assert (decision.verdict, decision.reason) == ("no opinion", "")


def test_its_rules_cannot_be_listed(authorizer: NodeAuthorizer) -> None:
    problem = "node authorizer does not support user rule resolution"
    assert authorizer.rules_for(NODE, "ns") == ((), (problem,), False)
    assert authorizer.rules_for(UserInfo("ann"), "ns") == ((), (), True)


@pytest.mark.parametrize("by_selectors", [True, False])
def test_before_selectors_counted_kubelets_read_every_node_and_pod(by_selectors: bool) -> None:
    """Theirs of before 1.32 ask for pods that have just gone, and take NotFound for an answer."""
    cluster = Cluster()
    older = NodeAuthorizer(cluster, cluster.pods_on, by_selectors=by_selectors)
    asked = [("get", "pods", "ns", "gone"), ("list", "nodes", "", ""), ("list", "pods", "", "")]
    assert {older.authorize(ask(*each, user=NODE)).is_allowed for each in asked} == {not by_selectors}
    assert not older.authorize(ask("get", "secrets", "ns", "other", user=NODE)).is_allowed
