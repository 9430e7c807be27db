"""Which parts of some rules are not covered by others, and how upstream writes them down."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from cloudk8s.apiserver.authorization.interface import Rule
from cloudk8s.apiserver.authorization.refusal import quoted
from cloudk8s.apiserver.authorization.rule import url_covers

_SHOWN = (
    ("apiGroups", "APIGroups"),
    ("resources", "Resources"),
    ("nonResourceURLs", "NonResourceURLs"),
    ("resourceNames", "ResourceNames"),
    ("verbs", "Verbs"),
)


def uncovered(held: Sequence[Rule], wanted: Sequence[Rule]) -> list[Rule]:
    """The smallest parts of `wanted` that no rule of `held` covers."""
    parts = [part for rule in wanted for part in broken_down(rule)]
    return [part for part in parts if not any(_covers(rule, part) for rule in held)]


def broken_down(rule: Rule) -> Iterator[Rule]:
    """A rule as rules of one group, resource, name and verb each."""
    for group in rule.get("apiGroups") or ():
        for resource in rule.get("resources") or ():
            for verb in rule.get("verbs") or ():
                part: Rule = {"verbs": [verb], "apiGroups": [group], "resources": [resource]}
                names = rule.get("resourceNames") or ()
                yield from ({**part, "resourceNames": [name]} for name in names) if names else (part,)
    for url in rule.get("nonResourceURLs") or ():
        for verb in rule.get("verbs") or ():
            yield {"verbs": [verb], "nonResourceURLs": [url]}


def compact(rules: Sequence[Rule]) -> list[Rule]:
    """Put verbs on the same thing together again."""
    simple: dict[tuple[str, ...], Rule] = {}
    others: list[Rule] = []
    for rule in rules:
        if rule.get("nonResourceURLs"):
            others.append(rule)
            continue
        key = (rule["apiGroups"][0], rule["resources"][0], *rule.get("resourceNames", ()))
        verbs = simple.setdefault(key, {**rule, "verbs": []})["verbs"]
        verbs += [verb for verb in rule["verbs"] if verb not in verbs]
    return [*simple.values(), *others]


def describe(rule: Rule) -> str:
    """`{APIGroups:[""], Resources:["pods"], Verbs:["get"]}`"""
    shown = [f"{title}:[{' '.join(map(quoted, rule[field]))}]" for field, title in _SHOWN if rule.get(field)]
    return "{" + ", ".join(shown) + "}"


def _covers(rule: Rule, part: Rule) -> bool:
    verbs = rule.get("verbs") or ()
    if "*" not in verbs and part["verbs"][0] not in verbs:
        return False
    if "nonResourceURLs" in part:
        return any(url_covers(url, part["nonResourceURLs"][0]) for url in rule.get("nonResourceURLs") or ())
    groups, names = rule.get("apiGroups") or (), rule.get("resourceNames") or ()
    if "*" not in groups and part["apiGroups"][0] not in groups:
        return False
    if not _covers_resource(rule.get("resources") or (), part["resources"][0]):
        return False
    return not names or part.get("resourceNames", [""])[0] in names


def _covers_resource(resources: Sequence[str], resource: str) -> bool:
    if "*" in resources or resource in resources:
        return True
    _, separator, subresource = resource.partition("/")
    return bool(separator) and f"*/{subresource}" in resources
