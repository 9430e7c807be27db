"""Which VPC, and which route tables, are the cluster's."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from typing import Any

from cloudk8s.plugin import SettingsError
from cloudk8s_aws.api import AwsApi, filters, tags_of
from cloudk8s_aws.ownership import share_of


class Vpc:
    """Found once: by setting, by the cluster's tag, else the default VPC."""

    def __init__(self, api: AwsApi, *, cluster: str, vpc_id: str = "", route_table_ids: Sequence[str] = ()) -> None:
        self._api = api
        self._cluster = cluster
        self._id = vpc_id
        self._route_table_ids = tuple(route_table_ids)
        self._lock = threading.Lock()

    @property
    def id(self) -> str:
        """The VPC's id. Raises SettingsError where none, or more than one, can be meant."""
        with self._lock:
            if not self._id:
                self._id = self._find()
            return self._id

    def route_tables(self) -> list[dict[str, Any]]:
        """Those for pod ranges, as they are now: all with the cluster's tag. Raises SettingsError for none."""
        if self._route_table_ids:
            wanted = list(self._route_table_ids)
            found = self._api.call("ec2", "describe_route_tables", RouteTableIds=wanted)["RouteTables"]
        else:
            found = self._api.pages("ec2", "describe_route_tables", "RouteTables", Filters=filters(vpc_id=[self.id]))
            found = [table for table in found if share_of(tags_of(table), self._cluster)]
        if not found:
            message = f"routes need a route table with the tag of cluster {self._cluster!r}, there is none"
            raise SettingsError(f"{message}; tag one, or set route_table_ids")
        return sorted(found, key=lambda table: str(table["RouteTableId"]))

    def _find(self) -> str:
        vpcs = self._api.pages("ec2", "describe_vpcs", "Vpcs")
        tagged = [vpc["VpcId"] for vpc in vpcs if share_of(tags_of(vpc), self._cluster)]
        found = tagged or [vpc["VpcId"] for vpc in vpcs if vpc.get("IsDefault")]
        if len(found) != 1:
            listed = ", ".join(found) or "none"
            raise SettingsError(f"cluster {self._cluster!r} needs one VPC with its tag, there is {listed}; set vpc_id")
        return str(found[0])
