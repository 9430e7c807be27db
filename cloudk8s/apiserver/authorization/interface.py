"""What passes between the server and its authorizers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal, NamedTuple, Protocol

from cloudk8s.apiserver.authentication.user import UserInfo

Verdict = Literal["allow", "deny", "no opinion"]


class Attributes(NamedTuple):
    """What is asked for. `path` is set for requests that are not about a resource, and only for those."""

    user: UserInfo
    verb: str
    group: str = ""
    version: str = ""
    resource: str = ""
    subresource: str = ""
    namespace: str = ""
    name: str = ""
    path: str = ""
    field_selector: tuple[tuple[str, str], ...] = ()
    """Requirements that a field equals a value, where the request has such."""


@dataclass(frozen=True, slots=True)
class Decision:
    """Allow, deny, or leave it to the next; `reason` is shown to the user."""

    verdict: Verdict
    reason: str = ""

    @property
    def is_allowed(self) -> bool:
        return self.verdict == "allow"


ALLOWED: Final = Decision("allow")
NO_OPINION: Final = Decision("no opinion")

Rule = dict[str, Any]
"""A `PolicyRule` as JSON."""


class RuleList(NamedTuple):
    """The rules that apply to someone."""

    rules: Sequence[Rule]
    problems: Sequence[str] = ()
    """What could not be found out."""
    is_complete: bool = True
    """False where an authorizer allows more than it can list."""


class Authorizer(Protocol):
    """Decides, on the event loop, without blocking."""

    def authorize(self, attributes: Attributes) -> Decision:
        """Allow, deny, or have no opinion."""


class RuleResolver(Protocol):
    """An authorizer that can list what it allows."""

    def rules_for(self, user: UserInfo, namespace: str) -> RuleList:
        """The rules that apply to a user in a namespace."""
