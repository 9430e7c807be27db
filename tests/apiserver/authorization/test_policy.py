from __future__ import annotations

from typing import Any

import pytest

from cloudk8s.apiserver.authentication.user import UserInfo
from cloudk8s.apiserver.authorization.interface import Attributes
from cloudk8s.apiserver.authorization.policy import default_policy
from cloudk8s.apiserver.authorization.policy.reconcile import reconciled
from cloudk8s.apiserver.authorization.rbac import RBAC
from cloudk8s.machinery import codec
from tests.api.golden_corpus import cases

Key = tuple[str, str, str]


def by_key() -> dict[Key, Any]:
    return {
        (each["kind"], each["metadata"].get("namespace", ""), each["metadata"]["name"]): each
        for each in default_policy()
    }


def test_names_are_unique_and_bindings_name_roles_that_are_there() -> None:
    policy = by_key()
    assert len(policy) == len(default_policy())
    for (kind, namespace, _), obj in policy.items():
        if "Binding" in kind:
            reference = obj["roleRef"]
            assert (reference["kind"], namespace, reference["name"]) in policy


def test_roles_are_those_of_the_golden_corpus() -> None:
    policy = by_key()
    checked = 0
    for path in cases("auth"):
        if path.name != "cluster-roles.json":
            continue
        for step in codec.decode(path.read_bytes())["steps"]:
            expected = step["expect"]["body"]
            ours = policy[expected["kind"], "", expected["metadata"]["name"]]
            for field in ("rules", "subjects", "roleRef"):
                assert ours.get(field) == expected.get(field), ours["metadata"]["name"]
            for field in ("labels", "annotations"):
                assert ours["metadata"][field] == expected["metadata"][field]
            checked += 1
    if not checked:
        pytest.skip("the golden corpus is not there")


@pytest.mark.parametrize(
    ("user", "attributes", "allowed"),
    [
        ("system:anonymous", {"verb": "get", "path": "/healthz"}, True),
        ("system:anonymous", {"verb": "get", "path": "/api"}, False),
        ("ann", {"verb": "get", "path": "/openapi/v3"}, True),
        ("ann", {"verb": "create", "group": "authorization.k8s.io", "resource": "selfsubjectaccessreviews"}, True),
        ("system:kube-scheduler", {"verb": "create", "resource": "pods", "subresource": "binding"}, True),
        ("system:kube-controller-manager", {"verb": "list", "group": "x.io", "resource": "things"}, True),
        ("system:serviceaccount:kube-system:job-controller", {"verb": "create", "resource": "pods"}, True),
        ("system:serviceaccount:kube-system:job-controller", {"verb": "create", "resource": "secrets"}, False),
    ],
)
def test_users_of_the_system_may_do_their_work(user: str, attributes: dict[str, str], allowed: bool) -> None:
    rbac = RBAC()
    for obj in default_policy():
        rbac.put(f"{obj['kind'].lower()}s", obj)
    group = "system:unauthenticated" if user == "system:anonymous" else "system:authenticated"
    asked = Attributes(UserInfo(user, groups=(group,)), **attributes)  # type: ignore[arg-type]
    assert rbac.authorize(asked).is_allowed is allowed


def test_reconcile_makes_what_is_missing_and_leaves_the_rest() -> None:
    for default in default_policy():
        assert reconciled(default, None) == default
        assert reconciled(default, codec.copy(default) | {"extra": 1}) is None


def test_reconcile_restores_what_was_taken_and_keeps_what_was_added() -> None:
    default = by_key()["ClusterRole", "", "system:discovery"]
    own = {"verbs": ["get"], "apiGroups": [""], "resources": ["pods"]}
    stored = codec.copy(default) | {"rules": [own]}
    stored["metadata"] |= {"labels": {"mine": "yes"}, "resourceVersion": "7"}
    wanted = reconciled(default, stored)
    assert wanted is not None
    assert wanted["rules"] == [own, *default["rules"]]
    assert wanted["metadata"]["labels"] == {"mine": "yes", "kubernetes.io/bootstrapping": "rbac-defaults"}
    assert wanted["metadata"]["resourceVersion"] == "7"


def test_reconcile_restores_subjects_and_replaces_a_binding_to_another_role() -> None:
    default = by_key()["ClusterRoleBinding", "", "system:public-info-viewer"]
    own = {"kind": "User", "name": "x"}
    wanted = reconciled(default, codec.copy(default) | {"subjects": [own]})
    assert wanted is not None
    assert wanted["subjects"] == [own, *default["subjects"]]
    elsewhere = codec.copy(default) | {"roleRef": {**default["roleRef"], "name": "other"}}
    assert reconciled(default, elsewhere) == default


def test_reconcile_respects_who_opts_out() -> None:
    default = by_key()["ClusterRole", "", "system:discovery"]
    stored = codec.copy(default) | {"rules": []}
    stored["metadata"]["annotations"]["rbac.authorization.kubernetes.io/autoupdate"] = "false"
    assert reconciled(default, stored) is None
