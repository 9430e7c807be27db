"""The load balancer of the API: a network load balancer, its listener, its target group and the targets.

Names are deterministic, so they are looked up by name: two calls tell whether anything is there. Where nothing at all
carries the cluster's tag none is needed: neither is without a VPC of the cluster's, or groups in another's.
"""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from cloudk8s.cloud.stack.interface import Create, Observed, ResourceState, Scope, Traits, Update
from cloudk8s.cloud.stack.resource import OWNER_TAG, RESOURCE_TAG
from cloudk8s.plugin import CloudNotFound
from cloudk8s_aws.api import AwsApi
from cloudk8s_aws.cluster.kind import made
from cloudk8s_aws.cluster.known import KnownVpc
from cloudk8s_aws.errors import Taken
from cloudk8s_aws.load_balancers.naming import resource_name
from cloudk8s_aws.load_balancers.tagging import creation_tags, read_tags

Raw = Mapping[str, Any]
STATES: Mapping[str, ResourceState] = {"provisioning": "pending", "failed": "failed"}


class ApiBalancers:
    """What there is, read once for all types of an observation; with its tags."""

    def __init__(self, api: AwsApi, known: KnownVpc) -> None:
        self.api = api
        self._known = known
        self._lock = threading.RLock()
        self._found: dict[str, tuple[Raw, Mapping[str, str]] | None] = {}
        self._tags: dict[str, Mapping[str, str]] = {}

    def begin(self, scope: Scope, types: object) -> None:
        """A new observation."""
        nothing = self._known.has_nothing_of("balancers")
        with self._lock:
            self._found = dict.fromkeys(("LoadBalancers", "TargetGroups")) if nothing else {}

    def call(self, operation: str, **parameters: Any) -> dict[str, Any]:
        """One call of the load balancing API."""
        return self.api.call("elbv2", operation, **parameters)

    def balancer(self, scope: Scope) -> tuple[Raw, Mapping[str, str]] | None:
        """The load balancer, if it is there and ours."""
        return self._get("describe_load_balancers", "LoadBalancers", "LoadBalancerArn", scope.owner)

    def group(self, scope: Scope) -> tuple[Raw, Mapping[str, str]] | None:
        """The target group, if it is there and ours."""
        return self._get("describe_target_groups", "TargetGroups", "TargetGroupArn", scope.owner)

    def _get(self, operation: str, key: str, id: str, owner: str) -> tuple[Raw, Mapping[str, str]] | None:
        with self._lock:
            if key not in self._found:
                self._found[key] = self._read(operation, key, id, owner)
            return self._found[key]

    def _read(self, operation: str, key: str, id: str, owner: str) -> tuple[Raw, Mapping[str, str]] | None:
        try:
            entry = self.call(operation, Names=[api_name(owner)])[key][0]
        except (CloudNotFound, IndexError):
            return None
        arn = entry[id]
        if arn not in self._tags:  # an ARN never comes back, and nobody takes ownership tags away from it unpunished
            self._tags |= read_tags(self.api, [arn])
        tags = self._tags.get(arn, {})
        return (entry, tags) if tags.get(OWNER_TAG) == owner else None

    def remember(self, arn: str, tags: Mapping[str, str]) -> None:
        """The tags of what was made just now."""
        with self._lock:
            self._tags[arn] = dict(tags)


@dataclass(frozen=True, slots=True)
class ApiGroupType:
    """`api-targets-group`: the control plane's machines, checked on the API's port."""

    shared: ApiBalancers
    name: str = "api-target-group"
    traits: Traits = field(
        default_factory=lambda: Traits(
            immutable=frozenset({"vpc", "port"}), write_only=frozenset({"name", "tags"}), api="elbv2"
        )
    )

    def list(self, scope: Scope) -> Sequence[Observed]:
        if (found := self.shared.group(scope)) is None:
            return ()
        group, tags = found
        properties = {"vpc": group.get("VpcId", ""), "port": group["Port"]}
        return [_observed(self.name, group["TargetGroupArn"], tags, properties)]

    def create(self, call: Create) -> Observed:
        wanted = call.properties
        try:
            group = self.shared.call(
                "create_target_group", Name=wanted["name"], Protocol="TCP", Port=wanted["port"], VpcId=wanted["vpc"],
                TargetType="instance", HealthCheckProtocol="TCP", HealthCheckIntervalSeconds=10,
                Tags=creation_tags(call),
            )["TargetGroups"][0]  # fmt: skip
        except Taken:
            group = self._adopt(wanted["name"], call)
        self.shared.remember(group["TargetGroupArn"], call.tags)
        return made(call, self.name, group["TargetGroupArn"])

    def update(self, call: Update) -> Observed:
        return call.observed

    def delete(self, observed: Observed) -> None:
        self.shared.call("delete_target_group", TargetGroupArn=observed.id)

    def _adopt(self, name: str, call: Create) -> Raw:
        group: Raw = self.shared.call("describe_target_groups", Names=[name])["TargetGroups"][0]
        _refuse_foreign(self.shared, group["TargetGroupArn"], call, f"target group {name}")
        return group


