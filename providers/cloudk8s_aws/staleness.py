"""Eventual consistency for tests: for a while, listings miss what was made just now."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

from cloudk8s.cloud.stack.timing import Timer

PRIMARY: Mapping[str, str] = {
    "Vpcs": "VpcId", "Subnets": "SubnetId", "InternetGateways": "InternetGatewayId", "Addresses": "AllocationId",
    "NatGateways": "NatGatewayId", "RouteTables": "RouteTableId", "VpcEndpoints": "VpcEndpointId",
    "SecurityGroups": "GroupId", "Instances": "InstanceId", "Tags": "ResourceId",
    "LoadBalancers": "LoadBalancerArn", "TargetGroups": "TargetGroupArn", "Listeners": "ListenerArn",
    "LoadBalancerDescriptions": "LoadBalancerName", "LaunchTemplates": "LaunchTemplateId",
}  # fmt: skip
"""Lists of answers, and what names an entry."""
MAKES: Mapping[str, str] = {
    "CreateVpc": "vpc", "CreateSubnet": "subnet", "CreateInternetGateway": "igw", "AllocateAddress": "eipalloc",
    "CreateNatGateway": "nat", "CreateRouteTable": "rtb", "CreateVpcEndpoint": "vpce", "CreateSecurityGroup": "sg",
    "RunInstances": "i", "CreateLaunchTemplate": "lt",
}  # fmt: skip
"""Calls that make something, and what its id begins with."""

BALANCING: Mapping[str, str] = {
    "CreateLoadBalancer": "LoadBalancer", "CreateTargetGroup": "TargetGroup", "CreateListener": "Listener",
}  # fmt: skip
"""The same for load balancing, whose answers name what they made."""


class Staleness:
    """What was made is hidden from listings for `lag` seconds."""

    def __init__(self, timer: Callable[[], Timer]) -> None:
        self.lag = 0.0
        self._timer = timer
        self._born: dict[str, float] = {}

    def attach(self, client: Any) -> None:
        """Change the answers of a client's calls."""
        client.meta.events.register_first("after-call.*.*", self._after)

    def forget(self) -> None:
        """Another account."""
        self.lag = 0.0
        self._born.clear()

    def _after(self, model: Any, parsed: Any, **_: Any) -> None:
        now = self._timer().monotonic()
        if prefix := MAKES.get(model.name):
            for id in re.findall(rf"\b{prefix}-[0-9a-f]{{8,}}\b", repr(parsed)):
                self._born.setdefault(id, now)
        elif name := BALANCING.get(model.name):
            for entry in parsed.get(f"{name}s") or ():
                self._born.setdefault(entry[f"{name}Arn"], now)
        elif model.name.startswith(("Describe", "GetResources")) and self.lag:
            hidden = {id for id, born in self._born.items() if now - born < self.lag}
            _hide(parsed, hidden)


def _is_hidden(arn: str, hidden: set[str]) -> bool:
    return arn in hidden or arn.rpartition("/")[2] in hidden


def _hide(value: Any, hidden: set[str]) -> None:
    """Take hidden entries out of all lists, in place."""
    if isinstance(value, dict):
        for name, entry in value.items():
            key = PRIMARY.get(name)
            if key is not None and isinstance(entry, list):
                entry[:] = [item for item in entry if not (isinstance(item, dict) and item.get(key) in hidden)]
            elif name == "ResourceTagMappingList":
                entry[:] = [item for item in entry if not _is_hidden(item["ResourceARN"], hidden)]
            _hide(entry, hidden)
    elif isinstance(value, list):
        for item in value:
            _hide(item, hidden)
