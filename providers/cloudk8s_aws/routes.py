"""The `Routes` contract: entries of the VPC's route tables that point at instances.

A cluster may have a table for each zone; every table gets every route.
"""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Any

from cloudk8s.plugin import CloudError, CloudNotFound, Failures, NodeRef, Route, RouteCapabilities
from cloudk8s_aws.api import AwsApi
from cloudk8s_aws.errors import Taken
from cloudk8s_aws.instances import provider_id
from cloudk8s_aws.instances.inventory import Inventory, state_of
from cloudk8s_aws.vpc import Vpc


class AwsRoutes:
    """One read of the tables for a listing; a create reads nothing that it has read before."""

    def __init__(self, api: AwsApi, vpc: Vpc, inventory: Inventory) -> None:
        self._api = api
        self._vpc = vpc
        self._inventory = inventory
        self._lock = threading.Lock()
        self._table_ids: tuple[str, ...] = ()
        self._open: set[str] = set()

    @property
    def capabilities(self) -> RouteCapabilities:
        return RouteCapabilities(ip_families=frozenset({"IPv4", "IPv6"}), batch=20)

    def list(self, nodes: Sequence[NodeRef]) -> Sequence[Route]:
        names = {known.instance: node.name for node in nodes if (known := provider_id.parse(node.provider_id))}
        tables = self._vpc.route_tables()
        self._table_ids = tuple(str(table["RouteTableId"]) for table in tables)
        entries, partial = _merged(tables)
        targets = {entry["InstanceId"] for entry in entries if entry.get("InstanceId")}
        unknown = targets - names.keys()
        living = {id for id, data in self._inventory.find(unknown).items() if state_of(data) != "terminated"}
        return [_route(entry, {} if _key(entry) in partial else names, unknown - living) for entry in entries]

    def create(self, routes: Sequence[Route]) -> Failures:
        instances = {route.key: _instance(route) for route in routes}
        found = self._inventory.find([id for id in instances.values() if id])
        failed: dict[str, CloudError] = {}
        for route in routes:
            try:
                id = instances[route.key]
                if id not in found:
                    raise CloudNotFound(f"node {route.node} ({route.provider_id or 'no providerID'}) has no instance")
                self._let_through(found[id])
                for table in self._tables():
                    self._upsert(table, route, id)
            except CloudError as error:
                failed[route.key] = error
        return failed

    def delete(self, routes: Sequence[Route]) -> Failures:
        failed: dict[str, CloudError] = {}
        for route in routes:
            try:
                for table in self._tables():
                    self._delete(table, route.destination)
            except CloudError as error:
                failed[route.key] = error
        return failed

    def _delete(self, table: str, destination: str) -> None:
        with suppress(CloudNotFound):
            self._api.call("ec2", "delete_route", RouteTableId=table, **_destination(destination))

    def _upsert(self, table: str, route: Route, instance: str) -> None:
        entry = {"RouteTableId": table, "InstanceId": instance, **_destination(route.destination)}
        try:
            self._api.call("ec2", "create_route", **entry)
        except Taken:
            self._api.call("ec2", "replace_route", **entry)

    def _let_through(self, data: Mapping[str, Any]) -> None:
        """Turn source/destination checks off: packets of pods carry addresses that are not the instance's.

        By network card, because the call by instance is refused where there are several.
        """
        for card in data.get("NetworkInterfaces") or ():
            id = card["NetworkInterfaceId"]
            if id not in self._open and card.get("SourceDestCheck", True):
                self._api.call(
                    "ec2", "modify_network_interface_attribute", NetworkInterfaceId=id, SourceDestCheck={"Value": False}
                )
            self._open.add(id)

    def _tables(self) -> tuple[str, ...]:
        with self._lock:
            if not self._table_ids:
                self._table_ids = tuple(str(table["RouteTableId"]) for table in self._vpc.route_tables())
            return self._table_ids


Key = tuple[str, str]
"""Destination and target of an entry."""


def _merged(tables: Sequence[Mapping[str, Any]]) -> tuple[list[Mapping[str, Any]], set[Key]]:
    """Entries of all tables, once each, and those that some table lacks: nobody's, so that they are made again."""
    found: dict[Key, Mapping[str, Any]] = {}
    times: Counter[Key] = Counter()
    for table in tables:
        for entry in table["Routes"]:
            if entry.get("InstanceId") or _is_blackhole(entry):
                found[_key(entry)] = entry
                times[_key(entry)] += 1
    return list(found.values()), {key for key, count in times.items() if count < len(tables)}


def _key(entry: Mapping[str, Any]) -> Key:
    return _cidr(entry), str(entry.get("InstanceId", ""))


def _cidr(entry: Mapping[str, Any]) -> str:
    return str(entry.get("DestinationCidrBlock") or entry.get("DestinationIpv6CidrBlock") or "")


def _route(entry: Mapping[str, Any], names: Mapping[str, str], dead: set[str]) -> Route:
    destination = _cidr(entry)
    target = entry.get("InstanceId", "")
    return Route(
        destination, names.get(target, ""), is_blackhole=_is_blackhole(entry) or target in dead, id=destination
    )


def _is_blackhole(entry: Mapping[str, Any]) -> bool:
    return entry.get("State") == "blackhole"


def _instance(route: Route) -> str:
    known = provider_id.parse(route.provider_id)
    return known.instance if known else ""


def _destination(cidr: str) -> dict[str, str]:
    return {"DestinationIpv6CidrBlock" if ":" in cidr else "DestinationCidrBlock": cidr}
