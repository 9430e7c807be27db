"""Load balancers, and their marks: the digests that are stored as tags."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from cloudk8s.cloud.stack.balancing import MARK
from cloudk8s.cloud.stack.interface import Create, Observed, ResourceState, Scope, Traits, Update
from cloudk8s.cloud.stack.resource import CLUSTER_TAG, OWNER_TAG, RESOURCE_TAG
from cloudk8s.plugin import CloudNotFound
from cloudk8s_aws.api import AwsApi, shown, tag_list
from cloudk8s_aws.errors import Taken
from cloudk8s_aws.load_balancers.attributes import attributes_of, changed_attributes, read_attributes
from cloudk8s_aws.load_balancers.naming import may_belong_to
from cloudk8s_aws.load_balancers.tagging import creation_tags, read_tags

DIGEST_TAG = "cloudk8s.io/digest"
TARGETS_TAG = "cloudk8s.io/targets"
STATES: Mapping[str, ResourceState] = {"failed": "failed"}
"""A load balancer that is provisioning has its name already, so it counts as ready."""
DEFAULTS = {
    "access_logs.s3.enabled": "false", "access_logs.s3.bucket": "", "access_logs.s3.prefix": "",
    "load_balancing.cross_zone.enabled": "false", "deletion_protection.enabled": "false",
    "dns_record.client_routing_policy": "any_availability_zone", "zonal_shift.config.enabled": "false",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class BalancerType:
    """`load-balancer`: scheme and subnets are chosen once; groups, address type and attributes can change."""

    api: AwsApi
    name: str = "load-balancer"
    traits: Traits = field(
        default_factory=lambda: Traits(
            immutable=frozenset({"name", "type", "scheme"}), unordered=frozenset({"security_groups"}),
            write_only=frozenset({"subnets", "tags"}), api="elbv2",
        )
    )  # fmt: skip

    def list(self, scope: Scope) -> Sequence[Observed]:
        """Load balancers with their marks, which cost no call of their own."""
        found: list[Observed] = []
        for balancer, tags in owned_balancers(self.api, scope):
            entry = self._observed(balancer, tags)
            found.append(self._in_full(entry) if scope.owner else entry)
            if DIGEST_TAG in tags:
                found.append(_mark(entry))
        return found

    def create(self, call: Create) -> Observed:
        wanted = call.properties
        try:
            balancer = self.api.call(
                "elbv2", "create_load_balancer", Name=wanted["name"], Type=wanted["type"], Scheme=wanted["scheme"],
                IpAddressType=wanted["ip_address_type"], SubnetMappings=wanted["subnets"],
                SecurityGroups=wanted["security_groups"], Tags=creation_tags(call),
            )["LoadBalancers"][0]  # fmt: skip
            entry = self._observed(balancer, call.tags)
            entry = replace(entry, properties={**entry.properties, **attributes_of(DEFAULTS)})
        except Taken:
            entry = self._in_full(self._observed(self._adopt(wanted["name"], call), call.tags))
        return self._change(entry, wanted)

    def update(self, call: Update) -> Observed:
        return self._change(call.observed, call.properties)

    def delete(self, observed: Observed) -> None:
        self.api.call("elbv2", "delete_load_balancer", LoadBalancerArn=observed.id)

    def _change(self, entry: Observed, wanted: Mapping[str, Any]) -> Observed:
        present = entry.properties
        if sorted(wanted["security_groups"]) != sorted(present["security_groups"]):
            self.api.call(
                "elbv2", "set_security_groups", LoadBalancerArn=entry.id, SecurityGroups=wanted["security_groups"]
            )
        if wanted["ip_address_type"] != present["ip_address_type"]:
            self.api.call(
                "elbv2", "set_ip_address_type", LoadBalancerArn=entry.id, IpAddressType=wanted["ip_address_type"]
            )
        if changed := changed_attributes(wanted, present):
            self.api.call("elbv2", "modify_load_balancer_attributes", LoadBalancerArn=entry.id, Attributes=changed)
        kept = {key: value for key, value in wanted.items() if key not in self.traits.write_only}
        return replace(entry, properties={**present, **kept})

    def _adopt(self, name: str, call: Create) -> Mapping[str, Any]:
        found = self.api.call("elbv2", "describe_load_balancers", Names=[name])["LoadBalancers"]
        balancer: Mapping[str, Any] = shown(found, f"load balancer {name}")
        arn = balancer["LoadBalancerArn"]
        if read_tags(self.api, [arn]).get(arn, {}).get(OWNER_TAG) != call.owner.uid:
            raise Taken(f"load balancer {name} exists and is not ours")
        return balancer

    def _in_full(self, entry: Observed) -> Observed:
        try:
            found = read_attributes(self.api, "describe_load_balancer_attributes", LoadBalancerArn=entry.id)
        except CloudNotFound:
            return replace(entry, state="deleting")
        return replace(entry, properties={**entry.properties, **attributes_of({**DEFAULTS, **found})})

    def _observed(self, balancer: Mapping[str, Any], tags: Mapping[str, str]) -> Observed:
        properties = {
            "name": balancer["LoadBalancerName"], "type": balancer["Type"], "scheme": balancer["Scheme"],
            "ip_address_type": balancer.get("IpAddressType", "ipv4"),
            "security_groups": sorted(balancer.get("SecurityGroups") or ()),
        }  # fmt: skip
        state = str((balancer.get("State") or {}).get("Code", ""))
        return Observed(
            self.name, tags.get(RESOURCE_TAG, ""), balancer["LoadBalancerArn"], tags.get(OWNER_TAG, ""), properties,
            {"hostname": balancer.get("DNSName", "")}, STATES.get(state, "ready"),
            (balancer.get("State") or {}).get("Reason", ""), tags,
        )  # fmt: skip


@dataclass(frozen=True, slots=True)
class MarkType:
    """`mark`: digests as tags of the load balancer; listed together with it, gone together with it."""

    api: AwsApi
    name: str = MARK
    traits: Traits = field(default_factory=lambda: Traits(immutable=frozenset({"balancer"}), api="elbv2"))

    def list(self, scope: Scope) -> Sequence[Observed]:
        return ()

    def create(self, call: Create) -> Observed:
        self._write(call.properties)
        arn = call.properties["balancer"]
        return Observed(MARK, call.key, f"{arn}#{MARK}", call.owner.uid, dict(call.properties), within=arn)

    def update(self, call: Update) -> Observed:
        self._write(call.properties)
        return replace(call.observed, properties=dict(call.properties))

    def delete(self, observed: Observed) -> None:
        keys = [DIGEST_TAG, TARGETS_TAG]
        if _is_classic(observed.within):
            tags = [{"Key": key} for key in keys]
            self.api.call("elb", "remove_tags", LoadBalancerNames=[observed.within], Tags=tags)
        else:
            self.api.call("elbv2", "remove_tags", ResourceArns=[observed.within], TagKeys=keys)

    def _write(self, properties: Mapping[str, Any]) -> None:
        tags = {DIGEST_TAG: properties["digest"], TARGETS_TAG: properties["targets"]}
        balancer = properties["balancer"]
        if _is_classic(balancer):
            self.api.call("elb", "add_tags", LoadBalancerNames=[balancer], Tags=tag_list(tags))
        else:
            self.api.call("elbv2", "add_tags", ResourceArns=[balancer], Tags=tag_list(tags))


def owned_balancers(api: AwsApi, scope: Scope) -> list[tuple[Mapping[str, Any], Mapping[str, str]]]:
    """Load balancers of a cluster (or of one owner) with their tags: one listing, and tags of what may be ours."""
    balancers = api.listing("elbv2", "describe_load_balancers", "LoadBalancers")
    if scope.owner:
        balancers = [entry for entry in balancers if may_belong_to(entry["LoadBalancerName"], scope.owner)]
    tags = read_tags(api, [entry["LoadBalancerArn"] for entry in balancers])
    found = [(entry, tags.get(entry["LoadBalancerArn"], {})) for entry in balancers]
    return [
        (entry, marks)
        for entry, marks in found
        if marks.get(CLUSTER_TAG) == scope.cluster and scope.owner in ("", marks.get(OWNER_TAG))
    ]


def _is_classic(balancer: str) -> bool:
    """Classic load balancers are known by name, others by ARN."""
    return not balancer.startswith("arn:")


def _mark(entry: Observed) -> Observed:
    properties = {
        "balancer": entry.id, "digest": entry.tags[DIGEST_TAG], "targets": entry.tags.get(TARGETS_TAG, ""),
    }  # fmt: skip
    return Observed(MARK, MARK, f"{entry.id}#{MARK}", entry.owner, properties, tags=entry.tags, within=entry.id)
