"""One `PolicyRule`, compiled for questions."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from cloudk8s.apiserver.authorization.interface import Attributes


class CompiledRule:
    """Answers whether a rule covers a request, but for the object's name; `names` empty is every name."""

    __slots__ = ("_any_group", "_any_resource", "_any_verb", "_groups", "_resources", "_urls", "_verbs", "names", "raw")

    def __init__(self, raw: Mapping[str, Any]) -> None:
        self.raw = dict(raw)
        self.names = frozenset(_strings(raw, "resourceNames"))
        self._verbs = frozenset(_strings(raw, "verbs"))
        self._groups = frozenset(_strings(raw, "apiGroups"))
        self._resources = frozenset(_strings(raw, "resources"))
        self._urls = _strings(raw, "nonResourceURLs")
        self._any_verb = "*" in self._verbs
        self._any_group = "*" in self._groups
        self._any_resource = "*" in self._resources

    def matches(self, attributes: Attributes) -> bool:
        """Whether the rule is about this request, whatever its object's name."""
        if not self._any_verb and attributes.verb not in self._verbs:
            return False
        if attributes.path:
            return any(url_covers(url, attributes.path) for url in self._urls)
        if not self._any_group and attributes.group not in self._groups:
            return False
        return self._any_resource or self._names_resource(attributes.resource, attributes.subresource)

    def _names_resource(self, resource: str, subresource: str) -> bool:
        if not subresource:
            return resource in self._resources
        return f"{resource}/{subresource}" in self._resources or f"*/{subresource}" in self._resources


def url_covers(pattern: str, path: str) -> bool:
    """Whether a `nonResourceURLs` entry covers a path; only a trailing star is special."""
    if pattern in ("*", path):
        return True
    return pattern.endswith("*") and path.startswith(pattern.rstrip("*"))


def compiled(rules: Iterable[Mapping[str, Any]] | None) -> tuple[CompiledRule, ...]:
    """The rules of a role."""
    return tuple(CompiledRule(rule) for rule in rules or ())


def _strings(raw: Mapping[str, Any], field: str) -> tuple[str, ...]:
    return tuple(raw.get(field) or ())
