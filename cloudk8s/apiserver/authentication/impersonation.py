"""Act as someone else, where the one who asks may impersonate them.

Upstream's order counts: the first refusal is the answer.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from urllib.parse import unquote

from cloudk8s.apiserver.authentication import user as users
from cloudk8s.apiserver.authentication.user import UserInfo
from cloudk8s.apiserver.http.interface import Headers
from cloudk8s.errors import BadRequest

_USER, _GROUP, _UID, _EXTRA = "impersonate-user", "impersonate-group", "impersonate-uid", "impersonate-extra-"


@dataclass(frozen=True, slots=True)
class Impersonated:
    """One thing that the requester must have the verb `impersonate` on."""

    resource: str
    name: str
    group: str = ""
    version: str = "v1"
    subresource: str = ""
    namespace: str = ""


Check = Callable[[UserInfo, Impersonated], None]
"""Raises Forbidden unless the user may impersonate that."""


@dataclass(frozen=True, slots=True)
class _Wanted:
    name: str
    uid: str
    groups: tuple[str, ...]
    extra: Mapping[str, tuple[str, ...]] = field(default_factory=dict)


def impersonate(requester: UserInfo, headers: Headers, check: Check) -> UserInfo:
    """The user that the headers ask for, or the requester where they ask for none.

    Raises BadRequest for headers that name no user, and what `check` raises.
    """
    if not _is_wanted(headers):
        return requester
    wanted = _read(headers)
    if not wanted.name:
        raise BadRequest(f"requested {_as_go(wanted)} without impersonating a user name")
    for each in _checks(wanted):
        check(requester, each)
    return replace(_user(wanted), requester=requester)


def _is_wanted(headers: Headers) -> bool:
    if headers.get(_USER) or headers.get(_GROUP) or headers.get(_UID):
        return True
    return any(name.startswith(_EXTRA) for name in headers)


def _read(headers: Headers) -> _Wanted:
    extra = {unquote(name[len(_EXTRA) :]): tuple(headers.all(name)) for name in headers if name.startswith(_EXTRA)}
    return _Wanted(headers.get(_USER, ""), headers.get(_UID, ""), tuple(headers.all(_GROUP)), extra)


def _checks(wanted: _Wanted) -> Iterator[Impersonated]:
    account = users.split_service_account(wanted.name)
    if account:
        yield Impersonated("serviceaccounts", account[1], namespace=account[0])
    else:
        yield Impersonated("users", wanted.name)
    for group in wanted.groups:
        yield Impersonated("groups", group)
    for key, values in wanted.extra.items():
        for value in values:
            yield Impersonated("userextras", value, group="authentication.k8s.io", subresource=key)
    if wanted.uid:
        yield Impersonated("uids", wanted.uid, group="authentication.k8s.io")


def _user(wanted: _Wanted) -> UserInfo:
    account, groups = users.split_service_account(wanted.name), wanted.groups
    if account and not groups:
        groups = users.service_account_groups(account[0])
    if wanted.name == users.ANONYMOUS:
        missing = () if users.UNAUTHENTICATED in groups else (users.UNAUTHENTICATED,)
    else:
        has_one = users.AUTHENTICATED in groups or users.UNAUTHENTICATED in groups
        missing = () if has_one else (users.AUTHENTICATED,)
    return UserInfo(wanted.name, wanted.uid, groups + missing, wanted.extra)


def _as_go(wanted: _Wanted) -> str:
    """As Go prints the struct with `%#v`, which is what upstream's message quotes."""
    extra = ", ".join(f"{_quoted(key)}:{_strings(wanted.extra[key])}" for key in sorted(wanted.extra))
    extras = f"map[string][]string{{{extra}}}" if wanted.extra else "map[string][]string(nil)"
    names = f"Name:{_quoted(wanted.name)}, UID:{_quoted(wanted.uid)}"
    return f"&user.DefaultInfo{{{names}, Groups:{_strings(wanted.groups)}, Extra:{extras}}}"


def _strings(values: tuple[str, ...]) -> str:
    return "[]string{" + ", ".join(map(_quoted, values)) + "}" if values else "[]string(nil)"


def _quoted(text: str) -> str:
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'
