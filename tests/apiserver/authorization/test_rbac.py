from __future__ import annotations

import pytest

from cloudk8s.apiserver.authentication.user import UserInfo
from cloudk8s.apiserver.authorization.following import follow
from cloudk8s.apiserver.authorization.interface import Attributes
from cloudk8s.apiserver.authorization.rbac import RBAC
from cloudk8s.apiserver.authorization.refusal import forbidden
from cloudk8s.apiserver.authorization.union import AlwaysDeny, PrivilegedGroups, Union
from cloudk8s.machinery.codec import encode
from cloudk8s.storage.interface import Draft, Write
from cloudk8s.storage.opening import open_store
from tests.apiserver.authorization.objects import ANN, ask, binding, role, rule


@pytest.fixture
def rbac() -> RBAC:
    rbac = RBAC()
    rbac.put("roles", role("reader", rule("get list", "pods pods/log"), namespace="ns"))
    rbac.put("rolebindings", binding("b", "reader", ("User", "ann"), namespace="ns"))
    return rbac


def test_a_role_counts_in_its_namespace_only(rbac: RBAC) -> None:
    decision = rbac.authorize(ask("get", "pods", "ns", "p"))
    assert decision.is_allowed
    assert decision.reason == 'RBAC: allowed by RoleBinding "b/ns" of Role "reader" to User "ann"'
    for attributes in (ask("get", "pods", "other", "p"), ask("get", "pods"), ask("delete", "pods", "ns", "p")):
        assert not rbac.authorize(attributes).is_allowed


def test_subresources_are_resources_of_their_own(rbac: RBAC) -> None:
    assert rbac.authorize(ask("get", "pods/log", "ns")).is_allowed
    assert not rbac.authorize(ask("get", "pods/exec", "ns")).is_allowed
    rbac.put("roles", role("reader", rule("*", "*/scale", "apps"), namespace="ns"))
    assert rbac.authorize(ask("patch", "deployments/scale", "ns", group="apps")).is_allowed
    assert not rbac.authorize(ask("patch", "deployments", "ns", group="apps")).is_allowed


def test_names_narrow_a_rule(rbac: RBAC) -> None:
    rbac.put("roles", role("reader", rule("get", "configmaps", resourceNames=["a", "b"]), namespace="ns"))
    allowed = [rbac.authorize(ask("get", "configmaps", "ns", name)).is_allowed for name in ("a", "b", "c", "")]
    assert allowed == [True, True, False, False]


@pytest.mark.parametrize(
    ("subject", "user"),
    [
        (("Group", "dev"), ANN),
        (("ServiceAccount", "robot", "sys"), UserInfo("system:serviceaccount:sys:robot")),
        (("ServiceAccount", "robot"), UserInfo("system:serviceaccount:ns:robot")),
    ],
)
def test_subjects_are_users_groups_and_service_accounts(rbac: RBAC, subject: tuple[str, ...], user: UserInfo) -> None:
    rbac.put("rolebindings", binding("b", "reader", ("User", "nobody"), subject, namespace="ns"))
    decision = rbac.authorize(ask("get", "pods", "ns", user=user))
    name = f"{subject[1]}/{subject[2] if len(subject) > 2 else 'ns'}" if subject[0] == "ServiceAccount" else subject[1]
    assert decision.reason.endswith(f'to {subject[0]} "{name}"')
    assert not rbac.authorize(ask("get", "pods", "ns", user=UserInfo("stranger"))).is_allowed


def test_cluster_roles_count_everywhere_or_in_a_namespace(rbac: RBAC) -> None:
    rbac.put("clusterroles", role("node-reader", rule("get", "nodes secrets")))
    rbac.put("rolebindings", binding("n", "node-reader", ("User", "ann"), namespace="ns", kind="ClusterRole"))
    assert rbac.authorize(ask("get", "secrets", "ns")).is_allowed
    assert not rbac.authorize(ask("get", "nodes")).is_allowed
    rbac.put("clusterrolebindings", binding("n", "node-reader", ("User", "ann")))
    assert rbac.authorize(ask("get", "nodes")).is_allowed
    expected = 'RBAC: allowed by ClusterRoleBinding "n" of ClusterRole "node-reader" to User "ann"'
    assert rbac.authorize(ask("get", "secrets", "ns")).reason == expected


def test_paths(rbac: RBAC) -> None:
    rbac.put("clusterroles", role("paths", {"verbs": ["get"], "nonResourceURLs": ["/healthz", "/logs/*"]}))
    rbac.put("clusterrolebindings", binding("paths", "paths", ("Group", "dev")))
    paths = ("/healthz", "/healthz/x", "/logs/", "/logs/a/b", "/logs")
    allowed = [rbac.authorize(Attributes(ANN, "get", path=path)).is_allowed for path in paths]
    assert allowed == [True, False, True, True, False]
    rbac.put("clusterroles", role("paths", {"verbs": ["*"], "nonResourceURLs": ["*"]}))
    assert rbac.authorize(Attributes(ANN, "post", path="/x")).is_allowed


