"""What a terminating namespace says about its deletion: five conditions, all of them always there."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

from cloudk8s.client.interface import Object, Resource
from cloudk8s.client.objects import status_of
from cloudk8s.controllers.conditions import Condition, find, new

GOOD: Final[Mapping[str, tuple[str, str]]] = {
    "NamespaceDeletionDiscoveryFailure": ("ResourcesDiscovered", "All resources successfully discovered"),
    "NamespaceDeletionGroupVersionParsingFailure": (
        "ParsedGroupVersions",
        "All legacy kube types successfully parsed",
    ),
    "NamespaceDeletionContentFailure": (
        "ContentDeleted",
        "All content successfully deleted, may be waiting on finalization",
    ),
    "NamespaceContentRemaining": ("ContentRemoved", "All content successfully removed"),
    "NamespaceFinalizersRemaining": ("ContentHasNoFinalizers", "All content-preserving finalizers finished"),
}
"""Reason and message of each condition while it is False, that is, while all is well."""


@dataclass(slots=True)
class Progress:
    """What one pass over a namespace's content found."""

    undiscovered: Sequence[str] = ()
    errors: list[str] = field(default_factory=list)
    remaining: dict[Resource, int] = field(default_factory=dict)
    finalizers: dict[str, int] = field(default_factory=dict)
    wait: int = 0
    """Seconds that what remains is expected to take; 0 where nobody can say."""

    @property
    def is_done(self) -> bool:
        return not self.undiscovered and not self.errors and not self.remaining


def conditions_of(namespace: Object, progress: Progress, now: datetime) -> list[Condition]:
    """The namespace's conditions brought up to date."""
    bad = _bad(progress)
    found: list[Condition] = list(status_of(namespace).get("conditions") or ())
    for type, (reason, message) in GOOD.items():
        wanted = new(type, "True", *bad[type], now) if type in bad else new(type, "False", reason, message, now)
        found = _replaced(found, wanted)
    return found


def _bad(progress: Progress) -> dict[str, tuple[str, str]]:
    bad: dict[str, tuple[str, str]] = {}
    if progress.undiscovered:
        groups = ", ".join(sorted(progress.undiscovered))
        message = f"Discovery failed for some groups, {len(progress.undiscovered)} failing: {groups}"
        bad["NamespaceDeletionDiscoveryFailure"] = ("DiscoveryFailed", message)
    if progress.errors:
        errors = ", ".join(sorted(progress.errors))
        message = f"Failed to delete all resource types, {len(progress.errors)} remaining: {errors}"
        bad["NamespaceDeletionContentFailure"] = ("ContentDeletionFailed", message)
    if progress.remaining:
        counts = (f"{r.plural}.{r.group} has {count} resource instances" for r, count in progress.remaining.items())
        message = f"Some resources are remaining: {', '.join(sorted(counts))}"
        bad["NamespaceContentRemaining"] = ("SomeResourcesRemain", message)
    if progress.finalizers:
        counts = (f"{name} in {count} resource instances" for name, count in progress.finalizers.items())
        message = f"Some content in the namespace has finalizers remaining: {', '.join(sorted(counts))}"
        bad["NamespaceFinalizersRemaining"] = ("SomeFinalizersRemain", message)
    return bad


def _replaced(found: list[Condition], wanted: dict[str, Any]) -> list[Condition]:
    old = find(found, wanted["type"])
    if old is None:
        return [*found, wanted]
    if all(old.get(name) == wanted[name] for name in ("status", "reason", "message")):
        return found
    return [wanted if item is old else item for item in found]
