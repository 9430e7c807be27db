"""What would fail later, found out before anything is made: permissions, quotas, types that a zone does not have."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from cloudk8s.plugin import CloudError, CloudForbidden, Finding, MachineRequest, NetworkRequest
from cloudk8s_aws.api import AwsApi, chunks
from cloudk8s_aws.machines.catalog import DEFAULT

ADDRESSES = "vpc-max-elastic-ips"
USUAL_VPCS = 5
"""An account's VPCs in a region, unless it was granted more."""
WOULD_SUCCEED = "DryRunOperation"


@dataclass(frozen=True, slots=True)
class Preflight:
    """The looks of one cluster; reads and dry runs only."""

    api: AwsApi
    request: NetworkRequest
    machines: Sequence[MachineRequest]

    def findings(self) -> list[Finding]:
        """Everything that was found; what could not be found out is no finding."""
        checks: Sequence[Callable[[], Iterator[Finding]]] = (
            self._permissions, self._addresses, self._networks, self._types,
        )  # fmt: skip
        return [finding for check in checks for finding in _of(check)]

    def _permissions(self) -> Iterator[Finding]:
        """Dry runs of calls that come late: to be refused there would be a pity."""
        first = self.machines[0] if self.machines else None
        instance = {
            "ImageId": "ami-00000000000000000", "InstanceType": (first.type if first else "") or DEFAULT,
            "MinCount": 1, "MaxCount": 1,
        }  # fmt: skip
        group = {"GroupName": f"{self.request.cluster}-preflight", "Description": "a dry run"}
        for operation, parameters in (("run_instances", instance), ("create_security_group", group)):
            if refusal := self._dry_run(operation, parameters):
                yield Finding("permission", f"{refusal}; `cloudk8s provider iam-policy aws` prints what is needed")

    def _dry_run(self, operation: str, parameters: dict[str, Any]) -> str:
        """Why the call is forbidden; other failures of a dry run mean nothing."""
        try:
            self.api.call("ec2", operation, DryRun=True, **parameters)
        except CloudForbidden as error:
            return str(error)
        except CloudError:
            return ""
        return ""

    def _addresses(self) -> Iterator[Finding]:
        needed = {"none": 0, "single": 1, "per-zone": len(self.request.zones)}[self.request.nat]
        if not needed:
            return
        answer = self.api.call("ec2", "describe_account_attributes", AttributeNames=[ADDRESSES])
        values = [
            value["AttributeValue"] for entry in answer["AccountAttributes"] for value in entry["AttributeValues"]
        ]
        taken = len(self.api.call("ec2", "describe_addresses")["Addresses"])
        if values and taken + needed > int(values[0]):
            message = f"{needed} elastic addresses are needed for NAT, but {taken} of {values[0]} are taken"
            yield Finding("quota", f"{message}; use nat: single or none, or ask for more", field="network.nat")

    def _networks(self) -> Iterator[Finding]:
        count = len(self.api.pages("ec2", "describe_vpcs", "Vpcs"))
        if count >= USUAL_VPCS:
            message = f"there are {count} VPCs in {self.api.region}; accounts may have {USUAL_VPCS} unless granted more"
            yield Finding("quota", message, is_fatal=False)

    def _types(self) -> Iterator[Finding]:
        wanted = {(machine.type or DEFAULT, machine.zone) for machine in self.machines if machine.zone}
        for part in chunks(sorted({name for name, _ in wanted}), 100):
            filters = [{"Name": "instance-type", "Values": list(part)}]
            found = self.api.pages(
                "ec2", "describe_instance_type_offerings", "InstanceTypeOfferings",
                LocationType="availability-zone", Filters=filters,
            )  # fmt: skip
            offered = {(entry["InstanceType"], entry["Location"]) for entry in found}
            for name, zone in sorted(entry for entry in wanted if entry[0] in part and entry not in offered):
                others = ", ".join(sorted(place for kind, place in offered if kind == name)) or "no zone of this region"
                yield Finding(
                    "machine type", f"{name} can't be had in {zone}; it can in {others}", field="network.zones"
                )


def _of(check: Callable[[], Iterator[Finding]]) -> list[Finding]:
    try:
        return list(check())
    except CloudForbidden as error:
        return [Finding("permission", str(error))]
    except CloudError:
        return []
