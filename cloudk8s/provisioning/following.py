"""What a cluster file says of its network that a provider cannot follow: refused rather than left out without a word.

Only of new clusters: one that is there goes on as it was recorded.
"""

from __future__ import annotations

from collections.abc import Iterator

from cloudk8s.cloud.model.network import NetworkCapabilities
from cloudk8s.errors import FieldError
from cloudk8s.provisioning.declaration.cluster import ClusterDeclaration
from cloudk8s.provisioning.declaration.network import NetworkDeclaration
from cloudk8s.provisioning.site import Site

NOTHING = NetworkCapabilities(creates_network=False, api_load_balancer=False, firewall=False, options=())
USUAL = NetworkDeclaration()
RANGES = {"sshSourceRanges": "ssh_source_ranges", "nodePortSourceRanges": "node_port_source_ranges"}


def check_followed(site: Site, declaration: ClusterDeclaration) -> None:
    """Raise FieldError for the first field that would be ignored."""
    capabilities = site.networks.capabilities if site.networks is not None else NOTHING
    refused = [*_refused(site, declaration, capabilities)]
    if refused:
        what = f"driver {driver!r} of {site.provider}" if (driver := site.settings.get("driver")) else site.provider
        field, reason = refused[0]
        raise FieldError(field, f"{what} {reason}; leave it out")


def _refused(
    site: Site, declaration: ClusterDeclaration, capabilities: NetworkCapabilities
) -> Iterator[tuple[str, str]]:
    network = declaration.network
    if not capabilities.creates_network:
        for name in ("cidr", "nat"):
            if getattr(network, name) != getattr(USUAL, name):
                reason = "makes no networks: machines go into one that is there, which options of pools name"
                yield f"network.{name}", reason
        if not capabilities.api_load_balancer and network.api.scheme != USUAL.api.scheme:
            yield "network.api.scheme", "does not choose whether the API has a public address: the network there does"
    if network.existing is None and not (capabilities.zones or site.machines.capabilities.zones):
        for field in _zones(declaration):
            yield field, "has no choice of zones"
    if not capabilities.firewall:
        yield from ((field, "does not restrict who may reach machines here") for field in _ranges(network))
    if capabilities.options is not None:
        for name in sorted(set(network.options) - set(capabilities.options)):
            known = f", only {', '.join(capabilities.options)}" if capabilities.options else ""
            yield f"network.options.{name}", f"knows no such option{known}"


def _zones(declaration: ClusterDeclaration) -> Iterator[str]:
    if declaration.network.zones:
        yield "network.zones"
    if declaration.network.zone_count:
        yield "network.zoneCount"
    if declaration.control_plane.zones:
        yield "controlPlane.zones"
    yield from (f"pools[{number}].zones" for number, pool in enumerate(declaration.pools) if pool.zones)


def _ranges(network: NetworkDeclaration) -> Iterator[str]:
    if network.api.source_ranges != USUAL.api.source_ranges:
        yield "network.api.sourceRanges"
    yield from (f"network.{field}" for field, name in RANGES.items() if getattr(network, name))
