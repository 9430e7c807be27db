"""What is in the way of a deletion: AWS refuses with no more than that something is."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from cloudk8s.plugin import CloudError, RetryLater
from cloudk8s_aws.api import filters
from cloudk8s_aws.cluster.kind import Ec2

SHOWN = 4
Raw = Mapping[str, Any]


@contextmanager
def explained(ec2: Ec2, **where: str) -> Iterator[None]:
    """Name what holds on to a thing that can't be deleted now: `subnet_id`, `group_id` or `vpc_id` says which."""
    try:
        yield
    except RetryLater as error:
        if not (found := _holders(ec2, where)):
            raise
        more = f" and {len(found) - SHOWN} more" if len(found) > SHOWN else ""
        text = f"{error.message}; in the way: {', '.join(found[:SHOWN])}{more}"
        raise RetryLater(error.after, text) from error


def _holders(ec2: Ec2, where: Mapping[str, str]) -> Sequence[str]:
    """Whatever can be found out; nothing where the account does not let us look."""
    wanted = filters(**{name: [id] for name, id in where.items()})
    try:
        cards = ec2.call("describe_network_interfaces", Filters=wanted)["NetworkInterfaces"]
        found = [_card(raw) for raw in cards]
        if "group_id" in where:
            naming = [{"Name": "ip-permission.group-id", "Values": [where["group_id"]]}]
            groups = ec2.call("describe_security_groups", Filters=naming)["SecurityGroups"]
            found += [f"{_group(raw)} names it" for raw in groups if raw["GroupId"] != where["group_id"]]
        if "vpc_id" in where:
            groups = ec2.call("describe_security_groups", Filters=wanted)["SecurityGroups"]
            found += [_group(raw) for raw in groups if raw["GroupName"] != "default"]
            found += [raw["SubnetId"] for raw in ec2.call("describe_subnets", Filters=wanted)["Subnets"]]
    except CloudError:
        return []
    return found


def _card(raw: Raw) -> str:
    """A network interface, and whose it is."""
    kind = str(raw.get("InterfaceType") or "interface").replace("_", " ")
    said = [str(raw.get("Description") or ""), kind if kind != "interface" else ""]
    if instance := (raw.get("Attachment") or {}).get("InstanceId"):
        said.append(f"of {instance}")
    whose = ", ".join(text for text in said if text)
    return f"{raw['NetworkInterfaceId']} ({whose})" if whose else str(raw["NetworkInterfaceId"])


def _group(raw: Raw) -> str:
    return f"{raw['GroupId']} ({raw['GroupName']})"
