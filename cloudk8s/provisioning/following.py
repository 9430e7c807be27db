"""What a cluster file says that a provider cannot follow: refused rather than left out without a word.

A cluster that is there goes on as it was recorded: only what is new in its declaration is looked at.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from cloudk8s.cloud.model.machine import MachineCapabilities
from cloudk8s.cloud.model.network import NetworkCapabilities
from cloudk8s.errors import FieldError
from cloudk8s.provisioning.declaration.cluster import CONTROL_PLANE, ClusterDeclaration
from cloudk8s.provisioning.declaration.network import NetworkDeclaration
from cloudk8s.provisioning.declaration.pool import ControlPlane, Pool
from cloudk8s.provisioning.site import Site

NOTHING = NetworkCapabilities(
    creates_network=False, api_load_balancer=False, firewall=False, nat=False, api_schemes=False, options=()
)
USUAL = NetworkDeclaration()
RANGES = {"sshSourceRanges": "ssh_source_ranges", "nodePortSourceRanges": "node_port_source_ranges"}
LOOKED_AT = {"zones", "type", "image", "root_volume_gib", "scaling_group", "spot", "options"}
"""What is looked at of machines."""
MANY = 6
"""More options than this are not listed."""
FOREIGN = "makes no networks: machines go into one that is there, which options of pools name"


@dataclass(frozen=True, slots=True)
class Refusal:
    """One field that would be ignored."""

    field: str
    said: str
    """What it says, of whom; not where it stands, which changes when others come and go."""
    reason: str


def check_followed(site: Site, declaration: ClusterDeclaration, recorded: ClusterDeclaration | None = None) -> None:
    """Raise FieldError for the first field that would be ignored, and was not recorded like that before."""
    if recorded is not None and _sayings(declaration) <= _sayings(recorded):
        return  # without a call: providers may have to ask what they can do
    known = {entry.said for entry in _refused(site, recorded)} if recorded is not None else set()
    entry = next((entry for entry in _refused(site, declaration) if entry.said not in known), None)
    if entry is not None:
        what = f"driver {driver!r} of {site.provider}" if (driver := site.settings.get("driver")) else site.provider
        raise FieldError(entry.field, f"{what} {entry.reason}; leave it out")


def _sayings(declaration: ClusterDeclaration) -> set[str]:
    """All that is looked at and is not as usual. Zones are pinned once a cluster is there."""
    network = declaration.network.model_dump(
        mode="json", exclude_defaults=True, exclude={"zones", "zone_count", "existing"}
    )
    found = {f"network.{name}={value}" for name, value in network.items()}
    for _, machine in machines_of(declaration):
        group = machine.name if isinstance(machine, Pool) else CONTROL_PLANE
        said = machine.model_dump(mode="json", exclude_defaults=True, include=LOOKED_AT)
        found |= {f"{group}.{name}={value}" for name, value in said.items()}
    return found


def machines_of(declaration: ClusterDeclaration) -> Iterator[tuple[str, ControlPlane | Pool]]:
    """The control plane and the pools, each with its place in the file."""
    yield "controlPlane", declaration.control_plane
    yield from ((f"pools[{number}]", pool) for number, pool in enumerate(declaration.pools))


def _refused(site: Site, declaration: ClusterDeclaration) -> Iterator[Refusal]:
    capabilities = site.networks.capabilities if site.networks is not None else NOTHING
    has_zones = bool(capabilities.zones or site.machines.capabilities.zones or declaration.network.existing)
    yield from _of_network(declaration.network, capabilities, has_zones=has_zones)
    for place, machine in machines_of(declaration):
        group = machine.name if isinstance(machine, Pool) else CONTROL_PLANE
        for field, value, reason in _of_machine(
            machine, site.machines.capabilities, has_zones=has_zones, has_groups=site.groups is not None
        ):
            yield Refusal(f"{place}.{field}", f"{group}.{field}={value}", reason)


def _of_network(
    network: NetworkDeclaration, capabilities: NetworkCapabilities, *, has_zones: bool
) -> Iterator[Refusal]:  # fmt: skip
    def refusal(field: str, value: Any, reason: str) -> Refusal:
        return Refusal(f"network.{field}", f"network.{field}={value}", reason)

    if not capabilities.creates_network and network.cidr != USUAL.cidr:
        yield refusal("cidr", network.cidr, FOREIGN)
    if not capabilities.nat and network.nat != USUAL.nat:
        reason = "has no NAT gateways: its network leads where it leads" if capabilities.creates_network else FOREIGN
        yield refusal("nat", network.nat, reason)
    if not capabilities.api_schemes and network.api.scheme != USUAL.api.scheme:
        reason = "does not choose whether the API has a public address: the network there does"
        yield refusal("api.scheme", network.api.scheme, reason)
    if not has_zones and network.zones:
        yield refusal("zones", network.zones, "has no choice of zones")
    if not has_zones and network.zone_count:
        yield refusal("zoneCount", network.zone_count, "has no choice of zones")
    if not capabilities.firewall:
        for field, value in _ranges(network):
            yield refusal(field, value, "does not restrict who may reach machines here")
    if capabilities.options is not None:
        for name in sorted(set(network.options) - set(capabilities.options)):
            yield refusal(f"options.{name}", network.options[name], _unknown(name, capabilities.options))


def _ranges(network: NetworkDeclaration) -> Iterator[tuple[str, Any]]:
    if network.api.source_ranges != USUAL.api.source_ranges:
        yield "api.sourceRanges", network.api.source_ranges
    yield from ((field, value) for field, name in RANGES.items() if (value := getattr(network, name)))


def _of_machine(
    machine: ControlPlane | Pool, capabilities: MachineCapabilities, *, has_zones: bool, has_groups: bool
) -> Iterator[tuple[str, Any, str]]:  # fmt: skip
    if machine.zones and not has_zones:
        yield "zones", machine.zones, "has no choice of zones"
    if machine.type and capabilities.types and machine.type not in capabilities.types:
        yield "type", machine.type, f"has no such type, only {', '.join(capabilities.types)}"
    if machine.image and not capabilities.images:
        yield "image", machine.image, "has no choice of images"
    if machine.root_volume_gib and not capabilities.root_volumes:
        yield "rootVolumeGiB", machine.root_volume_gib, "does not size root volumes"
    if isinstance(machine, Pool) and machine.scaling_group and not has_groups:
        yield "scalingGroup", True, "has no groups that keep machines"
    if isinstance(machine, Pool) and machine.spot and not capabilities.spot:
        yield "spot", True, "has no spare capacity that is sold for less"
    if capabilities.options is not None:
        for name in sorted(set(machine.options) - set(capabilities.options)):
            yield f"options.{name}", machine.options[name], _unknown(name, capabilities.options)


def _unknown(name: str, options: tuple[str, ...]) -> str:
    if len(options) > MANY:
        near = difflib.get_close_matches(name, options, n=1)
        return f"knows no such option{f'; did you mean {near[0]!r}?' if near else ''}"
    return f"knows no such option{', only ' if options else ''}{', '.join(options)}"
