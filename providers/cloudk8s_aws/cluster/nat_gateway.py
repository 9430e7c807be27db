"""NAT gateways: the way out of private subnets."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from cloudk8s.cloud.stack.interface import Create, Observed, ResourceState, Scope, Traits, Update
from cloudk8s.plugin import CloudError, CloudNotFound, RetryLater
from cloudk8s_aws.cluster.kind import Ec2, made, observed, specification
from cloudk8s_aws.cluster.reading import Reader

NAT_STATES: dict[str, ResourceState] = {
    "pending": "pending", "available": "ready", "failed": "failed", "deleting": "deleting",
}  # fmt: skip
NAT_DELETION = timedelta(seconds=10)


@dataclass(frozen=True, slots=True)
class NatGatewayType:
    """`nat-gateway`: takes a minute or two to come and to go; its address is free only when it is gone."""

    ec2: Ec2
    name: str = "nat-gateway"
    traits: Traits = field(
        default_factory=lambda: Traits(immutable=frozenset({"subnet", "address"}), api="ec2", blocks_until_ready=True)
    )

    @property
    def shared(self) -> Reader:
        return self.ec2.reader

    def list(self, scope: Scope) -> Sequence[Observed]:
        entries = self.ec2.reader.entries(self.name, scope)
        return [self._observed(raw) for raw in entries if raw["State"] != "deleted"]

    def create(self, call: Create) -> Observed:
        wanted = call.properties
        raw = self.ec2.call(
            "create_nat_gateway", SubnetId=wanted["subnet"], AllocationId=wanted["address"], ClientToken=call.token,
            TagSpecifications=specification("natgateway", call),
        )["NatGateway"]  # fmt: skip
        return made(call, self.name, raw["NatGatewayId"], state=NAT_STATES.get(raw["State"], "pending"))

    def update(self, call: Update) -> Observed:
        return call.observed

    def delete(self, observed: Observed) -> None:
        if error := self.delete_many([observed]).get(observed.id):
            raise error

    def delete_many(self, resources: Sequence[Observed]) -> Mapping[str, CloudError]:
        """Begin all deletions, then look once: what is not gone yet is waited for."""
        failed: dict[str, CloudError] = {}
        for entry in resources:
            try:
                self.ec2.call("delete_nat_gateway", NatGatewayId=entry.id)
            except CloudNotFound:
                continue
            except CloudError as error:
                failed[entry.id] = error
        begun = [entry.id for entry in resources if entry.id not in failed]
        waited = {
            id: RetryLater(NAT_DELETION, f"{id} is being deleted, usually for a minute") for id in self._left(begun)
        }
        return {**failed, **waited}

    def _left(self, ids: Sequence[str]) -> Sequence[str]:
        if not ids:
            return ()
        wanted = [{"Name": "nat-gateway-id", "Values": list(ids)}]
        found = self.ec2.api.pages("ec2", "describe_nat_gateways", "NatGateways", Filters=wanted)
        return [raw["NatGatewayId"] for raw in found if raw["State"] != "deleted"]

    def _observed(self, raw: Any) -> Observed:
        addresses = raw.get("NatGatewayAddresses") or [{}]
        properties = {"subnet": raw["SubnetId"], "address": addresses[0].get("AllocationId", "")}
        state = NAT_STATES.get(raw["State"], "pending")
        reason = raw.get("FailureMessage") or ("usually takes one to two minutes" if state == "pending" else "")
        return observed(self.name, raw, raw["NatGatewayId"], properties, state=state, reason=reason)
