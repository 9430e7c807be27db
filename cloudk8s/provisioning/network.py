"""A declaration as a network request. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from cloudk8s.cloud.model.network import NetworkRequest
from cloudk8s.errors import SettingsError
from cloudk8s.provisioning.declaration.cluster import ClusterDeclaration
from cloudk8s.provisioning.identity import cluster_uid
from cloudk8s.provisioning.record import to_tags


def pinned(
    declaration: ClusterDeclaration, recorded: ClusterDeclaration | None, zones: Sequence[str]
) -> ClusterDeclaration:
    """The declaration with zones filled in: once chosen they stay, so that a default never moves a cluster."""
    network = declaration.network
    if network.zones:
        return declaration
    if recorded is not None and recorded.network.zones and not network.zone_count:
        chosen = recorded.network.zones
    else:
        count = network.zone_count or declaration.control_plane.replicas
        if zones and count > len(zones) and network.zone_count:
            raise SettingsError(f"network.zoneCount: there are only {len(zones)} zones: {', '.join(zones)}")
        chosen = tuple(zones[:count])
    return declaration.model_copy(update={"network": network.model_copy(update={"zones": chosen, "zone_count": 0})})


def network_request(declaration: ClusterDeclaration, members: Sequence[str] = ()) -> NetworkRequest:
    """What the provider is asked to make around the machines."""
    network = declaration.network
    return NetworkRequest(
        cluster=declaration.name, uid=cluster_uid(declaration.name), cidr=network.cidr, zones=network.zones,
        pod_cidrs=network.pod_cidrs, service_cidrs=network.service_cidrs, api_port=network.api.port,
        api_scheme=network.api.scheme, api_source_ranges=network.api.source_ranges,
        dns_zone=network.api.dns_zone, dns_name=network.api.dns_name,
        ssh_source_ranges=network.ssh_source_ranges, node_port_source_ranges=network.node_port_source_ranges,
        nat=network.nat, tags=declaration.tags, members=tuple(sorted(members)), record=to_tags(declaration),
        options=network.options,
    )  # fmt: skip


def with_members(request: NetworkRequest, members: Sequence[str]) -> NetworkRequest:
    """The request with these machines behind the endpoint."""
    return replace(request, members=tuple(sorted(members)))
