"""What a cluster keeps from when it is made: another value would cut off its machines. Versions only go on. Pure."""

from __future__ import annotations

from collections.abc import Iterator

from cloudk8s.errors import FieldError, SettingsError
from cloudk8s.provisioning.declaration.cluster import ClusterDeclaration
from cloudk8s.provisioning.versions import check_upgrade


def check_stays(declaration: ClusterDeclaration, recorded: ClusterDeclaration) -> None:
    """Raise FieldError for the first field that can't have another value while the cluster lives."""
    try:
        check_upgrade(recorded.version, declaration.version)
    except SettingsError as error:
        raise FieldError("kubernetesVersion", str(error)) from error
    for field, before, reason in _changes(declaration, recorded):
        raise FieldError(field, f"{reason}; it stays {before}, or make another cluster")


def _changes(declaration: ClusterDeclaration, recorded: ClusterDeclaration) -> Iterator[tuple[str, str, str]]:
    """Field, what it was, and why it stays."""
    network, before = declaration.network, recorded.network
    if network.cidr != before.cidr:
        yield "network.cidr", before.cidr, "machines have addresses of it"
    if network.pod_cidrs != before.pod_cidrs:
        yield "network.podCidrs", ", ".join(before.pod_cidrs), "pods have addresses of it"
    if network.service_cidrs != before.service_cidrs:
        yield "network.serviceCidrs", ", ".join(before.service_cidrs), "Services have addresses of it"
    if network.api.port != before.api.port:
        yield "network.api.port", str(before.api.port), "machines and kubeconfigs know the API by it"
    if network.api.scheme != before.api.scheme and not before.api.dns_zone:
        yield "network.api.scheme", before.api.scheme, "the API would get another address, which machines do not know"
    if (network.nat == "none") is not (before.nat == "none"):
        yield "network.nat", before.nat, "machines are in subnets without public addresses, or have such"
    if gone := [zone for zone in before.zones if network.zones and zone not in network.zones]:
        yield "network.zones", ", ".join(before.zones), f"a cluster leaves no zone, not {', '.join(gone)} either"
    if declaration.bootstrap.method != recorded.bootstrap.method:
        yield "bootstrap.method", recorded.bootstrap.method, "machines of two methods are no cluster"
