"""What the machines of a pool were made of before, as its MachineSets remember it, and the way back there."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from cloudk8s.client.objects import annotations_of, labels_of, status_of
from cloudk8s.errors import UserError
from cloudk8s.machinery.codec import decode, encode_sorted
from cloudk8s.provisioning.declaration.cluster import ClusterDeclaration
from cloudk8s.provisioning.declaration.reading import declare
from cloudk8s.provisioning.machines.template import MachineTemplate, groups_of
from cloudk8s.provisioning.nodes.api import ClusterApi
from cloudk8s.provisioning.objects import kinds
from cloudk8s.provisioning.objects.reading import listed
from cloudk8s.provisioning.objects.writing import object_name

MADE_OF: Final = "cloudk8s.io/made-of"
"""Annotation of a MachineSet: what its machines are made of, as it stands in a cluster file."""


@dataclass(frozen=True, slots=True)
class Revision:
    """One of a pool's."""

    pool: str
    number: int
    machines: int
    is_current: bool
    content: Mapping[str, Any]
    """Empty where nobody wrote it down."""


def made_of(template: MachineTemplate) -> str:
    """What is written down of a template."""
    found = {
        "type": template.type, "image": template.image, "rootVolumeGiB": template.root_volume_gib,
        "spot": template.spot, "options": dict(template.options),
    }  # fmt: skip
    return encode_sorted({key: value for key, value in found.items() if value}).decode()


def revisions(api: ClusterApi, declaration: ClusterDeclaration, pool: str = "") -> list[Revision]:
    """Those of a pool, or of all, the latest last. Raises UserError for a pool that is not there."""
    names = [each.name for each in declaration.pools]
    if pool and pool not in names:
        raise UserError(f"there is no pool {pool!r}; there is {', '.join(names) or 'none'}")
    current = {group.name: group.template.hash for group in groups_of(declaration)}
    found = []
    for entry in listed(api, kinds.MACHINE_SETS):
        name = labels_of(entry).get(kinds.DEPLOYMENT_NAME, "")
        owner = next((each for each in names if object_name(declaration.name, each) == name), "")
        if owner and pool in ("", owner):
            notes = annotations_of(entry)
            content = decode(notes[MADE_OF].encode()) if MADE_OF in notes else {}
            is_current = labels_of(entry).get(kinds.TEMPLATE_HASH) == current[owner]
            machines, number = int(status_of(entry).get("replicas") or 0), int(notes.get(kinds.REVISION) or 0)
            found.append(Revision(owner, number, machines, is_current, content))
    return sorted(found, key=lambda each: (each.pool, each.number))


def chosen(found: list[Revision], pool: str, number: int) -> Revision:
    """The revision of that number, or with 0 the latest before the current one. Raises UserError."""
    mine = [each for each in found if each.pool == pool and not each.is_current and each.number]
    if number:
        mine = [each for each in mine if each.number == number]
    if not mine:
        what = f"revision {number}" if number else "an earlier revision"
        raise UserError(f"pool {pool!r} has no {what} to go back to; see: cloudk8s cluster history")
    return mine[-1]


def gone_back(declaration: ClusterDeclaration, revision: Revision) -> ClusterDeclaration:
    """The declaration with the pool's machines made of what they were; versions never go back."""
    fields = ("type", "image", "rootVolumeGiB", "spot", "options")
    entry = declaration.model_dump(mode="json", by_alias=True, exclude_defaults=True)
    pools = []
    for pool in declaration.pools:
        known = {**pool.model_dump(mode="json", by_alias=True, exclude_defaults=True), "name": pool.name}
        if pool.name == revision.pool:
            known = {key: value for key, value in known.items() if key not in fields} | dict(revision.content)
        pools.append(known)
    name, provider = declaration.name, declaration.provider
    return declare({**entry, "name": name, "provider": provider, "pools": pools}, "options")
