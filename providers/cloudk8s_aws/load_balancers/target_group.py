"""Target groups with their members and attributes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from cloudk8s.cloud.stack.interface import Create, Observed, Scope, Traits, Update
from cloudk8s.cloud.stack.resource import CLUSTER_TAG, OWNER_TAG, RESOURCE_TAG
from cloudk8s.plugin import CloudNotFound
from cloudk8s_aws.api import AwsApi, chunks, shown
from cloudk8s_aws.errors import Taken
from cloudk8s_aws.load_balancers.attributes import attributes_of, changed_attributes, read_attributes
from cloudk8s_aws.load_balancers.naming import is_generated, may_belong_to
from cloudk8s_aws.load_balancers.tagging import creation_tags, read_tags

AT_ONCE = 100
"""Targets in one call."""
DEFAULTS = {
    "proxy_protocol_v2.enabled": "false", "preserve_client_ip.enabled": "true", "stickiness.enabled": "false",
    "deregistration_delay.timeout_seconds": "300", "deregistration_delay.connection_termination.enabled": "false",
    "target_health_state.unhealthy.connection_termination.enabled": "true",
}  # fmt: skip
"""What AWS does where it lists no value."""


@dataclass(frozen=True, slots=True)
class TargetGroupType:
    """`target-group`: everything that can't be changed is in the key; health check, attributes and members can."""

    api: AwsApi
    name: str = "target-group"
    traits: Traits = field(
        default_factory=lambda: Traits(
            immutable=frozenset({
                "name", "protocol", "protocol_version", "port", "vpc", "target_type", "ip_address_type",
            }),
            unordered=frozenset({"members"}), write_only=frozenset({"tags"}), api="elbv2",
        )
    )  # fmt: skip

    def list(self, scope: Scope) -> Sequence[Observed]:
        """Members and attributes are read for one owner only; of a whole cluster they would cost two calls each."""
        groups = self.api.listing("elbv2", "describe_target_groups", "TargetGroups")
        groups = [group for group in groups if _may_be_ours(group["TargetGroupName"], scope)]
        tags = read_tags(self.api, [group["TargetGroupArn"] for group in groups])
        found = [self._observed(group, tags.get(group["TargetGroupArn"], {})) for group in groups]
        ours = [entry for entry in found if entry.tags.get(CLUSTER_TAG) == scope.cluster]
        if not scope.owner:
            return ours
        return [self._in_full(entry) for entry in ours if entry.owner == scope.owner]

    def create(self, call: Create) -> Observed:
        wanted = call.properties
        try:
            group = self.api.call(
                "elbv2", "create_target_group", Name=wanted["name"], Protocol=wanted["protocol"], Port=wanted["port"],
                VpcId=wanted["vpc"], TargetType=wanted["target_type"], IpAddressType=wanted["ip_address_type"],
                Tags=creation_tags(call), **_health(wanted["health_check"]), **_version(wanted),
            )["TargetGroups"][0]  # fmt: skip
            present = self._observed(group, call.tags)
            fresh = {**attributes_of(DEFAULTS), "members": []}
            present = replace(present, properties={**present.properties, **fresh})
        except Taken:
            present = self._in_full(self._observed(self._adopt(wanted["name"], call), call.tags))
        arn = present.id
        self._set_attributes(arn, wanted, present.properties)
        self._set_members(arn, wanted["members"], present.properties["members"])
        return replace(present, properties={**present.properties, **_comparable(wanted)})

    def update(self, call: Update) -> Observed:
        arn, wanted = call.observed.id, call.properties
        if "health_check" in call.changed:
            check = _health(wanted["health_check"])
            check.pop("HealthCheckEnabled", None)
            self.api.call("elbv2", "modify_target_group", TargetGroupArn=arn, **check)
        self._set_attributes(arn, wanted, call.observed.properties)
        if "members" in call.changed:
            self._set_members(arn, wanted["members"], call.observed.properties["members"])
        return replace(call.observed, properties={**call.observed.properties, **_comparable(wanted)})

    def delete(self, observed: Observed) -> None:
        self.api.call("elbv2", "delete_target_group", TargetGroupArn=observed.id)

    def _adopt(self, name: str, call: Create) -> Mapping[str, Any]:
        found = self.api.call("elbv2", "describe_target_groups", Names=[name])["TargetGroups"]
        group: Mapping[str, Any] = shown(found, f"target group {name}")
        arn = group["TargetGroupArn"]
        if read_tags(self.api, [arn]).get(arn, {}).get(OWNER_TAG) != call.owner.uid:
            raise Taken(f"target group {name} exists and is not ours")
        return group

    def _set_attributes(self, arn: str, wanted: Mapping[str, Any], present: Mapping[str, Any]) -> None:
        if changed := changed_attributes(wanted, present):
            self.api.call("elbv2", "modify_target_group_attributes", TargetGroupArn=arn, Attributes=changed)

    def _set_members(self, arn: str, wanted: Sequence[str], present: Sequence[str]) -> None:
        """Take out before putting in: a group may be at its limit."""
        for part in chunks(sorted(set(present) - set(wanted)), AT_ONCE):
            self.api.call("elbv2", "deregister_targets", TargetGroupArn=arn, Targets=[_target(entry) for entry in part])
        for part in chunks(sorted(set(wanted) - set(present)), AT_ONCE):
            self.api.call("elbv2", "register_targets", TargetGroupArn=arn, Targets=[_target(entry) for entry in part])

    def _in_full(self, entry: Observed) -> Observed:
        try:
            attributes = read_attributes(self.api, "describe_target_group_attributes", TargetGroupArn=entry.id)
            health = self.api.call("elbv2", "describe_target_health", TargetGroupArn=entry.id)
        except CloudNotFound:
            return replace(entry, state="deleting")
        present = [
            f"{member['Target']['Id']}:{member['Target']['Port']}"
            for member in health["TargetHealthDescriptions"]
            if member["TargetHealth"]["State"] != "draining"
        ]
        more = {**attributes_of({**DEFAULTS, **attributes}), "members": sorted(present)}
        return replace(entry, properties={**entry.properties, **more})

    def _observed(self, group: Mapping[str, Any], tags: Mapping[str, str]) -> Observed:
        properties = {
            "name": group["TargetGroupName"], "protocol": group["Protocol"], "port": group["Port"],
            "vpc": group.get("VpcId", ""), "target_type": group.get("TargetType", "instance"),
            "ip_address_type": group.get("IpAddressType", "ipv4"), "health_check": _check_of(group),
        }  # fmt: skip
        if group.get("ProtocolVersion"):
            properties["protocol_version"] = group["ProtocolVersion"]
        arn = group["TargetGroupArn"]
        return Observed(self.name, tags.get(RESOURCE_TAG, ""), arn, tags.get(OWNER_TAG, ""), properties, tags=tags)


