"""This host as a cloud: what every cluster of `up` has, whatever other clouds are configured."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from cloudk8s.controlplane.host.places import Place, range_six
from cloudk8s.controlplane.host.ranges import pod_ranges
from cloudk8s.kernel.addresses import outgoing_address
from cloudk8s.network.privileges import may_administer
from cloudk8s.plugin.clouds import CloudEntry
from cloudk8s.settings import ClusterSettings

LOCAL: Final = "local"


def local_cloud(settings: ClusterSettings, nodes: Sequence[Place], health_port: int | None) -> CloudEntry:
    """The local provider with what it has to know of this cluster; `health_port` is the service proxy's."""
    return CloudEntry(name=LOCAL, provider=LOCAL, settings=local_settings(settings, nodes, health_port))


def local_settings(settings: ClusterSettings, nodes: Sequence[Place], health_port: int | None) -> dict[str, Any]:
    """The local provider's settings."""
    own_six = {place.six for place in nodes if place.six and not place.namespace}
    return {
        "load_balancer_range": ",".join(_balancer_ranges(settings)),
        "state_file": settings.data_dir / "cloud" / "local.json",
        "nodes": {place.node: ",".join(place.addresses) for place in nodes},
        "own_addresses": [outgoing_address() or "127.0.0.1", *own_six],
        "route_ranges": pod_ranges(settings),
        **({"health_port": health_port} if health_port else {}),
    }


def _balancer_ranges(settings: ClusterSettings) -> list[str]:
    """Where load balancers get addresses; without root there are IPv4 ones only, of the loopback network."""
    has_six = may_administer() and any(":" in text for text in pod_ranges(settings))
    return [settings.load_balancer_range, *([range_six(settings.load_balancer_range)] if has_six else ())]


def local_provider_id(settings: ClusterSettings, node: str) -> str:
    """What a node of this host calls its machine."""
    return f"{LOCAL}://{settings.name}/{node}"
