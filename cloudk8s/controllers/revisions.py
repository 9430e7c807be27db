"""ControllerRevisions: the templates that a StatefulSet or DaemonSet has had, numbered, so that it can go back.

A revision's data is the strategic merge patch that restores it, byte for byte as upstream writes it: either controller
can go on where the other stopped.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from cloudk8s.client.interface import Client, Object, Resource
from cloudk8s.client.objects import (
    annotations_of,
    controller_reference,
    name_of,
    namespace_of,
    spec_of,
)
from cloudk8s.client.resources import CONTROLLER_REVISIONS
from cloudk8s.controllers.hashes import fnv32, safe_encode
from cloudk8s.errors import AlreadyExists, NotFound
from cloudk8s.machinery import codec

HASH_LABEL: Final = "controller.kubernetes.io/hash"
POD_LABEL: Final = "controller-revision-hash"
"""On pods: the revision that they were made from."""
_LONGEST_PREFIX: Final = 223


def number_of(revision: Object) -> int:
    return int(revision.get("revision") or 0)


def in_order(revisions: Iterable[Object]) -> list[Object]:
    """Oldest first."""
    return sorted(
        revisions, key=lambda item: (number_of(item), item["metadata"].get("creationTimestamp", ""), name_of(item))
    )


def next_number(revisions: Iterable[Object]) -> int:
    return max(map(number_of, revisions), default=0) + 1


def patch_of(owner: Object) -> dict[str, Any]:
    """The data of a revision with the owner's present template; keys are sorted as Go sorts them."""
    template = {**spec_of(owner)["template"], "$patch": "replace"}
    restored: dict[str, Any] = codec.decode(codec.encode_sorted({"spec": {"template": template}}))
    return restored


def template_in(revision: Object) -> dict[str, Any]:
    """The template that a revision holds."""
    template = revision["data"]["spec"]["template"]
    return {name: value for name, value in template.items() if name != "$patch"}


def with_template_of(owner: Object, revision: Object) -> Object:
    """The owner as it was at that revision."""
    return {**owner, "spec": {**spec_of(owner), "template": template_in(revision)}}


def hash_of(data: Mapping[str, Any], collision_count: int) -> str:
    """Upstream's hash of a revision's data."""
    text = codec.encode_sorted(data)
    for char, escaped in _ESCAPED:
        text = text.replace(char, escaped)
    return safe_encode(str(fnv32(text + str(collision_count).encode())))


_ESCAPED: Final = tuple((char.encode(), f"\\u{ord(char):04x}".encode()) for char in ("<", ">", "&", "\u2028", "\u2029"))


def revision_name(parent: str, hash: str) -> str:
    return f"{parent[:_LONGEST_PREFIX]}-{hash}"


@dataclass(slots=True)
class History:
    """Makes and drops the revisions of one owner. `collision_count` grows when a name is taken by another template."""

    client: Client
    owner: Object
    resource: Resource
    collision_count: int

    async def ensure(self, revisions: Sequence[Object]) -> Object:
        """The revision of the owner's template: the newest of `revisions`, found again, or made."""
        data = patch_of(self.owner)
        equal = [item for item in revisions if item.get("data") == data]
        if equal and equal[-1] is revisions[-1]:
            return equal[-1]
        number = next_number(revisions)
        if equal:
            return await self._renumber(equal[-1], number)
        return await self._create(data, number)

    async def _renumber(self, revision: Object, number: int) -> Object:
        return await self.client.update(CONTROLLER_REVISIONS, {**revision, "revision": number})

    async def _create(self, data: dict[str, Any], number: int) -> Object:
        while True:
            revision = self._revision(data, number)
            name, namespace = name_of(revision), namespace_of(self.owner)
            try:
                return await self.client.create(CONTROLLER_REVISIONS, revision, namespace=namespace)
            except AlreadyExists:
                existing = await self.client.get(CONTROLLER_REVISIONS, name, namespace=namespace)
                if existing.get("data") == data:
                    return existing
                self.collision_count += 1

    def _revision(self, data: dict[str, Any], number: int) -> Object:
        hash = hash_of(data, self.collision_count)
        labels = (spec_of(self.owner)["template"].get("metadata") or {}).get("labels") or {}
        metadata: dict[str, Any] = {
            "name": revision_name(name_of(self.owner), hash),
            "namespace": namespace_of(self.owner),
            "labels": {**labels, HASH_LABEL: hash},
            "ownerReferences": [controller_reference(self.owner, self.resource)],
        }
        if annotations_of(self.owner):
            metadata["annotations"] = dict(annotations_of(self.owner))
        return {
            "apiVersion": "apps/v1",
            "kind": "ControllerRevision",
            "metadata": metadata,
            "data": data,
            "revision": number,
        }

    async def truncate(self, revisions: Sequence[Object], live: Iterable[str]) -> None:
        """Delete the oldest revisions beyond the owner's limit; those named in `live` stay and do not count."""
        kept = frozenset(live)
        limit = spec_of(self.owner).get("revisionHistoryLimit")
        spent = [item for item in revisions if name_of(item) not in kept]
        for item in spent[: max(0, len(spent) - (10 if limit is None else int(limit)))]:
            try:
                await self.client.delete(CONTROLLER_REVISIONS, name_of(item), namespace=namespace_of(item))
            except NotFound:
                continue
