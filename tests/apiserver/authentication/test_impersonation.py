from __future__ import annotations

import pytest

from cloudk8s.apiserver.authentication.impersonation import Impersonated, impersonate
from cloudk8s.apiserver.authentication.user import UserInfo
from cloudk8s.apiserver.http.interface import Headers
from cloudk8s.errors import BadRequest, Forbidden

ADMIN = UserInfo("admin")


def headers(*pairs: tuple[str, str]) -> Headers:
    headers = Headers()
    for name, value in pairs:
        headers.repeat(name, value) if name in headers else headers.__setitem__(name, value)
    return headers


def act(*pairs: tuple[str, str]) -> tuple[UserInfo, list[Impersonated]]:
    asked: list[Impersonated] = []
    return impersonate(ADMIN, headers(*pairs), lambda user, what: asked.append(what)), asked


def test_nothing_asked_is_nothing_done() -> None:
    assert act(("accept", "*/*"), ("impersonate-user", ""))[0] is ADMIN


def test_a_user_with_groups_uid_and_extra() -> None:
    pairs = [("impersonate-user", "ann"), ("impersonate-group", "dev,ops"), ("impersonate-group", "qa")]
    pairs += [("impersonate-uid", "u"), ("impersonate-extra-a%2fb", "x")]
    user, asked = act(*pairs)
    assert user == UserInfo("ann", "u", ("dev,ops", "qa", "system:authenticated"), {"a/b": ("x",)})
    assert [(each.resource, each.subresource, each.name) for each in asked] == [
        ("users", "", "ann"),
        ("groups", "", "dev,ops"),
        ("groups", "", "qa"),
        ("userextras", "a/b", "x"),
        ("uids", "", "u"),
    ]


def test_a_service_account_has_its_groups() -> None:
    user, asked = act(("impersonate-user", "system:serviceaccount:ns:robot"))
    assert user.groups == ("system:serviceaccounts", "system:serviceaccounts:ns", "system:authenticated")
    assert asked == [Impersonated("serviceaccounts", "robot", namespace="ns")]


@pytest.mark.parametrize(
    ("name", "groups", "result"),
    [
        ("system:anonymous", (), ("system:unauthenticated",)),
        ("ann", ("system:authenticated",), ("system:authenticated",)),
        ("ann", ("system:unauthenticated",), ("system:unauthenticated",)),
    ],
)
def test_everyone_is_authenticated_or_not(name: str, groups: tuple[str, ...], result: tuple[str, ...]) -> None:
    pairs = [("impersonate-user", name), *(("impersonate-group", group) for group in groups)]
    assert act(*pairs)[0].groups == result


@pytest.mark.parametrize(
    ("name", "value", "struct"),
    [
        ("impersonate-group", "dev", 'Name:"", UID:"", Groups:[]string{"dev"}, Extra:map[string][]string(nil)'),
        ("impersonate-uid", "x", 'Name:"", UID:"x", Groups:[]string(nil), Extra:map[string][]string(nil)'),
        (
            "impersonate-extra-x",
            "y",
            'Name:"", UID:"", Groups:[]string(nil), Extra:map[string][]string{"x":[]string{"y"}}',
        ),
    ],
)
def test_headers_without_a_user_are_refused_in_upstreams_words(name: str, value: str, struct: str) -> None:
    with pytest.raises(BadRequest) as caught:
        act((name, value))
    assert caught.value.message == f"requested &user.DefaultInfo{{{struct}}} without impersonating a user name"


def test_the_first_refusal_is_the_answer() -> None:
    def check(user: UserInfo, what: Impersonated) -> None:
        raise Forbidden(what.resource)

    with pytest.raises(Forbidden, match="users"):
        impersonate(ADMIN, headers(("impersonate-user", "ann"), ("impersonate-group", "dev")), check)
