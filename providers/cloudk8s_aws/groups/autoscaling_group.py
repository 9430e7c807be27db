"""Autoscaling groups: they make what is missing, and replace what has stopped; they never choose who goes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from cloudk8s.cloud.stack.interface import Create, Observed, Scope, Traits, Update
from cloudk8s.cloud.stack.resource import OWNER_TAG, RESOURCE_TAG
from cloudk8s.plugin import CloudError
from cloudk8s_aws.api import shown, tags_of
from cloudk8s_aws.cluster.kind import made
from cloudk8s_aws.errors import Taken
from cloudk8s_aws.groups.reading import GroupReader, Raw


@dataclass(frozen=True, slots=True)
class AutoscalingGroupType:
    """`autoscaling-group`: its name is its id, so an earlier attempt's group is found again."""

    shared: GroupReader
    name: str = "autoscaling-group"
    traits: Traits = field(
        default_factory=lambda: Traits(
            immutable=frozenset({"name"}), unordered=frozenset({"subnets"}),
            write_only=frozenset({"most", "tags"}), api="autoscaling",
        )
    )  # fmt: skip

    def list(self, scope: Scope) -> Sequence[Observed]:
        return [self._observed(raw) for raw in self.shared.groups(scope)]

    def create(self, call: Create) -> Observed:
        wanted = call.properties
        name = wanted["name"]
        try:
            self.shared.call(
                "autoscaling", "create_auto_scaling_group", AutoScalingGroupName=name, MinSize=0,
                NewInstancesProtectedFromScaleIn=True, **_template(wanted), **_size(wanted), **_place(wanted),
                Tags=_tags(name, wanted["tags"], call.tags),
            )  # fmt: skip
        except Taken:
            self._adopt(name, call)
            self._update(name, **_template(wanted), **_size(wanted), **_place(wanted))
        return made(call, self.name, name)

    def update(self, call: Update) -> Observed:
        wanted = call.properties
        parameters = _size(wanted)
        parameters |= _template(wanted) if "template" in call.changed else {}
        parameters |= _place(wanted) if "subnets" in call.changed else {}
        self._update(call.observed.id, **parameters)
        return replace(call.observed, properties={**call.observed.properties, **wanted})

    def delete(self, observed: Observed) -> None:
        """With its machines."""
        try:
            self.shared.call(
                "autoscaling", "delete_auto_scaling_group", AutoScalingGroupName=observed.id, ForceDelete=True
            )
        except CloudError:
            if self._named(observed.id):  # the answer for a group that is gone is that of any mistake
                raise

    def _update(self, name: str, **parameters: Any) -> None:
        self.shared.call("autoscaling", "update_auto_scaling_group", AutoScalingGroupName=name, **parameters)

    def _named(self, name: str) -> Sequence[Raw]:
        answer = self.shared.call("autoscaling", "describe_auto_scaling_groups", AutoScalingGroupNames=[name])
        return [raw for raw in answer["AutoScalingGroups"] if not raw.get("Status")]

    def _adopt(self, name: str, call: Create) -> None:
        if tags_of(shown(self._named(name), f"autoscaling group {name}")).get(OWNER_TAG) != call.owner.uid:
            raise Taken(f"autoscaling group {name} exists and is not ours")

    def _observed(self, raw: Raw) -> Observed:
        tags = tags_of(raw)
        propagated = {tag["Key"]: tag.get("Value", "") for tag in raw["Tags"] if tag.get("PropagateAtLaunch")}
        properties = {
            "name": raw["AutoScalingGroupName"], "size": raw["DesiredCapacity"],
            "template": (raw.get("LaunchTemplate") or {}).get("LaunchTemplateId", ""),
            "subnets": sorted(filter(None, raw.get("VPCZoneIdentifier", "").split(","))), "tags": propagated,
        }  # fmt: skip
        return Observed(
            self.name, tags.get(RESOURCE_TAG, ""), raw["AutoScalingGroupName"], tags.get(OWNER_TAG, ""), properties,
            state="deleting" if raw.get("Status") else "ready", tags=tags,
        )  # fmt: skip


def _template(wanted: Mapping[str, Any]) -> dict[str, Any]:
    return {"LaunchTemplate": {"LaunchTemplateId": wanted["template"], "Version": "1"}}


def _size(wanted: Mapping[str, Any]) -> dict[str, Any]:
    return {"DesiredCapacity": wanted["size"], "MaxSize": max(wanted["size"], wanted.get("most", 0))}


def _place(wanted: Mapping[str, Any]) -> dict[str, Any]:
    return {"VPCZoneIdentifier": ",".join(wanted["subnets"])}


def _tags(name: str, propagated: Mapping[str, str], own: Mapping[str, str]) -> list[dict[str, Any]]:
    """Machines get the tags of their pool; the group's own say whose the group is."""
    entry = {"ResourceId": name, "ResourceType": "auto-scaling-group"}
    both = [(propagated, True), ({key: value for key, value in own.items() if key not in propagated}, False)]
    return [
        {**entry, "Key": key, "Value": value, "PropagateAtLaunch": reaches_machines}
        for tags, reaches_machines in both
        for key, value in sorted(tags.items())
    ]
