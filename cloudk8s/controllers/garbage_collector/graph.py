"""Who owns whom, read from the informers' indexes: nothing is stored twice, and a change costs what an index costs."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum
from typing import Any, TypeVar

from cloudk8s.client.interface import Client, Object, Resource
from cloudk8s.client.objects import finalizers_of, is_deleting, namespace_of, owner_references_of, uid_of
from cloudk8s.controllers.garbage_collector.monitors import Monitors
from cloudk8s.errors import NotFound

FOREGROUND = "foregroundDeletion"
ORPHAN = "orphan"
REMEMBERED = 500
LEFT = 10_000
"""How many objects that went are remembered: what they owned needs no second thought."""

Reference = Mapping[str, Any]
Key = TypeVar("Key")


class Owner(Enum):
    """What an owner reference points to."""

    SOLID = "it is there"
    WAITING = "it is being deleted and waits for its dependents to go first"
    ABSENT = "it is gone"
    UNKNOWN = "its kind is not served, so nobody can say"


@dataclass(slots=True)
class Owners:
    """An object's owner references by what they point to."""

    solid: list[Reference] = field(default_factory=list)
    waiting: list[Reference] = field(default_factory=list)
    absent: list[Reference] = field(default_factory=list)
    misplaced: list[Reference] = field(default_factory=list)
    """References across namespaces, which are never right; they are in one of the other lists too."""
    unseen: list[Reference] = field(default_factory=list)
    """What no informer has shown yet, though it may be there: none would tell that it went. These are solid too."""


class Graph:
    """Answers from caches; asks the server only before it calls an owner gone."""

    def __init__(self, client: Client, monitors: Monitors) -> None:
        self._client = client
        self._monitors = monitors
        self._absent: OrderedDict[tuple[str, str], None] = OrderedDict()
        self._removed: OrderedDict[str, None] = OrderedDict()

    def dependents(self, uid: str) -> Sequence[tuple[Resource, Object]]:
        """Every object that names this owner."""
        return [
            (resource, obj) for resource, informer in self._monitors.items() for obj in informer.by_index("owner", uid)
        ]

    def blocking(self, uid: str) -> Sequence[tuple[Resource, Object]]:
        """The dependents that an owner which is deleted in the foreground waits for."""
        return [(resource, obj) for resource, obj in self.dependents(uid) if _blocks(obj, uid)]

    def cached_owner(self, obj: Object, reference: Reference) -> tuple[Resource, Object] | None:
        """The owner if an informer has it."""
        resource = self._monitors.resource_of(reference.get("apiVersion", ""), reference.get("kind", ""))
        found = self._monitors.monitored(resource) if resource else None
        if found is None:
            return None
        namespace = namespace_of(obj) if found[0].namespaced else ""
        owner = found[1].get(reference["name"], namespace)
        return (found[0], owner) if owner is not None and uid_of(owner) == reference["uid"] else None

    async def owners(self, obj: Object) -> Owners:
        """Sort an object's owner references. Raises StatusError if an owner could not be asked for."""
        owners = Owners()
        for reference in owner_references_of(obj):
            found = await self._kind_of(obj, reference)
            if found in (Owner.ABSENT, Owner.UNKNOWN) and self._is_misplaced(obj, reference):
                owners.misplaced.append(reference)
            match found:
                case Owner.ABSENT:
                    owners.absent.append(reference)
                case Owner.WAITING:
                    owners.waiting.append(reference)
                case _:
                    owners.solid.append(reference)
                    if reference not in owners.misplaced and self.cached_owner(obj, reference) is None:
                        owners.unseen.append(reference)
        return owners

    def removed(self, uid: str) -> None:
        """An object went: whoever names it as an owner is right about where it was."""
        _remember(self._removed, uid, LEFT)

    def _is_misplaced(self, obj: Object, reference: Reference) -> bool:
        """Whether a reference names an owner that lives in a namespace, and not in the object's."""
        resource = self._monitors.resource_of(reference.get("apiVersion", ""), reference.get("kind", ""))
        if resource is None or not resource.namespaced or reference["uid"] in self._removed:
            return False
        found = self._monitors.monitored(resource)
        if not namespace_of(obj) or found is None:
            return not namespace_of(obj)
        return any(uid_of(each) == reference["uid"] for each in found[1].list())

    async def _kind_of(self, obj: Object, reference: Reference) -> Owner:
        cached = self.cached_owner(obj, reference)
        if cached is not None:
            return Owner.WAITING if waits_for_dependents(cached[1]) else Owner.SOLID
        key = (namespace_of(obj), reference["uid"])
        if key in self._absent:
            return Owner.ABSENT
        resource = self._monitors.resource_of(reference.get("apiVersion", ""), reference.get("kind", ""))
        if resource is None or (resource.namespaced and not namespace_of(obj)):
            return Owner.UNKNOWN
        owner = await self._ask(resource, reference["name"], namespace_of(obj))
        if owner is None or uid_of(owner) != reference["uid"]:
            _remember(self._absent, key, REMEMBERED)
            return Owner.ABSENT
        return Owner.WAITING if waits_for_dependents(owner) else Owner.SOLID

    async def _ask(self, resource: Resource, name: str, namespace: str) -> Object | None:
        try:
            return await self._client.get(resource, name, namespace=namespace if resource.namespaced else "")
        except NotFound:
            return None


def waits_for_dependents(obj: Object) -> bool:
    """It is being deleted in the foreground."""
    return is_deleting(obj) and FOREGROUND in finalizers_of(obj)


def waits_for_orphans(obj: Object) -> bool:
    """It is being deleted and its dependents are to stay."""
    return is_deleting(obj) and ORPHAN in finalizers_of(obj)


def _remember(known: OrderedDict[Key, None], key: Key, most: int) -> None:
    known[key] = None
    if len(known) > most:
        known.popitem(last=False)


def _blocks(obj: Object, uid: str) -> bool:
    return any(
        reference["uid"] == uid and reference.get("blockOwnerDeletion") for reference in owner_references_of(obj)
    )
