"""What runs in the account: one listing for whoever asks, and one filtered call for a few."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Collection, Mapping
from typing import Any

from cloudk8s_aws.api import AwsApi, chunks, filters

FILTER_VALUES = 200
"""AWS's cap on the values of one filter."""
PAGE = 1000
FRESH_SECONDS = 600.0

InstanceData = Mapping[str, Any]


class Inventory:
    """Instances of one account and region. Ids that do not exist are missing; they never fail the others."""

    def __init__(self, api: AwsApi, *, vpc_id: str = "", monotonic: Callable[[], float] = time.monotonic) -> None:
        self._api = api
        self._vpc_id = vpc_id
        self._monotonic = monotonic
        self._lock = threading.Lock()
        self._snapshot: dict[str, InstanceData] = {}
        self._taken = float("-inf")

    def find(self, ids: Collection[str]) -> dict[str, InstanceData]:
        """These instances as they are now; one call for up to 200, else a listing of everything."""
        wanted = sorted(set(ids))
        if not wanted:
            return {}
        if len(wanted) > FILTER_VALUES:
            everything = self.everything()
            return {id: everything[id] for id in wanted if id in everything}
        found = self._list(Filters=filters(instance_id=wanted))
        return {entry["InstanceId"]: entry for entry in found}

    def everything(self) -> dict[str, InstanceData]:
        """All instances as they are now."""
        known = {"Filters": filters(vpc_id=[self._vpc_id])} if self._vpc_id else {}
        found = {entry["InstanceId"]: entry for entry in self._list(**known)}
        with self._lock:
            self._snapshot, self._taken = found, self._monotonic()
        return found

    def recent(self, ids: Collection[str]) -> dict[str, InstanceData]:
        """These instances as they were at most ten minutes ago: for what never changes (zone, network, groups)."""
        with self._lock:
            fresh = self._monotonic() - self._taken < FRESH_SECONDS
            known = {id: self._snapshot[id] for id in ids if id in self._snapshot} if fresh else {}
        missing = set(ids) - known.keys()
        if not missing:
            return known
        found = self.find(missing)
        with self._lock:
            if not fresh:
                self._snapshot, self._taken = {}, self._monotonic()
            self._snapshot |= found
        return known | found

    def by_names(self, names: Collection[str], cluster_tag: str) -> dict[str, InstanceData]:
        """Living instances by private DNS name or Name tag; an ambiguous name is missing."""
        found: dict[str, list[InstanceData]] = {}
        for part in chunks(sorted(names), FILTER_VALUES):
            listed = self._list(Filters=filters(private_dns_name=part, instance_state_name=ALIVE))
            listed += self._list(
                Filters=[{"Name": "tag:Name", "Values": list(part)}, *filters(instance_state_name=ALIVE)]
            )
            for entry in {entry["InstanceId"]: entry for entry in listed}.values():
                for name in {entry.get("PrivateDnsName", ""), _name_tag(entry)} & set(part):
                    found.setdefault(name, []).append(entry)
        chosen = {name: _one(entries, cluster_tag) for name, entries in found.items()}
        return {name: entry for name, entry in chosen.items() if entry is not None}

    def _list(self, **parameters: Any) -> list[InstanceData]:
        reservations = self._api.pages("ec2", "describe_instances", "Reservations", page_size=PAGE, **parameters)
        return [instance for reservation in reservations for instance in reservation["Instances"]]


ALIVE = ["pending", "running", "stopping", "stopped", "shutting-down"]


def state_of(instance: InstanceData) -> str:
    return str((instance.get("State") or {}).get("Name", ""))


def group_ids(instance: InstanceData) -> tuple[str, ...]:
    """Security groups of all its network cards."""
    groups = [group for card in instance.get("NetworkInterfaces") or () for group in card.get("Groups") or ()]
    return tuple(dict.fromkeys(group["GroupId"] for group in [*groups, *(instance.get("SecurityGroups") or ())]))


def _one(entries: list[InstanceData], cluster_tag: str) -> InstanceData | None:
    """The only instance; of several, the only one of this cluster."""
    if len(entries) == 1:
        return entries[0]
    ours = [entry for entry in entries if any(tag["Key"] == cluster_tag for tag in entry.get("Tags") or ())]
    return ours[0] if len(ours) == 1 else None


def _name_tag(entry: InstanceData) -> str:
    return next((tag["Value"] for tag in entry.get("Tags") or () if tag["Key"] == "Name"), "")