def test_a_missing_role_is_told(rbac: RBAC) -> None:
    rbac.remove("roles", "ns", "reader")
    rbac.put("clusterrolebindings", binding("c", "gone", ("User", "ann")))
    decision = rbac.authorize(ask("get", "pods", "ns", "p"))
    missing = (
        'clusterrole.rbac.authorization.k8s.io "gone" not found, role.rbac.authorization.k8s.io "reader" not found'
    )
    assert decision.reason == f"RBAC: [{missing}]"
    message = (
        'pods "p" is forbidden: User "ann" cannot get resource "pods" in API group "" in the namespace "ns": RBAC: '
    )
    assert forbidden(ask("get", "pods", "ns", "p"), decision).message.startswith(message)


def test_changes_count_at_once(rbac: RBAC) -> None:
    def allowed() -> bool:
        return rbac.authorize(ask("get", "pods", "ns")).is_allowed

    assert allowed()
    rbac.put("rolebindings", binding("b", "reader", ("User", "bob"), namespace="ns"))
    assert not allowed()
    rbac.put("rolebindings", binding("b", "reader", ("User", "ann"), namespace="ns"))
    assert allowed()
    rbac.remove("rolebindings", "ns", "b")
    rbac.remove("rolebindings", "ns", "b")
    assert not allowed()


def test_rules_can_be_listed(rbac: RBAC) -> None:
    rbac.put("clusterrolebindings", binding("c", "gone", ("User", "ann")))
    rules, problems, _ = rbac.rules_for(ANN, "ns")
    assert rules == [rule("get list", "pods pods/log")]
    assert problems == ['clusterrole.rbac.authorization.k8s.io "gone" not found']


async def test_follows_the_store(rbac: RBAC) -> None:
    store = await open_store("memory://")

    async def write(key: str, obj: dict[str, object] | None) -> None:
        draft = Draft(encode(obj), b"") if obj else None
        if draft:
            head, _, tail = draft.head.partition(b'"resourceVersion":""')
            draft = Draft(head + b'"resourceVersion":"', b'"' + tail)
        await store.write(Write(f"/registry/rbac.authorization.k8s.io/{key}", draft, None))

    def stamped(obj: dict[str, object]) -> dict[str, object]:
        return {"metadata": {"resourceVersion": "", **obj.pop("metadata")}, **obj}  # type: ignore[dict-item]

    rbac = RBAC()
    await write("clusterroles/r", stamped(role("r", rule("get", "pods"))))
    subscription = follow(store, rbac)
    assert not rbac.authorize(ask("get", "pods", "ns")).is_allowed
    await write("rolebindings/ns/b", stamped(binding("b", "r", ("User", "ann"), namespace="ns", kind="ClusterRole")))
    assert rbac.authorize(ask("get", "pods", "ns")).is_allowed
    await write("rolebindings/ns/b", None)
    assert not rbac.authorize(ask("get", "pods", "ns")).is_allowed
    subscription.close()
    await store.close()


def test_the_first_that_decides_counts_and_reasons_add_up(rbac: RBAC) -> None:
    union = Union([PrivilegedGroups(), rbac, AlwaysDeny()])
    assert union.authorize(ask("delete", "nodes", user=UserInfo("x", groups=("system:masters",)))).is_allowed
    assert union.authorize(ask("get", "pods", "ns")).is_allowed
    assert union.authorize(ask("get", "nodes")).reason == "Everything is forbidden."


@pytest.mark.parametrize(
    ("attributes", "message", "details"),
    [
        (
            ask("list", "configmaps", "ns"),
            'configmaps is forbidden: User "ann" cannot list resource "configmaps" in API group "" '
            'in the namespace "ns"',
            {"kind": "configmaps"},
        ),
        (
            ask("get", "deployments/scale", "ns", "x", group="apps"),
            'deployments.apps "x" is forbidden: User "ann" cannot get resource "deployments/scale" in API group "apps" '
            'in the namespace "ns"',
            {"name": "x", "group": "apps", "kind": "deployments"},
        ),
        (
            ask("list", "nodes"),
            'nodes is forbidden: User "ann" cannot list resource "nodes" in API group "" at the cluster scope',
            {"kind": "nodes"},
        ),
        (Attributes(ANN, "get", path="/api"), 'forbidden: User "ann" cannot get path "/api"', {}),
    ],
)
def test_refusals_are_upstreams(attributes: Attributes, message: str, details: dict[str, str]) -> None:
    status = forbidden(attributes, RBAC().authorize(attributes)).status
    assert (status["message"], status["details"], status["code"]) == (message, details, 403)
