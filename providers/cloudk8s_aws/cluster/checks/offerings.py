"""Whether every zone has the types of machines that are to be in it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from cloudk8s.plugin import Finding, MachineRequest, NetworkRequest
from cloudk8s_aws.api import AwsApi, chunks
from cloudk8s_aws.machines.catalog import DEFAULT


def missing(api: AwsApi, request: NetworkRequest, machines: Sequence[MachineRequest]) -> Iterator[Finding]:
    """One finding for every type and zone, with the zones where it can be had."""
    wanted = {(machine.type or DEFAULT, machine.zone) for machine in machines if machine.zone}
    for part in chunks(sorted({name for name, _ in wanted}), 100):
        filters = [{"Name": "instance-type", "Values": list(part)}]
        found = api.pages(
            "ec2", "describe_instance_type_offerings", "InstanceTypeOfferings",
            LocationType="availability-zone", Filters=filters,
        )  # fmt: skip
        offered = {(entry["InstanceType"], entry["Location"]) for entry in found}
        for name, zone in sorted(entry for entry in wanted if entry[0] in part and entry not in offered):
            others = ", ".join(sorted(place for kind, place in offered if kind == name))
            advice = f"use zones {others}" if others else "no zone of this region has it; use another type"
            yield Finding("machine type", f"{name} can't be had in {zone}; {advice}", field="network.zones")
