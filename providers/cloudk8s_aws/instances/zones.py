"""Availability zones and their ids; they do not change, so they are read once."""

from __future__ import annotations

import threading
from collections.abc import Mapping

from cloudk8s_aws.api import AwsApi


class Zones:
    """Filled on first use, and again when a zone is asked for that was not there."""

    def __init__(self, api: AwsApi) -> None:
        self._api = api
        self._lock = threading.Lock()
        self._zones: dict[str, Mapping[str, str]] = {}

    def id_of(self, zone: str) -> str:
        """The zone's id, the same in every account; empty where AWS does not know the zone."""
        return str(self._get(zone).get("ZoneId", ""))

    def is_plain(self, zone: str) -> bool:
        """Whether it is an ordinary zone, not a local or wavelength one."""
        return self._get(zone).get("ZoneType", "availability-zone") == "availability-zone"

    def _get(self, zone: str) -> Mapping[str, str]:
        with self._lock:
            if zone not in self._zones:
                listed = self._api.call("ec2", "describe_availability_zones")["AvailabilityZones"]
                self._zones = {entry["ZoneName"]: entry for entry in listed}
            return self._zones.get(zone, {})
