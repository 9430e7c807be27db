"""The `Networks` contract on AWS."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from cloudk8s.cloud.stack.interface import Observation, ResourceType
from cloudk8s.cloud.stack.plan import Step
from cloudk8s.cloud.stack.resource import CLUSTER_TAG, Resource, Stack
from cloudk8s.plugin import (
    ExistingNetwork,
    Fate,
    Finding,
    Interruption,
    Leftover,
    MachineGroup,
    MachineRequest,
    Network,
    NetworkCapabilities,
    NetworkRequest,
    NetworkSearch,
)
from cloudk8s_aws.api import AwsApi, tags_of
from cloudk8s_aws.cluster.calls import planned_calls
from cloudk8s_aws.cluster.existing import Search
from cloudk8s_aws.cluster.firewall import CONTROL_PLANE
from cloudk8s_aws.cluster.known import KnownVpc
from cloudk8s_aws.cluster.leftovers import Leftovers
from cloudk8s_aws.cluster.preflight import Preflight
from cloudk8s_aws.cluster.reading import Reader
from cloudk8s_aws.cluster.secrets import Secrets
from cloudk8s_aws.cluster.stack import ROLES, build, group_of, machine_subnet
from cloudk8s_aws.cluster.tagged import TagListing
from cloudk8s_aws.cluster.types import Types
from cloudk8s_aws.cluster.vpc import RECORD, record_of
from cloudk8s_aws.groups.autoscaling_group import AutoscalingGroupType
from cloudk8s_aws.groups.launch_template import LaunchTemplateType
from cloudk8s_aws.groups.reading import GroupReader
from cloudk8s_aws.groups.stack import groups_in, release_calls, resources_of
from cloudk8s_aws.interruptions.hearing import Ear
from cloudk8s_aws.machines.catalog import ADDRESS_HOUR, BALANCER_HOUR, NAT_HOUR, machine_price
from cloudk8s_aws.machines.contract import DELETED_AT_ONCE
from cloudk8s_aws.machines.launch import batches

PRICES = {"nat-gateway": NAT_HOUR, "address": ADDRESS_HOUR, "api-balancer": BALANCER_HOUR}
"""Dollars an hour; what is not here is free."""


class AwsNetworks:
    """A VPC for each cluster, tagged; the engine does the rest."""

    def __init__(self, api: AwsApi, known: KnownVpc, *, tags: Mapping[str, str] | None = None) -> None:
        self._api = api
        self._tags = dict(tags or {})
        self._known = known
        self._zones: tuple[str, ...] = ()
        self._reader = Reader(api, known)
        self._types = Types(api, self._reader, known)
        self._listing = TagListing(api, self._reader, known)
        self._ear = Ear(api)

    @property
    def capabilities(self) -> NetworkCapabilities:
        return NetworkCapabilities(zones=self._all_zones(), dns=True, options=())

    def stack(self, request: NetworkRequest) -> Stack:
        return build(request, self._api.region)

    def preflight(self, request: NetworkRequest, machines: Sequence[MachineRequest]) -> Sequence[Finding]:
        return Preflight(self._api, request, machines).findings()

    def secret(self, cluster: str) -> bytes | None:
        return Secrets(self._api).read(cluster)

    def keep_secret(self, cluster: str, value: bytes) -> bytes:
        return Secrets(self._api).keep(cluster, value)

    def forget_secret(self, cluster: str) -> None:
        Secrets(self._api).forget(cluster)

    def resource_types(self) -> Sequence[ResourceType]:
        return self._types.whole()

    def deletion_types(self) -> Sequence[ResourceType]:
        return self._types.tagged(self._listing) if self._api.is_whole else ()

    def endpoint_types(self) -> Sequence[ResourceType]:
        return [kind for kind in self._types.whole() if kind.name in ("api-balancer", "dns-record")]

    def has_others(self, owner: str) -> bool:
        return self._listing.others(owner)

    def leftovers(self, cluster: str) -> Sequence[Leftover]:
        return Leftovers(self._api).found(cluster)

    def write_down(self, cluster: str, fates: Mapping[str, Fate]) -> None:
        Leftovers(self._api).write_down(cluster, fates)

    def delete_leftover(self, leftover: Leftover) -> None:
        Leftovers(self._api).delete(leftover)

    def group_types(self) -> Sequence[ResourceType]:
        reader = GroupReader(self._api, self._reader)
        return LaunchTemplateType(reader), AutoscalingGroupType(reader)

    def group_resources(self, wanted: MachineGroup) -> Sequence[Resource]:
        return resources_of(wanted, self._tags)

    def groups_of(self, observation: Observation) -> Sequence[MachineGroup]:
        return groups_in(observation)

    def release_calls(self, machines: int) -> Sequence[str]:
        return release_calls(machines)

    def outputs(self, request: NetworkRequest, observation: Observation) -> Network:
        network = observation.get(f"security-group/{CONTROL_PLANE}" if request.existing is not None else "vpc")
        key, part = ("dns-record", "name") if request.dns_zone else ("api-balancer", "hostname")
        found = observation.get(key)
        hostname = str(found.attribute(part) or "") if found is not None else ""
        places = {
            f"{role}/{zone}": place
            for role in ROLES
            for zone in request.zones
            if (place := _place(request, observation, role, zone))
        }
        ready = all(entry.state == "ready" for entry in observation.resources)
        endpoint = f"{hostname}:{request.api_port}" if hostname else ""
        return Network(request.cluster, endpoint, places, ready and bool(endpoint), network.id if network else "")

    def records(self) -> Mapping[str, Mapping[str, str]]:
        wanted = [{"Name": "tag-key", "Values": [CLUSTER_TAG]}]
        carriers = [*wanted, {"Name": "tag-key", "Values": [f"{RECORD}0"]}]
        found = self._api.pages("ec2", "describe_vpcs", "Vpcs", Filters=wanted)
        found += self._api.pages("ec2", "describe_security_groups", "SecurityGroups", Filters=carriers)
        return {tags[CLUSTER_TAG]: record_of(tags) for tags in map(tags_of, found)}

    def find_network(self, search: NetworkSearch) -> ExistingNetwork:
        return Search(self._api, search).found()

    def interruptions(self, owner: str) -> Sequence[Interruption]:
        return self._ear.listen(owner)

    def forget_interruptions(self, owner: str, heard: Sequence[Interruption]) -> None:
        self._ear.forget(owner, heard)

    def network_calls(self, steps: Sequence[Step]) -> Sequence[str]:
        return planned_calls(steps)

    def creation_calls(self, requests: Sequence[MachineRequest]) -> Sequence[str]:
        return ["RunInstances"] * len(batches([request for request in requests if not request.group]))

    def deletion_calls(self, machines: int) -> Sequence[str]:
        return ["TerminateInstances"] * -(-machines // DELETED_AT_ONCE)

    def resource_price(self, resource: Resource) -> float:
        return PRICES.get(resource.type, 0.0)

    def machine_price(self, request: MachineRequest) -> float | None:
        return machine_price(request)

    def _all_zones(self) -> tuple[str, ...]:
        if not self._zones:
            listed = self._api.call("ec2", "describe_availability_zones")["AvailabilityZones"]
            plain = [zone for zone in listed if zone.get("ZoneType", "availability-zone") == "availability-zone"]
            self._zones = tuple(sorted(zone["ZoneName"] for zone in plain if zone["State"] == "available"))
        return self._zones


def _place(request: NetworkRequest, observation: Observation, role: str, zone: str) -> dict[str, str]:
    """What a machine of a role is put into; empty while a part of it is missing."""
    subnet = machine_subnet(request, zone, observation)
    group = observation.get(group_of(role))
    is_public = request.existing.is_public if request.existing is not None else request.nat == "none"
    profile = observation.get(f"profile-role/{role}")
    if not subnet or group is None or profile is None:
        return {}
    return {
        "subnet": subnet, "security_groups": group.id, "profile": str(profile.properties["profile"]),
        "public": "true" if is_public else "",
    }  # fmt: skip
