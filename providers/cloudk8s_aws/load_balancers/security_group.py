"""Security groups with exactly the rules wanted."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from cloudk8s.cloud.stack.interface import Create, Observed, Scope, Traits, Update
from cloudk8s.cloud.stack.resource import CLUSTER_TAG, OWNER_TAG, RESOURCE_TAG
from cloudk8s_aws.api import AwsApi, shown, tag_list, tags_of
from cloudk8s_aws.errors import Taken
from cloudk8s_aws.load_balancers.rules import atoms, difference, permissions


@dataclass(frozen=True, slots=True)
class SecurityGroupType:
    """`security-group`: name, description, vpc, rules."""

    api: AwsApi
    name: str = "security-group"
    traits: Traits = field(
        default_factory=lambda: Traits(
            immutable=frozenset({"name", "vpc"}), unordered=frozenset({"rules"}),
            write_only=frozenset({"description", "tags"}), api="ec2",
        )
    )  # fmt: skip

    def list(self, scope: Scope) -> Sequence[Observed]:
        """One listing for all owners, which those who ask at the same time share."""
        wanted = [{"Name": f"tag:{CLUSTER_TAG}", "Values": [scope.cluster]}]
        found = self.api.listing("ec2", "describe_security_groups", "SecurityGroups", Filters=wanted)
        observed = [self._observed(group) for group in found if RESOURCE_TAG in tags_of(group)]
        return [entry for entry in observed if scope.owner in ("", entry.owner)]

    def create(self, call: Create) -> Observed:
        wanted = call.properties
        tags = tag_list({**wanted.get("tags", {}), **call.tags, "Name": wanted["name"]})
        try:
            made = self.api.call(
                "ec2", "create_security_group", GroupName=wanted["name"], Description=wanted["description"],
                VpcId=wanted["vpc"], TagSpecifications=[{"ResourceType": "security-group", "Tags": tags}],
            )  # fmt: skip
        except Taken:
            group = self._by_name(wanted)
            if tags_of(group).get(OWNER_TAG) != call.owner.uid:
                raise
        else:
            named = {"GroupName": wanted["name"], "VpcId": wanted["vpc"], "Tags": tags, "IpPermissions": []}
            group = {"GroupId": made["GroupId"], **named}
        self._set_rules(group, wanted["rules"])
        return self._observed({**group, "IpPermissions": permissions(wanted["rules"])})

    def update(self, call: Update) -> Observed:
        group = self.api.call("ec2", "describe_security_groups", GroupIds=[call.observed.id])["SecurityGroups"][0]
        self._set_rules(group, call.properties["rules"])
        return self._observed({**group, "IpPermissions": permissions(call.properties["rules"])})

    def delete(self, observed: Observed) -> None:
        self.api.call("ec2", "delete_security_group", GroupId=observed.id)

    def _by_name(self, wanted: Mapping[str, Any]) -> dict[str, Any]:
        named = [
            {"Name": "group-name", "Values": [wanted["name"]]},
            {"Name": "vpc-id", "Values": [wanted["vpc"]]},
        ]
        found = self.api.call("ec2", "describe_security_groups", Filters=named)["SecurityGroups"]
        group: dict[str, Any] = shown(found, f"security group {wanted['name']}")
        return group

    def _set_rules(self, group: Mapping[str, Any], wanted: Sequence[str]) -> None:
        """Add before removing, so that what stays allowed is never cut off."""
        add, revoke = difference(wanted, atoms(group.get("IpPermissions") or ()))
        if add:
            try:
                self.api.call(
                    "ec2", "authorize_security_group_ingress", GroupId=group["GroupId"], IpPermissions=permissions(add)
                )
            except Taken:
                return self._set_rules_one_by_one(group, add)
        if revoke:
            self.api.call(
                "ec2", "revoke_security_group_ingress", GroupId=group["GroupId"], IpPermissions=permissions(revoke)
            )
        return None

    def _set_rules_one_by_one(self, group: Mapping[str, Any], add: Sequence[str]) -> None:
        """An earlier attempt has added some: AWS refuses the whole batch for one rule that is there."""
        for rule in add:
            try:
                self.api.call(
                    "ec2", "authorize_security_group_ingress", GroupId=group["GroupId"],
                    IpPermissions=permissions([rule]),
                )  # fmt: skip
            except Taken:
                continue

    def _observed(self, group: Mapping[str, Any]) -> Observed:
        tags = tags_of(group)
        properties = {
            "name": group["GroupName"], "vpc": group["VpcId"], "rules": atoms(group.get("IpPermissions") or ()),
        }  # fmt: skip
        return Observed(
            self.name, tags.get(RESOURCE_TAG, ""), group["GroupId"], tags.get(OWNER_TAG, ""), properties, tags=tags
        )
