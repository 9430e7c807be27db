"""A cluster as people and programs read it. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from cloudk8s.cloud.interface import KeepsRecords
from cloudk8s.provisioning.declaration.cluster import CONTROL_PLANE
from cloudk8s.provisioning.machines.template import Group, groups_of
from cloudk8s.provisioning.machines.view import MachineView
from cloudk8s.provisioning.network import network_request
from cloudk8s.provisioning.record import from_tags
from cloudk8s.provisioning.site import Site
from cloudk8s.provisioning.state import State, record_on


def describe(site: Site, state: State) -> dict[str, Any]:
    """Everything that is known of one cluster."""
    endpoint = ""
    if site.networks is not None and state.recorded is not None:
        request = network_request(state.recorded, state.members)
        endpoint = site.networks.outputs(request, state.observation).endpoint
    groups = groups_of(state.recorded) if state.recorded is not None else ()
    return {
        "name": site.cluster,
        "provider": site.provider,
        "phase": phase(state, groups),
        "version": state.recorded.version if state.recorded else "",
        "endpoint": endpoint,
        "groups": [_group(name, groups, state.machines) for name in _names(groups, state.machines)],
        "machines": [_machine(view) for view in state.machines if view.machine.state != "gone"],
        "resources": [
            {"type": entry.type, "key": entry.key, "id": entry.id, "state": entry.state}
            for entry in state.observation.resources
        ],
        "declaration": _without_settings(state.recorded.compact()) if state.recorded else None,
    }


def phase(state: State, groups: Sequence[Group]) -> str:
    """For display, in Cluster API's words."""
    if not state.exists:
        return "Absent"
    if state.recorded is None:
        return "Deleting"
    serving = {group.name: 0 for group in groups}
    for view in state.machines:
        if view.group in serving:
            serving[view.group] += view.is_available
    return "Provisioned" if all(serving[group.name] >= group.replicas for group in groups) else "Provisioning"


def list_clusters(site: Site) -> list[dict[str, Any]]:
    """All clusters of the account, from its tags alone."""
    records: dict[str, Mapping[str, str]] = {}
    networks: object = site.networks
    if isinstance(networks, KeepsRecords):
        records |= networks.records()
    names = sorted({*records, *site.machines.list_clusters()})
    if not isinstance(networks, KeepsRecords):
        records |= {name: record_on(site.machines.list_owned(name)) for name in names}
    return [_row(site, name, records.get(name, {})) for name in names]


def _row(site: Site, name: str, record: Mapping[str, str]) -> dict[str, Any]:
    declared = from_tags(record, {})
    return {
        "name": name,
        "provider": site.provider,
        "version": declared.version if declared else "",
        "controlPlane": declared.control_plane.replicas if declared else None,
        "workers": sum(pool.replicas for pool in declared.pools) if declared else None,
        "pools": [pool.name for pool in declared.pools] if declared else [],
    }


def _names(groups: Sequence[Group], machines: Sequence[MachineView]) -> list[str]:
    declared = [group.name for group in groups]
    others = sorted({view.group for view in machines if view.exists} - set(declared))
    return declared + others


def _group(name: str, groups: Sequence[Group], machines: Sequence[MachineView]) -> dict[str, Any]:
    group = next((entry for entry in groups if entry.name == name), None)
    mine = [view for view in machines if view.exists and view.group == name]
    current = group.template.hash if group else ""
    return {
        "name": name,
        "role": CONTROL_PLANE if name == CONTROL_PLANE else "worker",
        "replicas": group.replicas if group else 0,
        "current": len(mine),
        "available": sum(view.is_available for view in mine),
        "upToDate": sum(view.template == current for view in mine),
        "version": group.template.version if group else "",
    }


def _machine(view: MachineView) -> dict[str, Any]:
    machine = view.machine
    addresses = {entry.type: entry.address for entry in reversed(machine.addresses)}
    return {
        "name": machine.name,
        "id": machine.id,
        "group": view.group,
        "phase": view.phase,
        "type": machine.type,
        "zone": machine.zone,
        "version": view.version,
        "address": addresses.get("ExternalIP") or addresses.get("InternalIP") or "",
        "providerID": machine.provider_id,
        **({"interrupted": view.interrupted} if view.interrupted else {}),
    }


def _without_settings(entry: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in entry.items() if key != "settings"}
