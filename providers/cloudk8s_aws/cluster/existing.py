"""What a cluster can use of a VPC that is there already; everything that stands in the way is told at once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from ipaddress import ip_network
from typing import Any

from cloudk8s.plugin import CloudNotFound, ExistingNetwork, NetworkSearch, SettingsError
from cloudk8s_aws.api import AwsApi, filters, tags_of

Raw = Mapping[str, Any]
FIELD = "network.existing"
EVERYWHERE = "0.0.0.0/0"
FREE = 8
"""Addresses that a load balancer wants in a subnet, and machines with it."""


@dataclass(frozen=True, slots=True)
class Place:
    """One subnet and where its table leads."""

    raw: Raw
    table: str
    way_out: str
    """Id of what the default route leads to; empty where there is none."""

    @property
    def id(self) -> str:
        return str(self.raw["SubnetId"])

    @property
    def zone(self) -> str:
        return str(self.raw["AvailabilityZone"])

    @property
    def is_public(self) -> bool:
        return self.way_out.startswith("igw-")


@dataclass(frozen=True, slots=True)
class Search:
    """One look at one VPC; reads only."""

    api: AwsApi
    wanted: NetworkSearch

    def found(self) -> ExistingNetwork:
        """Raises SettingsError with all problems."""
        vpc = self._vpc()
        cidrs = tuple(
            entry["CidrBlock"]
            for entry in vpc.get("CidrBlockAssociationSet") or [{"CidrBlock": vpc["CidrBlock"]}]
            if (entry.get("CidrBlockState") or {}).get("State", "associated") == "associated"
        )
        places = self._places()
        problems = [*self._overlaps(cidrs), *self._names(), *_unusable(places)]
        usable = [place for place in places if place.way_out]
        zones = self._zones(usable, problems)
        public = {place.zone: place for place in reversed(usable) if place.is_public}
        private = {place.zone: place for place in reversed(usable) if not place.is_public}
        is_public = any(zone not in private for zone in zones)
        machines = public if is_public else private
        balancers = public if self.wanted.api_scheme == "internet-facing" else machines
        problems += _missing(zones, machines, balancers, is_public)
        if problems:
            raise SettingsError("\n".join(f"{FIELD}: {text}" for text in problems))
        return ExistingNetwork(
            self.wanted.id, cidrs, {zone: machines[zone].id for zone in zones},
            {zone: balancers[zone].id for zone in zones}, is_public,
            tuple(sorted({machines[zone].table for zone in zones})),
        )  # fmt: skip

    def _vpc(self) -> Raw:
        try:
            found: Sequence[Raw] = self.api.call("ec2", "describe_vpcs", VpcIds=[self.wanted.id])["Vpcs"]
        except CloudNotFound:
            found = []
        if not found:
            raise SettingsError(f"{FIELD}.id: there is no VPC {self.wanted.id} in {self.api.region}")
        return found[0]

    def _places(self) -> list[Place]:
        within = filters(vpc_id=[self.wanted.id])
        subnets = self.api.pages("ec2", "describe_subnets", "Subnets", Filters=within)
        tables = self.api.pages("ec2", "describe_route_tables", "RouteTables", Filters=within)
        ids, tags = self.wanted.subnets, self.wanted.subnet_tags
        if missing := sorted(set(ids) - {entry["SubnetId"] for entry in subnets}):
            raise SettingsError(f"{FIELD}.subnets: {', '.join(missing)}: no such subnet in {self.wanted.id}")
        chosen = [e for e in subnets if (not ids or e["SubnetId"] in ids) and tags.items() <= tags_of(e).items()]
        if not chosen:
            named = ", ".join(f"{key}={value}" for key, value in tags.items())
            raise SettingsError(
                f"{FIELD}.subnetTags: {self.wanted.id} has no subnet{f' with {named}' if named else ''}"
            )
        return [_place(entry, tables) for entry in sorted(chosen, key=lambda raw: str(raw["SubnetId"]))]

    def _overlaps(self, cidrs: Sequence[str]) -> list[str]:
        return [
            f"{cidr} of {self.wanted.id} overlaps {taken} of pods or Services; set network.podCidrs and serviceCidrs"
            for cidr in cidrs
            for taken in self.wanted.cidrs
            if ip_network(cidr).version == ip_network(taken).version and ip_network(cidr).overlaps(ip_network(taken))
        ]

    def _names(self) -> list[str]:
        """Whether machines get names, which certificates and the API's load balancer need."""
        off = []
        for attribute in ("enableDnsSupport", "enableDnsHostnames"):
            answer = self.api.call("ec2", "describe_vpc_attribute", VpcId=self.wanted.id, Attribute=attribute)
            if not answer[attribute[0].upper() + attribute[1:]]["Value"]:
                off.append(f"{attribute} of {self.wanted.id} is off; turn it on, machines need names")
        return off

    def _zones(self, usable: Sequence[Place], problems: list[str]) -> list[str]:
        there = sorted({place.zone for place in usable})
        if self.wanted.zones:
            if missing := sorted(set(self.wanted.zones) - set(there)):
                problems.append(
                    f"no usable subnet in {', '.join(missing)}; there is one in {', '.join(there) or 'none'}"
                )
            return [zone for zone in self.wanted.zones if zone in there]
        if len(there) < self.wanted.zone_count:
            problems.append(f"usable subnets in {len(there)} zones, but {self.wanted.zone_count} are needed")
        return there[: self.wanted.zone_count]


def _place(raw: Raw, tables: Sequence[Raw]) -> Place:
    """A subnet uses the table that is associated with it, else the VPC's main one."""
    links = [(table, entry) for table in tables for entry in table.get("Associations") or ()]
    own = next((table for table, entry in links if entry.get("SubnetId") == raw["SubnetId"]), None)
    nothing: Raw = {"RouteTableId": "", "Routes": []}
    table: Raw = own or next((table for table, entry in links if entry.get("Main")), nothing)
    for route in table.get("Routes") or ():
        if route.get("DestinationCidrBlock") == EVERYWHERE and route.get("State", "active") == "active":
            names = ("NatGatewayId", "GatewayId", "TransitGatewayId", "NetworkInterfaceId", "InstanceId")
            way_out = next((str(route[name]) for name in names if route.get(name)), "unknown")
            return Place(raw, str(table["RouteTableId"]), way_out)
    return Place(raw, str(table["RouteTableId"]), "")


def _unusable(places: Sequence[Place]) -> list[str]:
    problems = [
        f"{place.id} in {place.zone} has {place.raw['AvailableIpAddressCount']} addresses left, fewer than {FREE}"
        for place in places
        if place.raw.get("AvailableIpAddressCount", FREE) < FREE
    ]
    if places and not any(place.way_out for place in places):
        names = ", ".join(place.id for place in places)
        problems.append(f"none of {names} has a route to the internet: add one to a NAT or internet gateway")
    return problems


def _missing(
    zones: Sequence[str], machines: Mapping[str, Place], balancers: Mapping[str, Place], is_public: bool
) -> list[str]:
    problems = []
    if is_public and (lacking := [zone for zone in zones if zone not in machines]):
        problems.append(f"machines would be in public subnets, and there is none in {', '.join(lacking)}")
    if lacking := [zone for zone in zones if zone not in balancers]:
        text = f"an API that the internet reaches needs a public subnet in {', '.join(lacking)}"
        problems.append(f"{text}; add one, or use network.api.scheme: internal")
    return problems
