"""Authorizers in turn: the first that allows or denies decides."""

from __future__ import annotations

from collections.abc import Sequence

from cloudk8s.apiserver.authentication.user import MASTERS
from cloudk8s.apiserver.authorization.interface import ALLOWED, NO_OPINION, Attributes, Authorizer, Decision


class PrivilegedGroups:
    """Members of `system:masters` may do everything, whatever the rules say."""

    def authorize(self, attributes: Attributes) -> Decision:
        return ALLOWED if MASTERS in attributes.user.groups else NO_OPINION


class AlwaysAllow:
    """The mode of the same name."""

    def authorize(self, attributes: Attributes) -> Decision:
        return ALLOWED


class AlwaysDeny:
    """The mode of the same name."""

    def authorize(self, attributes: Attributes) -> Decision:
        return Decision("no opinion", "Everything is forbidden.")


class Union:
    """Fulfils `Authorizer` with others. Reasons of those without an opinion are all told."""

    def __init__(self, authorizers: Sequence[Authorizer]) -> None:
        self._authorizers = tuple(authorizers)

    def authorize(self, attributes: Attributes) -> Decision:
        reasons = []
        for authorizer in self._authorizers:
            decision = authorizer.authorize(attributes)
            if decision.verdict != "no opinion":
                return decision
            if decision.reason:
                reasons.append(decision.reason)
        return Decision("no opinion", "\n".join(reasons)) if reasons else NO_OPINION
