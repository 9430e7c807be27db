"""The `Machines` contract on EC2."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from cloudk8s.cloud.stack.resource import CLUSTER_TAG, OWNER_TAG
from cloudk8s.plugin import (
    CloudError,
    CloudNotFound,
    Failures,
    Machine,
    MachineCapabilities,
    MachineRequest,
    MachineType,
)
from cloudk8s_aws.api import AwsApi, chunks, filters, tag_list, tags_of
from cloudk8s_aws.cluster.known import KnownVpc
from cloudk8s_aws.groups.stack import DETACHED_AT_ONCE, MADE_BY
from cloudk8s_aws.instances import provider_id
from cloudk8s_aws.instances.addresses import node_addresses
from cloudk8s_aws.machines.catalog import machine_types
from cloudk8s_aws.machines.launch import NAMES, OPTIONS, POOL, ROLE, UIDS, USER_DATA, batches, parameters
from cloudk8s_aws.machines.listings import DEAD, Listings
from cloudk8s_aws.machines.naming import from_tags

STATES: Mapping[str, Any] = {
    "pending": "pending", "running": "running", "stopping": "stopped", "stopped": "stopped",
    "shutting-down": "deleting", "terminated": "gone",
}  # fmt: skip
FRESH_SECONDS = 20.0
"""How long a listing by this process is good enough to tell what exists already; tokens cover the rest."""
LAG_SECONDS = 10.0
"""EC2 is eventually consistent; it settles within seconds."""
ATTEMPTS = 5
GROUP_NAME = "aws:autoscaling:groupName"
"""Tag of a machine that is in an autoscaling group; goes when it is taken out."""
DELETED_AT_ONCE = 1000


class AwsMachines:
    """One call for many machines that are alike, in making and in deleting."""

    def __init__(
        self, api: AwsApi, vpc: KnownVpc, *, tags: Mapping[str, str], families: Sequence[str] = ("ipv4",),
        is_emulated: bool = False, boots: bool = True, monotonic: Callable[[], float] = time.monotonic,
    ) -> None:  # fmt: skip
        self._api = api
        self._vpc = vpc
        self._tags = dict(tags)
        self._families = tuple(families)
        self._is_emulated, self._boots = is_emulated, boots
        self._listings = Listings(monotonic, fresh=FRESH_SECONDS)

    @property
    def capabilities(self) -> MachineCapabilities:
        return MachineCapabilities(
            user_data_bytes=USER_DATA,
            spot=True,
            options=OPTIONS,
            tokens=True,
            shares_user_data=True,
            boots=self._boots,
            listing_lag=0.0 if self._is_emulated else LAG_SECONDS,
        )

    def list_owned(self, cluster: str) -> Sequence[Machine]:
        """By VPC where that is known: a search by tag makes the cloud look at every instance of the account."""
        reservations = [] if self._vpc.has_nothing_of("machines") else self._reservations(cluster)
        listed = (self._machine(raw) for entry in reservations for raw in entry["Instances"])
        found = [machine for machine in listed if machine.cluster == cluster]
        self._listings.remember(cluster, found)
        return found

    def _reservations(self, cluster: str) -> Sequence[Mapping[str, Any]]:
        wanted = filters(vpc_id=[self._vpc.id]) if self._vpc.id else []
        wanted = wanted or [{"Name": f"tag:{CLUSTER_TAG}", "Values": [cluster]}]
        return self._api.pages("ec2", "describe_instances", "Reservations", page_size=1000, Filters=wanted)

    def create(self, requests: Sequence[MachineRequest]) -> Mapping[str, Machine | CloudError]:
        answers: dict[str, Machine | CloudError] = {}
        for cluster in dict.fromkeys(request.cluster for request in requests):
            wanted = [request for request in requests if request.cluster == cluster]
            if not self._listings.is_fresh(cluster):
                self.list_owned(cluster)
            present = self._listings.present(cluster)
            answers |= {request.uid: present[request.uid] for request in wanted if request.uid in present}
            for batch in batches([request for request in wanted if request.uid not in present]):
                answers |= self._launch(batch)
        return answers

    def delete(self, machines: Sequence[Machine]) -> Failures:
        failed = self._released(machines)
        ids = [machine.id for machine in machines if machine.id not in failed]
        for part in chunks(ids, DELETED_AT_ONCE):
            failed |= self._terminate(part)
        self._listings.deleted(set(ids) - failed.keys())
        return failed

    def tag(self, machines: Sequence[Machine], tags: Mapping[str, str]) -> Failures:
        """One by one, for machines that are gone."""
        failed: dict[str, CloudError] = {}
        for machine in machines:
            try:
                self._api.call("ec2", "create_tags", Resources=[machine.id], Tags=tag_list(tags))
            except CloudNotFound:
                continue
            except CloudError as error:
                failed[machine.id] = error
        return failed

    def types(self) -> Sequence[MachineType]:
        return machine_types()

    def list_clusters(self) -> Sequence[str]:
        wanted = [{"Name": "tag-key", "Values": [CLUSTER_TAG]}]
        alive = {"Name": "instance-state-name", "Values": ["pending", "running", "stopping", "stopped"]}
        reservations = self._api.pages("ec2", "describe_instances", "Reservations", Filters=[*wanted, alive])
        return sorted({tags_of(raw)[CLUSTER_TAG] for entry in reservations for raw in entry["Instances"]})

    def _launch(self, batch: Sequence[MachineRequest]) -> Mapping[str, Machine | CloudError]:
        """One call; again with another token while the answer is machines that are dead already."""
        cluster = batch[0].cluster
        deaths = max(self._listings.deaths(cluster, request.uid) for request in batch)
        made: list[Machine] = []
        for attempt in range(deaths, deaths + ATTEMPTS):
            try:
                answer = self._api.call("ec2", "run_instances", **parameters(batch, self._tags, attempt=attempt))
            except CloudError as error:
                self._listings.forget(cluster)
                return {request.uid: error for request in batch}
            made = [self._machine(raw) for raw in answer["Instances"]]
            if any(machine.state not in DEAD for machine in made):
                break
        self._listings.made(cluster, made)
        by_uid = {machine.uid: machine for machine in made}
        missing = CloudError("the instance was not in the answer")
        return {request.uid: by_uid.get(request.uid, missing) for request in batch}

    def _released(self, machines: Sequence[Machine]) -> dict[str, CloudError]:
        """Take machines out of their groups, which then want as many less; returns those that stay in."""
        members: dict[str, list[str]] = {}
        for machine in machines:
            if machine.group:
                members.setdefault(machine.group, []).append(machine.id)
        failed: dict[str, CloudError] = {}
        for group, ids in members.items():
            for part in chunks(ids, DETACHED_AT_ONCE):
                try:
                    self._detach(group, part)
                except CloudError as error:
                    failed |= dict.fromkeys(part, error)
        return failed

    def _detach(self, group: str, ids: Sequence[str]) -> None:
        try:
            self._api.call(
                "autoscaling", "detach_instances", AutoScalingGroupName=group, InstanceIds=list(ids),
                ShouldDecrementDesiredCapacity=True,
            )  # fmt: skip
        except CloudError:  # one of them is out already, by an earlier attempt or since it died
            answer = self._api.call("autoscaling", "describe_auto_scaling_instances", InstanceIds=list(ids))
            inside = [entry["InstanceId"] for entry in answer["AutoScalingInstances"]]
            if len(inside) == len(ids):
                raise
            if inside:
                self._detach(group, inside)

    def _terminate(self, ids: Sequence[str]) -> dict[str, CloudError]:
        if not ids:
            return {}
        try:
            self._api.call("ec2", "terminate_instances", InstanceIds=list(ids))
        except CloudNotFound:  # one of them is purged, and the call did nothing
            if len(ids) == 1:
                return {}
            return {id: error for one in ids for id, error in self._terminate([one]).items()}
        except CloudError as error:
            return dict.fromkeys(ids, error)
        return {}

    def _machine(self, raw: Mapping[str, Any]) -> Machine:
        tags, index = tags_of(raw), int(raw.get("AmiLaunchIndex", 0))
        uids, names = from_tags(UIDS, tags), from_tags(NAMES, tags)
        zone = str((raw.get("Placement") or {}).get("AvailabilityZone", ""))
        reason = (raw.get("StateReason") or {}).get("Message", "")
        other = tags.get("Name", raw["InstanceId"])
        if made_by := tags.get(MADE_BY):  # as its user data calls it
            other = f"{made_by}-{raw['InstanceId'].removeprefix('i-')}"
        return Machine(
            id=raw["InstanceId"], uid=uids[index] if index < len(uids) else tags.get(OWNER_TAG, raw["InstanceId"]),
            name=names[index] if index < len(names) else other,
            group=tags.get(GROUP_NAME, ""),
            cluster=tags.get(CLUSTER_TAG, ""), state=STATES.get((raw.get("State") or {}).get("Name", ""), "pending"),
            provider_id=provider_id.make(zone, raw["InstanceId"]),
            role="control-plane" if tags.get(ROLE) == "control-plane" else "worker", pool=tags.get(POOL, ""),
            type=raw.get("InstanceType", ""), zone=zone, addresses=node_addresses(raw, self._families),
            created=raw.get("LaunchTime"), tags=tags, reason=reason,
        )  # fmt: skip
