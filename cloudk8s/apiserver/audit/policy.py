"""Which requests are recorded, and how much of them: `audit.k8s.io/v1` `Policy`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, get_args

from cloudk8s.apiserver.audit.level import Level, Stage
from cloudk8s.apiserver.authorization.interface import Attributes
from cloudk8s.apiserver.authorization.rule import url_covers
from cloudk8s.errors import SettingsError
from cloudk8s.machinery import yaml_codec

LEVELS: Final = get_args(Level)
STAGES: Final = get_args(Stage)


@dataclass(frozen=True, slots=True)
class Verdict:
    """What is recorded of one request."""

    level: Level
    omit_stages: frozenset[str] = frozenset()
    omit_managed_fields: bool = False


_NOTHING: Final = Verdict("None")


@dataclass(frozen=True, slots=True)
class _Rule:
    verdict: Verdict
    raw: Mapping[str, Any]

    def matches(self, attributes: Attributes) -> bool:
        raw, user = self.raw, attributes.user
        if raw.get("users") and user.name not in raw["users"]:
            return False
        if raw.get("userGroups") and not set(user.groups) & set(raw["userGroups"]):
            return False
        if raw.get("verbs") and attributes.verb not in raw["verbs"]:
            return False
        if not (raw.get("namespaces") or raw.get("resources") or raw.get("nonResourceURLs")):
            return True
        if attributes.path:
            return any(url_covers(url, attributes.path) for url in raw.get("nonResourceURLs") or ())
        return self._matches_resource(attributes)

    def _matches_resource(self, attributes: Attributes) -> bool:
        namespaces, resources = self.raw.get("namespaces"), self.raw.get("resources")
        if not namespaces and not resources:
            return False  # a rule for paths only
        if namespaces and attributes.namespace not in namespaces:
            return False
        return not resources or any(_names(each, attributes) for each in resources)


class Policy:
    """Rules in order; the first that matches decides. Without a match nothing is recorded."""

    def __init__(self, document: Mapping[str, Any]) -> None:
        omitted = frozenset(document.get("omitStages") or ())
        managed = bool(document.get("omitManagedFields"))
        self._rules = [_rule(raw, omitted, managed) for raw in document.get("rules") or ()]

    def verdict(self, attributes: Attributes) -> Verdict:
        """What to record of a request."""
        return next((rule.verdict for rule in self._rules if rule.matches(attributes)), _NOTHING)


def load(path: Path) -> Policy:
    """Read a policy file; SettingsError says what is wrong with it."""
    try:
        document = yaml_codec.decode(path.read_bytes())
    except OSError as error:
        raise SettingsError(f"audit policy {path} cannot be read: {error.strerror}") from error
    except ValueError as error:
        raise SettingsError(f"audit policy {path} is not YAML: {error}") from error
    if not isinstance(document, dict) or document.get("kind") != "Policy":
        raise SettingsError(f"audit policy {path} is not an audit.k8s.io/v1 Policy")
    if not document.get("rules"):
        raise SettingsError(f"audit policy {path} has no rules")
    return Policy(document)


def _rule(raw: Mapping[str, Any], omitted: frozenset[str], managed: bool) -> _Rule:
    level: Any = raw.get("level")
    if level not in LEVELS:
        raise SettingsError(f"audit level {level!r} is none of {', '.join(LEVELS)}")
    stages = omitted | frozenset(raw.get("omitStages") or ())
    if unknown := stages - set(STAGES):
        raise SettingsError(f"audit stage {min(unknown)!r} is none of {', '.join(STAGES)}")
    return _Rule(Verdict(level, stages, bool(raw.get("omitManagedFields", managed))), raw)


def _names(entry: Mapping[str, Any], attributes: Attributes) -> bool:
    if entry.get("group", "") != attributes.group:
        return False
    resources: Sequence[str] = entry.get("resources") or ()
    if not resources:
        return True
    names = entry.get("resourceNames") or ()
    if names and attributes.name not in names:
        return False
    combined = f"{attributes.resource}/{attributes.subresource}" if attributes.subresource else attributes.resource
    wildcards = {"*", f"*/{attributes.subresource}"} if attributes.subresource else {"*"}
    return combined in resources or f"{attributes.resource}/*" in resources or bool(wildcards & set(resources))