@dataclass(frozen=True, slots=True)
class ApiBalancerType:
    """`api-balancer`."""

    shared: ApiBalancers
    name: str = "api-balancer"
    traits: Traits = field(
        default_factory=lambda: Traits(
            immutable=frozenset({"vpc", "scheme"}), unordered=frozenset({"subnets", "groups"}),
            write_only=frozenset({"name", "tags"}), api="elbv2",
        )
    )  # fmt: skip

    def list(self, scope: Scope) -> Sequence[Observed]:
        if (found := self.shared.balancer(scope)) is None:
            return ()
        balancer, tags = found
        return [self._observed(balancer, tags)]

    def create(self, call: Create) -> Observed:
        wanted = call.properties
        try:
            balancer = self.shared.call(
                "create_load_balancer", Name=wanted["name"], Type="network", Scheme=wanted["scheme"],
                Subnets=list(wanted["subnets"]), SecurityGroups=list(wanted["groups"]), Tags=creation_tags(call),
            )["LoadBalancers"][0]  # fmt: skip
        except Taken:
            balancer = self.shared.call("describe_load_balancers", Names=[wanted["name"]])["LoadBalancers"][0]
            _refuse_foreign(self.shared, balancer["LoadBalancerArn"], call, f"load balancer {wanted['name']}")
        self.shared.remember(balancer["LoadBalancerArn"], call.tags)
        entry = self._observed(balancer, call.tags)
        return replace(entry, properties=dict(wanted))

    def update(self, call: Update) -> Observed:
        arn, wanted = call.observed.id, call.properties
        if "subnets" in call.changed:
            self.shared.call("set_subnets", LoadBalancerArn=arn, Subnets=list(wanted["subnets"]))
        if "groups" in call.changed:
            self.shared.call("set_security_groups", LoadBalancerArn=arn, SecurityGroups=list(wanted["groups"]))
        return replace(call.observed, properties=dict(wanted))

    def delete(self, observed: Observed) -> None:
        self.shared.call("delete_load_balancer", LoadBalancerArn=observed.id)

    def _observed(self, balancer: Raw, tags: Mapping[str, str]) -> Observed:
        state = balancer.get("State") or {}
        code = STATES.get(state.get("Code", ""), "ready")
        properties = {
            "vpc": balancer.get("VpcId", ""), "scheme": balancer["Scheme"],
            "subnets": sorted(zone["SubnetId"] for zone in balancer.get("AvailabilityZones") or ()),
            "groups": sorted(balancer.get("SecurityGroups") or ()),
        }  # fmt: skip
        entry = _observed(self.name, balancer["LoadBalancerArn"], tags, properties)
        reason = state.get("Reason") or ("usually takes two minutes" if code == "pending" else "")
        known = {"hostname": balancer.get("DNSName", ""), "zone": balancer.get("CanonicalHostedZoneId", "")}
        return replace(entry, attributes=known, state=code, reason=reason)


