"""Keep the record of a cluster whose network keeps none: on the machines of its control plane."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from cloudk8s.cloud.interface import KeepsRecords, TagsMachines
from cloudk8s.cloud.model.machine import MachineRequest
from cloudk8s.errors import CloudError
from cloudk8s.provisioning.declaration.cluster import ClusterDeclaration
from cloudk8s.provisioning.machines.view import MachineView
from cloudk8s.provisioning.record import MOST, PREFIX, only_record, to_tags
from cloudk8s.provisioning.site import Site


def with_record(site: Site, declaration: ClusterDeclaration, request: MachineRequest) -> MachineRequest:
    """The request of a machine that is to carry the record, if machines do."""
    if isinstance(site.networks, KeepsRecords) or request.role != "control-plane":
        return request
    return replace(request, tags={**request.tags, **to_tags(declaration)})


def keep_record(site: Site, declaration: ClusterDeclaration, machines: Sequence[MachineView]) -> dict[str, CloudError]:
    """Bring the record on machines up to date; returns what failed."""
    contract: object = site.machines
    if isinstance(site.networks, KeepsRecords) or not isinstance(contract, TagsMachines):
        return {}
    record = to_tags(declaration)
    stale = [
        view.machine
        for view in machines
        if view.exists and view.machine.role == "control-plane" and _living(view) != record
    ]
    if not stale:
        return {}
    blank = {f"{PREFIX}{number}": "" for number in range(len(record), MOST) if _is_longer(stale, number)}
    failed = contract.tag(stale, {**record, **blank})
    names = {machine.id: machine.name for machine in stale}
    return {f"tags of machine {names.get(id, id)}": error for id, error in failed.items()}


def _living(view: MachineView) -> dict[str, str]:
    return {key: text for key, text in only_record(view.machine.tags).items() if text}


def _is_longer(machines: Sequence[object], number: int) -> bool:
    return any(f"{PREFIX}{number}" in getattr(machine, "tags", {}) for machine in machines)
