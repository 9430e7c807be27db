"""How a network's addresses are divided, and what things are called. Pure."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from ipaddress import IPv4Network, ip_network

from cloudk8s.plugin import Unsupported

BLOCKS = 8
"""A network is cut into eight: one block of private addresses for each zone, the last one for all public subnets."""
LETTERS = "abcdefg"


@dataclass(frozen=True, slots=True)
class ZoneLayout:
    """The ranges of one zone."""

    zone: str
    private: str
    public: str


def divide(cidr: str, zones: Sequence[str]) -> tuple[ZoneLayout, ...]:
    """Ranges for every zone; those of a zone stay the same when other zones come and go."""
    network = ip_network(cidr)
    if not isinstance(network, IPv4Network) or network.prefixlen > 22:
        raise Unsupported("network.cidr", f"network.cidr {cidr}: AWS needs an IPv4 range of at least /22")
    if len(zones) > BLOCKS - 1:
        raise Unsupported("network.zones", f"network.zones: at most {BLOCKS - 1} zones, not {len(zones)}")
    blocks = list(network.subnets(prefixlen_diff=3))
    publics = list(blocks[-1].subnets(prefixlen_diff=3))
    places = _places(zones)
    return tuple(ZoneLayout(zone, str(blocks[places[zone]]), str(publics[places[zone]])) for zone in zones)


def _places(zones: Sequence[str]) -> Mapping[str, int]:
    """By the zone's letter; by position where letters do not tell zones apart (local zones)."""
    letters = [zone[-1:] for zone in zones]
    if len(set(letters)) == len(letters) and all(letter in LETTERS for letter in letters):
        return {zone: LETTERS.index(letter) for zone, letter in zip(zones, letters, strict=True)}
    return {zone: position for position, zone in enumerate(zones)}


IAM_ROOT = "/cloudk8s/"
"""Roles and instance profiles of clusters are below it."""


def iam_path(region: str, cluster: str) -> str:
    """IAM is the same in all regions, so the region is part of the path; the path says whose a role is."""
    return f"{IAM_ROOT}{region}/{cluster}/"


def iam_name(region: str, cluster: str, role: str) -> str:
    """A name that is unique in the account, within IAM's 64 characters."""
    digest = hashlib.sha256(f"{region}/{cluster}/{role}".encode()).hexdigest()[:8]
    return f"{cluster[:40]}-{role}-{digest}"
