"""Hear what the cloud is about to take, and mark these machines as going, for whoever decides about them.

The mark is a tag in the cloud, set before the message is forgotten: it outlives this process and needs no API of the
cluster. A message about anything else is forgotten at once.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Sequence
from dataclasses import replace

from cloudk8s.cloud.interface import HearsInterruptions, TagsMachines
from cloudk8s.cloud.model.interruption import Interruption
from cloudk8s.errors import CloudError
from cloudk8s.provisioning.declaration.cluster import ClusterDeclaration
from cloudk8s.provisioning.identity import cluster_uid
from cloudk8s.provisioning.machines.view import INTERRUPTED, MachineView
from cloudk8s.provisioning.progress import Event
from cloudk8s.provisioning.site import Site

MOST_TEXT = 200
"""Characters of a tag's value, within what all clouds take."""
log = logging.getLogger(__name__)


def heed(site: Site, declaration: ClusterDeclaration, machines: Sequence[MachineView]) -> tuple[MachineView, ...]:
    """The machines, with marks on those that the cloud is about to take. What fails is told, and tried next time."""
    networks: object = site.networks
    if not isinstance(networks, HearsInterruptions) or not any(pool.spot for pool in declaration.pools):
        return tuple(machines)
    owner, seen = cluster_uid(site.cluster), tuple(machines)
    try:
        for entry in networks.interruptions(owner):
            seen = _taken_up(site, seen, entry)
            networks.forget_interruptions(owner, [entry])
    except CloudError as error:
        site.report(Event("failed", "what the cloud says beforehand", str(error)))
    return seen


def _taken_up(site: Site, machines: Sequence[MachineView], heard: Interruption) -> tuple[MachineView, ...]:
    ours = [view for view in machines if view.machine.id in heard.machines and view.exists]
    if not ours:
        log.info("forgotten: %s, about %s", heard.what, ", ".join(heard.machines) or "nothing that is known")
        return tuple(machines)
    for view in ours:
        site.report(Event("note", f"machine {view.name}", heard.what))
    going = [view for view in ours if heard.is_final and view.machine.role == "worker" and not view.interrupted]
    return _marked(site, machines, going, heard.what[:MOST_TEXT]) if going else tuple(machines)


def _marked(
    site: Site, machines: Iterable[MachineView], going: Sequence[MachineView], what: str
) -> tuple[MachineView, ...]:
    """Raises the first thing that keeps a machine from being marked, unless the machine is gone meanwhile."""
    contract: object = site.machines
    tags = {INTERRUPTED: what}
    if isinstance(contract, TagsMachines):
        for error in contract.tag([view.machine for view in going], tags).values():
            raise error
    ids = {view.machine.id for view in going}
    return tuple(
        replace(view, machine=replace(view.machine, tags={**view.machine.tags, **tags}))
        if view.machine.id in ids
        else view
        for view in machines
    )
