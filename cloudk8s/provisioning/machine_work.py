"""Carry out one decision about machines: a call to make and a call to delete, for many machines each."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from cloudk8s.cloud.model.machine import Machine, MachineRequest
from cloudk8s.cloud.model.network import Network
from cloudk8s.errors import CloudError
from cloudk8s.provisioning.machines.decision import Deletion
from cloudk8s.provisioning.progress import Event
from cloudk8s.provisioning.site import Site


@dataclass(slots=True)
class Work:
    """What became of a decision."""

    made: list[Machine] = field(default_factory=list)
    deleted: list[Machine] = field(default_factory=list)
    """Deletion has begun."""
    failures: dict[str, CloudError] = field(default_factory=dict)


def make(site: Site, requests: Sequence[MachineRequest]) -> Work:
    """Make what was decided; never raises for what a cloud does."""
    work = Work()
    if requests:
        _create(site, requests, work)
    return work


def remove(site: Site, deletions: Sequence[Deletion]) -> Work:
    """Delete what was decided; never raises for what a cloud does."""
    work = Work()
    if deletions:
        _delete(site, deletions, work)
    return work


def completed(request: MachineRequest, network: Network) -> MachineRequest:
    """The request with its place in the network: of its role and zone; of its role where it names no zone."""
    places = network.attachments
    if request.zone:
        return replace(request, network=places.get(f"{request.role}/{request.zone}", {}))
    first = next((place for name, place in sorted(places.items()) if name.startswith(f"{request.role}/")), {})
    return replace(request, network=first)


def _create(site: Site, requests: Sequence[MachineRequest], work: Work) -> None:
    site.intend("create", [request.name for request in requests])
    try:
        answers: Mapping[str, Machine | CloudError] = site.engine.retries.call(lambda: site.machines.create(requests))
    except CloudError as error:
        answers = {request.uid: error for request in requests}
    for request in requests:
        answer = answers.get(request.uid) or CloudError("the provider did not answer for it")
        if isinstance(answer, CloudError):
            work.failures[f"machine {request.name}"] = answer
        else:
            work.made.append(answer)
            site.memory.made([answer])
            site.report(Event("made", f"machine/{answer.name}", answer.id))


def _delete(site: Site, deletions: Sequence[Deletion], work: Work) -> None:
    machines = [deletion.machine.machine for deletion in deletions]
    site.intend("delete", [machine.id for machine in machines])
    try:
        failed = dict(site.engine.retries.call(lambda: site.machines.delete(machines)))
    except CloudError as error:
        failed = dict.fromkeys((machine.id for machine in machines), error)
    for deletion in deletions:
        machine = deletion.machine.machine
        if machine.id in failed:
            work.failures[f"machine {machine.name}"] = failed[machine.id]
        else:
            work.deleted.append(machine)
            site.memory.deleted([machine])
            site.report(Event("deleted", f"machine/{machine.name}", f"{machine.id}: {deletion.reason}"))
