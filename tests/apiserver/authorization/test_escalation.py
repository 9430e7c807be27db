from __future__ import annotations

from typing import Any

import pytest

from cloudk8s.apiserver.authentication.user import UserInfo
from cloudk8s.apiserver.authorization.coverage import describe, uncovered
from cloudk8s.apiserver.authorization.escalation import EscalationCheck, Write
from cloudk8s.apiserver.authorization.rbac import RBAC
from cloudk8s.errors import Forbidden, NotFound
from tests.apiserver.authorization.objects import ANN, binding, role, rule

GROUP = "rbac.authorization.k8s.io"


@pytest.fixture
def rbac() -> RBAC:
    rbac = RBAC()
    rbac.put("roles", role("manager", rule("get list create", "roles rolebindings", GROUP), namespace="ns"))
    rbac.put("rolebindings", binding("manager", "manager", ("User", "ann"), namespace="ns"))
    rbac.put("clusterroles", role("view", rule("get", "pods")))
    return rbac


def check(rbac: RBAC, plural: str, obj: dict[str, Any], **fields: Any) -> None:
    write: dict[str, Any] = {"user": ANN, "namespace": "ns", "name": ""} | fields
    EscalationCheck(rbac, rbac).check(Write(plural=plural, obj=obj, **write))


def test_what_one_has_one_may_give(rbac: RBAC) -> None:
    check(rbac, "roles", role("reader", rule("get", "roles", GROUP), namespace="ns"))
    check(rbac, "rolebindings", binding("same", "manager", ("User", "bob"), namespace="ns"))


def test_what_one_lacks_one_may_not_give(rbac: RBAC) -> None:
    with pytest.raises(Forbidden) as caught:
        check(rbac, "roles", role("reader", rule("get list", "secrets pods"), rule("get", "roles", GROUP)))
    assert caught.value.message == (
        'roles.rbac.authorization.k8s.io "reader" is forbidden: user "ann" (groups=["dev" "system:authenticated"]) is '
        "attempting to grant RBAC permissions not currently held:\n"
        '{APIGroups:[""], Resources:["pods"], Verbs:["get" "list"]}\n'
        '{APIGroups:[""], Resources:["secrets"], Verbs:["get" "list"]}'
    )
    assert caught.value.details == {"name": "reader", "group": GROUP, "kind": "roles"}


def test_the_same_goes_for_bindings(rbac: RBAC) -> None:
    with pytest.raises(Forbidden, match="attempting to grant"):
        check(rbac, "rolebindings", binding("b", "view", ("User", "ann"), namespace="ns", kind="ClusterRole"))


def test_a_binding_to_no_role_is_not_found_by_the_name_of_the_role(rbac: RBAC) -> None:
    with pytest.raises(NotFound) as caught:
        check(rbac, "rolebindings", binding("b", "absent", namespace="ns"))
    assert caught.value.message == 'rolebindings.rbac.authorization.k8s.io "absent" not found'


def test_the_verbs_bind_and_escalate_lift_the_bar(rbac: RBAC) -> None:
    rbac.put(
        "roles",
        role(
            "powers",
            rule("bind", "clusterroles", GROUP, resourceNames=["view"]),
            rule("escalate", "roles", GROUP),
            namespace="ns",
        ),
    )
    rbac.put("rolebindings", binding("powers", "powers", ("User", "ann"), namespace="ns"))
    check(rbac, "rolebindings", binding("b", "view", ("User", "ann"), namespace="ns", kind="ClusterRole"))
    check(rbac, "roles", role("all", rule("*", "*", "*"), namespace="ns"))
    with pytest.raises(NotFound):
        check(rbac, "rolebindings", binding("b", "edit", ("User", "ann"), namespace="ns", kind="ClusterRole"))


def test_system_masters_may_do_as_they_like(rbac: RBAC) -> None:
    master = UserInfo("x", groups=("system:masters",))
    check(rbac, "clusterroles", role("all", rule("*", "*", "*")), user=master, namespace="")


def test_updates_that_only_concern_the_garbage_collector_pass(rbac: RBAC) -> None:
    old = role("all", rule("*", "*", "*"), namespace="ns")
    new = {**old, "metadata": {**old["metadata"], "finalizers": ["x"], "ownerReferences": []}}
    check(rbac, "roles", new, old=old, name="all")
    with pytest.raises(Forbidden):
        check(rbac, "roles", {**new, "rules": [*old["rules"], rule("get", "x")]}, old=old, name="all")


def test_an_aggregation_rule_needs_everything(rbac: RBAC) -> None:
    aggregated = {**role("all"), "aggregationRule": {"clusterRoleSelectors": [{}]}}
    with pytest.raises(Forbidden, match="must have cluster-admin privileges to use the aggregationRule"):
        check(rbac, "clusterroles", aggregated, namespace="")
    check(rbac, "clusterroles", {**aggregated, "rules": []}, old=aggregated, namespace="")
    everything = (rule("*", "*", "*"), {"verbs": ["*"], "nonResourceURLs": ["*"]})
    rbac.put("clusterroles", role("admin", *everything))
    rbac.put("clusterrolebindings", binding("admin", "admin", ("User", "ann")))
    check(rbac, "clusterroles", aggregated, namespace="")


@pytest.mark.parametrize(
    ("held", "wanted", "missing"),
    [
        (rule("*", "*", "*"), rule("get", "pods/log"), []),
        (rule("get", "*/log"), rule("get", "pods/log"), []),
        (rule("get", "pods"), rule("get", "pods/log"), ['{APIGroups:[""], Resources:["pods/log"], Verbs:["get"]}']),
        (rule("get", "pods"), rule("get", "pods", resourceNames=["a"]), []),
        (
            rule("get", "pods", resourceNames=["a"]),
            rule("get", "pods", resourceNames=["a", "b"]),
            ['{APIGroups:[""], Resources:["pods"], ResourceNames:["b"], Verbs:["get"]}'],
        ),
        (
            rule("get", "pods", resourceNames=["a"]),
            rule("get", "pods"),
            ['{APIGroups:[""], Resources:["pods"], Verbs:["get"]}'],
        ),
        (
            {"verbs": ["get"], "nonResourceURLs": ["/a/*"]},
            {"verbs": ["get"], "nonResourceURLs": ["/a/b", "/c"]},
            ['{NonResourceURLs:["/c"], Verbs:["get"]}'],
        ),
    ],
)
def test_coverage(held: dict[str, Any], wanted: dict[str, Any], missing: list[str]) -> None:
    assert [describe(part) for part in uncovered([held], [wanted])] == missing
