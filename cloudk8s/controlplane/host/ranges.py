"""Ranges of addresses that are free on this host: two clusters side by side must not claim the same ones.

They are chosen once for a cluster and kept in its data directory, because its objects hold addresses from them.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Sequence
from ipaddress import IPv4Network, IPv6Network, ip_network
from pathlib import Path
from typing import Any, Final

from cloudk8s.controlplane import directories
from cloudk8s.controlplane.host import claims
from cloudk8s.machinery import codec
from cloudk8s.network.privileges import may_administer
from cloudk8s.settings import ClusterSettings

FILE: Final = "network.json"
Network = IPv4Network | IPv6Network
_FIELDS: Final = ("service_cluster_ip_range", "cluster_cidr", "load_balancer_range", "host_range")
_ROUTES: Final = Path("/proc/net/route")
_LISTENERS: Final = Path("/proc/net/tcp")
_LISTENING, _OWN_LOOPBACK = "0A", IPv4Network("127.0.0.0/10")


def with_ranges(settings: ClusterSettings) -> ClusterSettings:
    """The settings with the cluster's ranges: those asked for, those of its first start, or free ones. Blocks."""
    asked = _asked(settings)
    registered = claims.place()
    with claims.locked(registered):
        chosen = _read(settings.data_dir / FILE)
        if not chosen and not (settings.data_dir / "pki").exists():
            chosen = choose(_taken(registered, settings.data_dir), is_privileged=may_administer())
            chosen |= asked
            settings.data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
            (settings.data_dir / FILE).write_bytes(codec.encode(chosen))
        claims.claim(registered, settings.data_dir)
    ranges: dict[str, Any] = {**chosen, **asked}
    return dataclasses.replace(settings, **ranges)


def _asked(settings: ClusterSettings) -> dict[str, str]:
    usual = {field.name: field.default for field in dataclasses.fields(settings)}
    named = ((name, getattr(settings, name)) for name in _FIELDS)
    return {name: text for name, text in named if name in settings.asked_ranges or text != usual[name]}


def _taken(registered: Path, data_dir: Path) -> list[Network]:
    """What the kernel uses, and what clusters have that run, are being started at this moment, or may start again."""
    known = {directory for _, directory, _ in directories.clusters()} | set(claims.others(registered, data_dir))
    texts = [text for directory in known for text in _read(directory / FILE).values()]
    return [*_routes(_ROUTES), *_listened(_LISTENERS), *(network for text in texts for network in _all(text))]


def choose(taken: Sequence[Network], *, is_privileged: bool) -> dict[str, str]:
    """The first set of ranges that overlaps nothing taken; the usual one if there is none. Pure.

    Without privileges Services and load balancers get loopback addresses, which any user may listen on.
    """
    sets = [_ranges(index, is_privileged) for index in range(50)]
    free = (found for found in sets if not any(_overlap(text, network) for text in found for network in taken))
    return dict(zip(_FIELDS, next(free, sets[0]), strict=True))


def pod_ranges(settings: ClusterSettings) -> tuple[str, ...]:
    """The ranges of pod addresses, the primary family first."""
    return tuple(part.strip() for part in settings.cluster_cidr.split(",") if part.strip())


def service_ranges(settings: ClusterSettings) -> tuple[str, ...]:
    """The ranges of Service addresses, the primary family first."""
    return tuple(part.strip() for part in settings.service_cluster_ip_range.split(",") if part.strip())


def _ranges(index: int, is_privileged: bool) -> tuple[str, str, str, str]:
    pods, hosts = f"10.{244 - index}.0.0/16", f"198.19.{index}.0/24"
    if is_privileged:
        return f"10.{96 + index}.0.0/16", pods, f"198.18.{index}.0/24", hosts
    return f"127.{96 + index}.0.0/16", pods, f"127.{200 + index}.0.0/24", hosts


def _all(text: str) -> list[Network]:
    """One range, or one for each family."""
    return [ip_network(part.strip()) for part in text.split(",")]


def _overlap(text: str, network: Network) -> bool:
    other = ip_network(text)
    return other.version == network.version and other.overlaps(network)


def _read(path: Path) -> dict[str, str]:
    try:
        return {str(name): str(text) for name, text in codec.decode(path.read_bytes()).items() if name in _FIELDS}
    except FileNotFoundError:
        return {}


def _routes(path: Path) -> Iterable[IPv4Network]:
    """What the kernel routes somewhere, the default route aside."""
    lines = path.read_text().splitlines()[1:] if path.exists() else []
    for fields in (line.split() for line in lines):
        address, mask = (int.from_bytes(bytes.fromhex(fields[column]), "little") for column in (1, 7))
        if mask:
            yield IPv4Network((address, mask.bit_count()), strict=False)


def _listened(path: Path) -> Iterable[IPv4Network]:
    """Loopback addresses beyond the host's own that somebody listens on: the Services of another user's cluster."""
    lines = path.read_text().splitlines()[1:] if path.exists() else []
    for fields in (line.split() for line in lines):
        address = IPv4Network(int.from_bytes(bytes.fromhex(fields[1].partition(":")[0]), "little"))
        if fields[3] == _LISTENING and address.is_loopback and not address.subnet_of(_OWN_LOOPBACK):
            yield address
