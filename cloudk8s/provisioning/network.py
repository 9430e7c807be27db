"""A declaration as a network request. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from cloudk8s.cloud.interface import FindsNetworks
from cloudk8s.cloud.model.network import ExistingNetwork, NetworkRequest, NetworkSearch
from cloudk8s.errors import FieldError
from cloudk8s.provisioning.declaration.cluster import ClusterDeclaration
from cloudk8s.provisioning.declaration.network import Existing
from cloudk8s.provisioning.identity import cluster_uid
from cloudk8s.provisioning.record import to_tags


def pinned(
    declaration: ClusterDeclaration, recorded: ClusterDeclaration | None, zones: Sequence[str]
) -> ClusterDeclaration:
    """The declaration with zones filled in: once chosen they stay, so that a default never moves a cluster."""
    network = declaration.network
    if network.zones:
        return declaration
    known = recorded.network.zones if recorded is not None else ()
    count = network.zone_count or (len(known) if known else declaration.control_plane.replicas)
    if zones and count > len(zones) and network.zone_count:
        raise FieldError("network.zoneCount", f"there are only {len(zones)} zones: {', '.join(zones)}")
    others = [zone for zone in zones if zone not in known]
    chosen = (*known, *others[: max(count - len(known), 0)])
    return declaration.model_copy(update={"network": network.model_copy(update={"zones": chosen, "zone_count": 0})})


def network_request(declaration: ClusterDeclaration, members: Sequence[str] = ()) -> NetworkRequest:
    """What the provider is asked to make around the machines."""
    network = declaration.network
    return NetworkRequest(
        cluster=declaration.name, uid=cluster_uid(declaration.name), cidr=network.cidr, zones=network.zones,
        pod_cidrs=network.pod_cidrs, service_cidrs=network.service_cidrs, api_port=network.api.port,
        api_scheme=network.api.scheme, api_source_ranges=network.api.source_ranges, dns_zone=network.api.dns_zone,
        dns_name=network.api.dns_name, ssh_source_ranges=network.ssh_source_ranges,
        node_port_source_ranges=network.node_port_source_ranges, nat=network.nat,
        existing=_existing(network.existing), tags=declaration.tags, members=tuple(sorted(members)),
        record=to_tags(declaration), options=network.options, self_managed=declaration.self_managed,
        hears_interruptions=any(pool.spot for pool in declaration.pools),
    )  # fmt: skip


def _existing(declared: Existing | None) -> ExistingNetwork | None:
    if declared is None:
        return None
    return ExistingNetwork(
        declared.id, declared.cidrs, declared.machine_subnets, declared.load_balancer_subnets,
        declared.public_addresses, declared.route_tables,
    )  # fmt: skip


def found(declaration: ClusterDeclaration, recorded: ClusterDeclaration | None, networks: object) -> ClusterDeclaration:
    """The declaration with what an existing network has filled in: looked up once, then it stays."""
    existing, before = declaration.network.existing, recorded.network.existing if recorded is not None else None
    if recorded is not None and _named(existing) != _named(before):
        raise FieldError("network.existing", "a cluster stays in its network and subnets; make another cluster")
    if existing is None:
        return declaration
    if recorded is not None and before is not None:
        return _with_network(declaration, {"existing": before, "cidr": recorded.network.cidr})
    if not isinstance(networks, FindsNetworks):
        raise FieldError("network.existing", f"{declaration.provider} makes networks of its own only")
    network = declaration.network
    answer = networks.find_network(
        NetworkSearch(
            existing.id, existing.subnets, existing.subnet_tags, network.zones,
            network.zone_count or declaration.control_plane.replicas, network.api.scheme,
            (*network.pod_cidrs, *network.service_cidrs),
        )
    )  # fmt: skip
    filled = existing.model_copy(
        update={
            "machine_subnets": dict(answer.machines), "load_balancer_subnets": dict(answer.balancers),
            "cidrs": answer.cidrs, "public_addresses": answer.is_public, "route_tables": answer.route_tables,
        }
    )  # fmt: skip
    zones = tuple(sorted(answer.machines))
    return _with_network(declaration, {"existing": filled, "cidr": answer.cidrs[0], "zones": zones, "zone_count": 0})


def _named(existing: Existing | None) -> Existing | None:
    """What a person says of it."""
    if existing is None:
        return None
    return Existing(id=existing.id, subnets=existing.subnets, subnet_tags=existing.subnet_tags)


def _with_network(declaration: ClusterDeclaration, update: Mapping[str, Any]) -> ClusterDeclaration:
    return declaration.model_copy(update={"network": declaration.network.model_copy(update=dict(update))})


def with_members(request: NetworkRequest, members: Sequence[str]) -> NetworkRequest:
    """The request with these machines behind the endpoint."""
    return replace(request, members=tuple(sorted(members)))
