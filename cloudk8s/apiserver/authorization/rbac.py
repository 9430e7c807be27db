"""Role-based access control over an index in memory.

Roles and bindings come in through `put` and `remove`; every change forgets the decisions made so far. A decision is
made once for all object names, and then costs one dict look-up.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from cloudk8s.apiserver.authentication.user import UserInfo
from cloudk8s.apiserver.authorization.binding import Binding, SubjectKey, binding_of, keys_of
from cloudk8s.apiserver.authorization.interface import NO_OPINION, Attributes, Decision, Rule, RuleList
from cloudk8s.apiserver.authorization.rule import CompiledRule, compiled

GROUP: Final = "rbac.authorization.k8s.io"
ROLES: Final = frozenset({"roles", "clusterroles"})
BINDINGS: Final = frozenset({"rolebindings", "clusterrolebindings"})
_REMEMBERED = 65_536

Key = tuple[str, str]
Answer = tuple[Mapping[str, Decision] | None, Decision]
"""Decisions for certain object names, and the one for all others."""


class RoleNotFound(LookupError):
    """A binding names a role that is not there."""

    def __init__(self, kind: str, name: str) -> None:
        super().__init__(f'{kind.lower()}.{GROUP} "{name}" not found')
        self.kind = kind
        self.name = name


class RBAC:
    """Fulfils `Authorizer` and `RuleResolver`."""

    def __init__(self) -> None:
        self._roles: dict[Key, tuple[CompiledRule, ...]] = {}
        self._bindings: dict[Key, Binding] = {}
        self._by_subject: dict[tuple[str, SubjectKey], dict[str, Binding]] = {}
        self._decisions: dict[tuple[object, ...], Answer] = {}

    def put(self, plural: str, obj: Mapping[str, Any]) -> None:
        """Take in a role or binding, new or changed."""
        metadata = obj["metadata"]
        key = (metadata.get("namespace", ""), metadata["name"])
        if plural in ROLES:
            self._roles[key] = compiled(obj.get("rules"))
        elif plural in BINDINGS:
            self._forget_binding(key)
            binding = self._bindings[key] = binding_of(obj)
            for subject, _ in binding.subjects:
                self._by_subject.setdefault((binding.namespace, subject), {})[binding.name] = binding
        self._decisions.clear()

    def remove(self, plural: str, namespace: str, name: str) -> None:
        """Forget a role or binding; absent is fine."""
        if plural in ROLES:
            self._roles.pop((namespace, name), None)
        elif plural in BINDINGS:
            self._forget_binding((namespace, name))
        self._decisions.clear()

    def authorize(self, attributes: Attributes) -> Decision:
        user, verb, group, _, resource, subresource, namespace, name, path, _ = attributes
        key = (user.name, user.groups, verb, group, resource, subresource, namespace, path)
        answer = self._decisions.get(key)
        if answer is None:
            answer = self._remember(key, attributes)
        by_name, decision = answer
        return by_name.get(name, decision) if by_name else decision

    def rules_for(self, user: UserInfo, namespace: str) -> RuleList:
        rules: list[Rule] = []
        problems: list[str] = []
        for binding, _ in self._applying(user, namespace):
            try:
                rules += [rule.raw for rule in self.role_rules(binding)]
            except RoleNotFound as error:
                problems.append(str(error))
        return RuleList(rules, problems)

    def role_rules(self, binding: Binding) -> tuple[CompiledRule, ...]:
        """The rules of the role that a binding names; raises RoleNotFound."""
        try:
            return self._roles[binding.role_key]
        except KeyError:
            raise RoleNotFound(binding.role_kind, binding.role_name) from None

    def _remember(self, key: tuple[object, ...], attributes: Attributes) -> Answer:
        if len(self._decisions) >= _REMEMBERED:
            self._decisions.clear()
        answer = self._decisions[key] = self._decide(attributes)
        return answer

    def _decide(self, attributes: Attributes) -> Answer:
        by_name: dict[str, Decision] = {}
        problems: list[str] = []
        namespace = "" if attributes.path else attributes.namespace
        for binding, subject in self._applying(attributes.user, namespace):
            try:
                rules = self.role_rules(binding)
            except RoleNotFound as error:
                problems.append(str(error))
                continue
            for rule in rules:
                if not rule.matches(attributes):
                    continue
                decision = Decision("allow", f"RBAC: allowed by {binding.describe(subject)}")
                if attributes.path or not rule.names:
                    return by_name or None, decision
                for name in rule.names:
                    by_name.setdefault(name, decision)
        return by_name or None, _no_opinion(problems)

    def _applying(self, user: UserInfo, namespace: str) -> Iterator[tuple[Binding, str]]:
        """Bindings of the whole cluster, then of the namespace, by name, with the subject that the user is."""
        keys = keys_of(user)
        for scope in ("", namespace) if namespace else ("",):
            found: dict[str, Binding] = {}
            for key in keys:
                found |= self._by_subject.get((scope, key), {})
            for name in sorted(found):
                yield found[name], found[name].subject_among(keys)

    def _forget_binding(self, key: Key) -> None:
        binding = self._bindings.pop(key, None)
        for subject, _ in binding.subjects if binding else ():
            bindings = self._by_subject.get((key[0], subject), {})
            bindings.pop(key[1], None)
            if not bindings:
                self._by_subject.pop((key[0], subject), None)


def _no_opinion(problems: Sequence[str]) -> Decision:
    if not problems:
        return NO_OPINION
    texts = list(dict.fromkeys(problems))
    return Decision("no opinion", f"RBAC: {texts[0] if len(texts) == 1 else '[' + ', '.join(texts) + ']'}")
