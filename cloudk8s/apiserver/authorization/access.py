"""The authorizers of a server, chosen by `--authorization-mode`."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import TYPE_CHECKING

from cloudk8s.apiserver.authentication.interface import Lookup
from cloudk8s.apiserver.authentication.user import UserInfo
from cloudk8s.apiserver.authorization.escalation import EscalationCheck
from cloudk8s.apiserver.authorization.interface import Attributes, Authorizer, Decision, RuleList, RuleResolver
from cloudk8s.apiserver.authorization.node import NodeAuthorizer, PodsOnNode
from cloudk8s.apiserver.authorization.rbac import RBAC
from cloudk8s.apiserver.authorization.refusal import forbidden
from cloudk8s.apiserver.authorization.union import AlwaysAllow, AlwaysDeny, PrivilegedGroups, Union
from cloudk8s.errors import SettingsError

if TYPE_CHECKING:
    from cloudk8s.apiserver.audit.trail import Trace


class AccessRules:
    """Decides by the chosen modes, in their order; `system:masters` come first in any case. Plugins add modes.

    `rbac` is there in every mode, to be fed; it counts only where the mode RBAC is chosen.
    """

    def __init__(
        self,
        modes: Sequence[str],
        *,
        lookup: Lookup,
        pods_on_node: PodsOnNode,
        nodes_by_selectors: bool = True,
        others: Mapping[str, Callable[[], Authorizer]] = MappingProxyType({}),
    ) -> None:
        self.rbac = RBAC()
        makers: dict[str, Callable[[], Authorizer]] = {
            "Node": lambda: NodeAuthorizer(lookup, pods_on_node, by_selectors=nodes_by_selectors),
            "RBAC": lambda: self.rbac,
            "AlwaysAllow": AlwaysAllow,
            "AlwaysDeny": AlwaysDeny,
            **others,
        }
        unknown = [mode for mode in modes if mode not in makers]
        if unknown or not modes:
            raise SettingsError(f"authorization mode {unknown[0] if unknown else ''!r} is none of {', '.join(makers)}")
        chosen = [makers[mode]() for mode in modes]
        self._union = Union([PrivilegedGroups(), *chosen])
        self._resolvers: list[RuleResolver] = [each for each in chosen if isinstance(each, (NodeAuthorizer, RBAC))]
        self.escalation = EscalationCheck(self._union, self.rbac) if "RBAC" in modes else None
        """Checks writes of roles and bindings; None where roles mean nothing."""

    def authorize(self, attributes: Attributes) -> Decision:
        """Allow, or say why not."""
        return self._union.authorize(attributes)

    def require(self, attributes: Attributes, audit: Trace | None = None) -> None:
        """Raise Forbidden unless it is allowed; the audit record, if there is one, takes note."""
        decision = self._union.authorize(attributes)
        if audit is not None:
            audit.decided(decision)
        if decision.verdict != "allow":
            raise forbidden(attributes, decision)

    def rules_for(self, user: UserInfo, namespace: str) -> RuleList:
        """The rules that apply to a user in a namespace."""
        lists = [resolver.rules_for(user, namespace) for resolver in self._resolvers]
        rules = [rule for each in lists for rule in each.rules]
        problems = [problem for each in lists for problem in each.problems]
        return RuleList(rules, problems, all(each.is_complete for each in lists))