def _may_be_ours(name: str, scope: Scope) -> bool:
    """All our target groups have generated names."""
    return is_generated(name) and (not scope.owner or may_belong_to(name, scope.owner))


def _version(wanted: Mapping[str, Any]) -> dict[str, str]:
    """HTTP1, HTTP2 or GRPC; network load balancers know no such thing."""
    return {"ProtocolVersion": wanted["protocol_version"]} if "protocol_version" in wanted else {}


def _comparable(wanted: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in wanted.items() if key != "tags"}


def _target(member: str) -> dict[str, Any]:
    id, _, port = member.rpartition(":")
    return {"Id": id, "Port": int(port)}


def _health(check: Mapping[str, Any]) -> dict[str, Any]:
    parameters = {
        "HealthCheckProtocol": check["protocol"], "HealthCheckPort": check["port"],
        "HealthCheckIntervalSeconds": check["interval"], "HealthCheckTimeoutSeconds": check["timeout"],
        "HealthyThresholdCount": check["healthy"], "UnhealthyThresholdCount": check["unhealthy"],
        "HealthCheckEnabled": True,
    }  # fmt: skip
    if check["protocol"] != "TCP":
        parameters |= {"HealthCheckPath": check["path"], "Matcher": {"HttpCode": check["codes"]}}
    return parameters


def _check_of(group: Mapping[str, Any]) -> dict[str, Any]:
    check = {
        "protocol": group.get("HealthCheckProtocol", ""), "port": str(group.get("HealthCheckPort", "")),
        "interval": group.get("HealthCheckIntervalSeconds"), "timeout": group.get("HealthCheckTimeoutSeconds"),
        "healthy": group.get("HealthyThresholdCount"), "unhealthy": group.get("UnhealthyThresholdCount"),
    }  # fmt: skip
    if check["protocol"] == "TCP":
        return check
    return check | {
        "path": group.get("HealthCheckPath", "/"),
        "codes": (group.get("Matcher") or {}).get("HttpCode", ""),
    }