@dataclass(frozen=True, slots=True)
class ApiListenerType:
    """`api-listener`: goes with the load balancer."""

    shared: ApiBalancers
    name: str = "api-listener"
    traits: Traits = field(
        default_factory=lambda: Traits(
            immutable=frozenset({"balancer", "port"}), write_only=frozenset({"tags"}), api="elbv2"
        )
    )

    def list(self, scope: Scope) -> Sequence[Observed]:
        if (found := self.shared.balancer(scope)) is None:
            return ()
        balancer, tags = found
        arn = balancer["LoadBalancerArn"]
        try:
            listeners = self.shared.api.pages("elbv2", "describe_listeners", "Listeners", LoadBalancerArn=arn)
        except CloudNotFound:
            return ()
        return [self._observed(entry, arn, tags) for entry in listeners]

    def create(self, call: Create) -> Observed:
        wanted = call.properties
        try:
            listener = self.shared.call(
                "create_listener", LoadBalancerArn=wanted["balancer"], Protocol="TCP", Port=wanted["port"],
                DefaultActions=_forward(wanted["group"]), Tags=creation_tags(call),
            )["Listeners"][0]  # fmt: skip
        except Taken:
            found = self.shared.call("describe_listeners", LoadBalancerArn=wanted["balancer"])["Listeners"]
            listener = next(entry for entry in found if entry["Port"] == wanted["port"])
            self._modify(listener["ListenerArn"], wanted)
        return made(call, self.name, listener["ListenerArn"], within=wanted["balancer"])

    def update(self, call: Update) -> Observed:
        self._modify(call.observed.id, call.properties)
        return replace(call.observed, properties=dict(call.properties))

    def delete(self, observed: Observed) -> None:
        self.shared.call("delete_listener", ListenerArn=observed.id)

    def _modify(self, arn: str, wanted: Mapping[str, Any]) -> None:
        self.shared.call("modify_listener", ListenerArn=arn, DefaultActions=_forward(wanted["group"]))

    def _observed(self, listener: Raw, balancer: str, tags: Mapping[str, str]) -> Observed:
        actions = listener.get("DefaultActions") or [{}]
        properties = {
            "balancer": balancer, "port": listener["Port"], "group": actions[0].get("TargetGroupArn", ""),
        }  # fmt: skip
        owner = tags.get(OWNER_TAG, "")
        return Observed(self.name, self.name, listener["ListenerArn"], owner, properties, tags=tags, within=balancer)


@dataclass(frozen=True, slots=True)
class ApiTargetsType:
    """`api-targets`: the instances behind the API; goes with the target group.

    They are clients of the API, too. Within the network a connection that `loops` back to where it began is lost unless
    it seems to come from the load balancer:
    https://docs.aws.amazon.com/elasticloadbalancing/latest/network/load-balancer-troubleshooting.html
    """

    shared: ApiBalancers
    name: str = "api-targets"
    traits: Traits = field(
        default_factory=lambda: Traits(
            immutable=frozenset({"group"}), unordered=frozenset({"instances"}), write_only=frozenset({"loops"}),
            api="elbv2",
        )
    )  # fmt: skip

    def list(self, scope: Scope) -> Sequence[Observed]:
        if (found := self.shared.group(scope)) is None:
            return ()
        group, tags = found
        arn = group["TargetGroupArn"]
        try:
            health = self.shared.call("describe_target_health", TargetGroupArn=arn)["TargetHealthDescriptions"]
        except CloudNotFound:
            return ()
        instances = sorted(e["Target"]["Id"] for e in health if e.get("TargetHealth", {}).get("State") != "draining")
        if not instances:
            return ()
        properties, owner = {"group": arn, "instances": instances}, tags.get(OWNER_TAG, "")
        return [Observed(self.name, self.name, f"{arn}#targets", owner, properties, tags=tags, within=arn)]

    def create(self, call: Create) -> Observed:
        group = call.properties["group"]
        if call.properties["loops"]:
            attributes = [{"Key": "preserve_client_ip.enabled", "Value": "false"}]
            self.shared.call("modify_target_group_attributes", TargetGroupArn=group, Attributes=attributes)
        self._call("register_targets", group, call.properties["instances"])
        return made(call, self.name, f"{group}#targets", within=group)

    def update(self, call: Update) -> Observed:
        group = call.properties["group"]
        wanted, present = set(call.properties["instances"]), set(call.observed.properties["instances"])
        if added := sorted(wanted - present):
            self._call("register_targets", group, added)
        if gone := sorted(present - wanted):
            self._call("deregister_targets", group, gone)
        return replace(call.observed, properties=dict(call.properties))

    def delete(self, observed: Observed) -> None:
        try:
            self._call("deregister_targets", observed.within, observed.properties["instances"])
        except CloudNotFound:
            return

    def _call(self, operation: str, group: str, instances: Sequence[str]) -> None:
        self.shared.call(operation, TargetGroupArn=group, Targets=[{"Id": id} for id in instances])


def api_name(owner: str) -> str:
    """The name of load balancer and target group."""
    return resource_name("api", owner)


def _observed(name: str, arn: str, tags: Mapping[str, str], properties: Mapping[str, Any]) -> Observed:
    return Observed(name, tags.get(RESOURCE_TAG, name), arn, tags.get(OWNER_TAG, ""), properties, tags=tags)


def _forward(group: str) -> list[dict[str, str]]:
    return [{"Type": "forward", "TargetGroupArn": group}]


def _refuse_foreign(shared: ApiBalancers, arn: str, call: Create, what: str) -> None:
    if read_tags(shared.api, [arn]).get(arn, {}).get(OWNER_TAG) != call.owner.uid:
        raise Taken(f"{what} exists and is not ours")
