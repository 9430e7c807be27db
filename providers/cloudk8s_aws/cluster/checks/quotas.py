"""Whether the account may have as much as the cluster needs: processors, addresses, networks, load balancers.

Quotas are asked of Service Quotas; one that can't be found out is no finding.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from cloudk8s.plugin import CloudError, Finding, MachineRequest, NetworkRequest
from cloudk8s_aws.api import AwsApi, chunks
from cloudk8s_aws.machines.catalog import DEFAULT, machine_types

STANDARD = "ACDHIMRTZ"
ON_DEMAND: Mapping[str, str] = {
    **dict.fromkeys(STANDARD, "L-1216C47A"), "G": "L-DB2E81BA", "P": "L-417A185B", "X": "L-7295265B", "F": "L-74FC7D96",
}  # fmt: skip
SPOT: Mapping[str, str] = {
    **dict.fromkeys(STANDARD, "L-34B43A08"), "G": "L-3819A6DF", "P": "L-7212CCBC", "X": "L-E3A00192", "F": "L-88CF9481",
}  # fmt: skip
"""Codes of the quotas of processors, by the first letter of the type."""
VPCS, ADDRESSES, BALANCERS = ("vpc", "L-F678F1CE"), ("ec2", "L-0263D0A3"), ("elasticloadbalancing", "L-69A177A2")
OLD_ADDRESSES = "vpc-max-elastic-ips"
ASK = "ask for more in Service Quotas"


@dataclass(frozen=True, slots=True)
class Quotas:
    """One look at one account."""

    api: AwsApi
    request: NetworkRequest
    machines: Sequence[MachineRequest]

    def networks(self) -> Iterator[Finding]:
        if self.request.existing is not None:
            return
        count, limit = len(self.api.pages("ec2", "describe_vpcs", "Vpcs")), self._limit(*VPCS)
        if limit is not None and count + 1 > limit:
            message = f"{self.api.region} has {count} of {limit} VPCs; delete one, {ASK}, or use network.existing"
            yield Finding("quota", message, field="network")

    def addresses(self) -> Iterator[Finding]:
        needed = {"none": 0, "single": 1, "per-zone": len(self.request.zones)}[self.request.nat]
        if not needed or self.request.existing is not None:
            return
        limit = self._limit(*ADDRESSES)
        if limit is None:
            limit = self._old_limit()
        taken = len(self.api.call("ec2", "describe_addresses")["Addresses"])
        if limit is not None and taken + needed > limit:
            message = f"{needed} elastic addresses are needed for NAT, but {taken} of {limit} are taken"
            yield Finding("quota", f"{message}; use nat: single or none, or {ASK}", field="network.nat")

    def balancers(self) -> Iterator[Finding]:
        if (limit := self._limit(*BALANCERS)) is None:
            return
        listed = self.api.pages("elbv2", "describe_load_balancers", "LoadBalancers")
        count = sum(entry.get("Type") == "network" for entry in listed)
        if count + 1 > limit:
            message = f"{self.api.region} has {count} of {limit} network load balancers; delete one, or {ASK}"
            yield Finding("quota", message, field="network.api")

    def processors(self) -> Iterator[Finding]:
        wanted = Counter[str]()
        sizes = self._sizes({request.type or DEFAULT for request in self.machines})
        for request in self.machines:
            kind = request.type or DEFAULT
            wanted[_code(kind, is_spot=request.spot)] += sizes.get(kind, 0)
        taken = self._running() if any(wanted.values()) else Counter[str]()
        for code, count in sorted(wanted.items()):
            limit = self._limit("ec2", code) if code and count else None
            if limit is not None and taken[code] + count > limit:
                message = f"{count} vCPUs are needed, but {taken[code]} of {limit} run already (quota {code})"
                yield Finding("quota", f"{message}; use fewer or smaller machines, or {ASK}", field="pools")

    def _running(self) -> Counter[str]:
        """Processors at work in the region, by the quota that they count for."""
        alive = [{"Name": "instance-state-name", "Values": ["pending", "running"]}]
        listed = self.api.pages("ec2", "describe_instances", "Reservations", page_size=1000, Filters=alive)
        instances = [instance for entry in listed for instance in entry["Instances"]]
        sizes = self._sizes({entry["InstanceType"] for entry in instances if not entry.get("CpuOptions")})
        found = Counter[str]()
        for entry in instances:
            is_spot = entry.get("InstanceLifecycle") == "spot"
            found[_code(entry["InstanceType"], is_spot=is_spot)] += _cpus(entry) or sizes.get(entry["InstanceType"], 0)
        return found

    def _sizes(self, names: set[str]) -> Mapping[str, int]:
        known = {entry.name: int(entry.cpus) for entry in machine_types() if entry.name in names}
        for part in chunks(sorted(names - known.keys()), 100):
            wanted = [{"Name": "instance-type", "Values": list(part)}]
            for entry in self.api.pages("ec2", "describe_instance_types", "InstanceTypes", Filters=wanted):
                known[entry["InstanceType"]] = entry["VCpuInfo"]["DefaultVCpus"]
        return known

    def _limit(self, service: str, code: str) -> int | None:
        try:
            answer = self.api.call("service-quotas", "get_service_quota", ServiceCode=service, QuotaCode=code)
        except CloudError:
            return None
        return int(answer["Quota"]["Value"])

    def _old_limit(self) -> int | None:
        answer = self.api.call("ec2", "describe_account_attributes", AttributeNames=[OLD_ADDRESSES])
        values = [each["AttributeValue"] for entry in answer["AccountAttributes"] for each in entry["AttributeValues"]]
        return int(values[0]) if values else None


def _code(kind: str, *, is_spot: bool) -> str:
    return (SPOT if is_spot else ON_DEMAND).get(kind[:1].upper(), "")


def _cpus(instance: Mapping[str, Any]) -> int:
    options = instance.get("CpuOptions") or {}
    return int(options.get("CoreCount") or 0) * int(options.get("ThreadsPerCore") or 1)
