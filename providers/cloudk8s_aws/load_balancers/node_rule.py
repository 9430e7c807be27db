"""One rule in each security group of nodes: everything from the group that all load balancers share.

So the number of rules does not grow with Services or ports.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field

from cloudk8s.cloud.stack.interface import Create, Observed, Scope, Traits, Update
from cloudk8s.cloud.stack.resource import OWNER_TAG
from cloudk8s.plugin import CloudNotFound
from cloudk8s_aws.api import AwsApi, filters, tags_of
from cloudk8s_aws.errors import Taken
from cloudk8s_aws.load_balancers.rules import permissions
from cloudk8s_aws.load_balancers.security_group import SecurityGroupType

DESCRIPTION = "kubernetes.io/rule/load-balancers"


@dataclass(frozen=True, slots=True)
class NodeRuleType:
    """`node-rule`: from which group, into which."""

    api: AwsApi
    name: str = "node-rule"
    traits: Traits = field(default_factory=lambda: Traits(immutable=frozenset({"group", "source"}), api="ec2"))

    def list(self, scope: Scope) -> Sequence[Observed]:
        sources = {entry.id: entry.owner for entry in SecurityGroupType(self.api).list(scope)}
        if not sources:
            return ()
        groups = self.api.pages(
            "ec2", "describe_security_groups", "SecurityGroups",
            Filters=[{"Name": "ip-permission.group-id", "Values": sorted(sources)}],
        )  # fmt: skip
        found: list[Observed] = []
        for group in groups:
            for permission in group.get("IpPermissions") or ():
                for pair in permission.get("UserIdGroupPairs") or ():
                    if permission["IpProtocol"] == "-1" and pair["GroupId"] in sources:
                        found.append(_observed(self.name, group["GroupId"], pair["GroupId"], sources[pair["GroupId"]]))
        return found

    def create(self, call: Create) -> Observed:
        group, source = call.properties["group"], call.properties["source"]
        rule = permissions([f"-1 all from {source}"], DESCRIPTION)
        with suppress(Taken):
            self.api.call("ec2", "authorize_security_group_ingress", GroupId=group, IpPermissions=rule)
        return _observed(self.name, group, source, call.owner.uid)

    def update(self, call: Update) -> Observed:
        return call.observed

    def delete(self, observed: Observed) -> None:
        group, source = observed.properties["group"], observed.properties["source"]
        rule = permissions([f"-1 all from {source}"], DESCRIPTION)
        try:
            self.api.call("ec2", "revoke_security_group_ingress", GroupId=group, IpPermissions=rule)
        except CloudNotFound:
            return


def node_groups(api: AwsApi, ids: Sequence[str]) -> dict[str, dict[str, str]]:
    """Tags of security groups, by id."""
    if not ids:
        return {}
    found = api.pages("ec2", "describe_security_groups", "SecurityGroups", Filters=filters(group_id=sorted(ids)))
    return {group["GroupId"]: tags_of(group) for group in found}


def _observed(type: str, group: str, source: str, owner: str) -> Observed:
    return Observed(
        type, f"node-rule/{group}", f"{group}<-{source}", owner, {"group": group, "source": source},
        tags={OWNER_TAG: owner},
    )  # fmt: skip
