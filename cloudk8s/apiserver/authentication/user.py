"""The user of a request, and the names that the system gives to users and groups."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Final

ANONYMOUS: Final = "system:anonymous"
UNAUTHENTICATED: Final = "system:unauthenticated"
AUTHENTICATED: Final = "system:authenticated"
MASTERS: Final = "system:masters"
NODES: Final = "system:nodes"
NODE_PREFIX: Final = "system:node:"
SERVICE_ACCOUNT_PREFIX: Final = "system:serviceaccount:"
SERVICE_ACCOUNTS: Final = "system:serviceaccounts"


@dataclass(frozen=True, slots=True)
class UserInfo:
    """Who asks. Compared by value; what is not hashable (`extra`) does not go into the hash."""

    name: str
    uid: str = ""
    groups: tuple[str, ...] = ()
    extra: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    requester: UserInfo | None = field(default=None, compare=False, repr=False)
    """Who acts as this user, where it is impersonated; for the audit log only."""

    def __hash__(self) -> int:
        return hash((self.name, self.groups))

    def as_dict(self) -> dict[str, Any]:
        """As `authentication.k8s.io/v1` `UserInfo`, empty fields left out."""
        fields: dict[str, Any] = {"username": self.name, "uid": self.uid, "groups": list(self.groups)}
        fields["extra"] = {key: list(values) for key, values in self.extra.items()}
        return {key: value for key, value in fields.items() if value}

    def authenticated(self) -> UserInfo:
        """The same user in the group of everyone who gave valid credentials."""
        if self.name == ANONYMOUS or AUTHENTICATED in self.groups:
            return self
        return replace(self, groups=(*self.groups, AUTHENTICATED))


ANONYMOUS_USER: Final = UserInfo(ANONYMOUS, groups=(UNAUTHENTICATED,))


def service_account_name(namespace: str, name: str) -> str:
    """The user name of a service account."""
    return f"{SERVICE_ACCOUNT_PREFIX}{namespace}:{name}"


def service_account_groups(namespace: str) -> tuple[str, ...]:
    """The groups that every service account of a namespace is in."""
    return (SERVICE_ACCOUNTS, f"{SERVICE_ACCOUNTS}:{namespace}")


def split_service_account(user_name: str) -> tuple[str, str] | None:
    """Namespace and name of the service account that a user name stands for, None for any other user."""
    if not user_name.startswith(SERVICE_ACCOUNT_PREFIX):
        return None
    namespace, separator, name = user_name[len(SERVICE_ACCOUNT_PREFIX) :].partition(":")
    return (namespace, name) if separator and namespace and name and ":" not in name else None


def node_name(user: UserInfo) -> str:
    """The node that a kubelet's identity is for; empty for anyone else."""
    if user.name.startswith(NODE_PREFIX) and NODES in user.groups:
        return user.name[len(NODE_PREFIX) :]
    return ""
