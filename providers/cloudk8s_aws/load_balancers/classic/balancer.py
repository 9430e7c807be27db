"""Classic load balancers: one object that holds listeners, members, health check and attributes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from typing import Any

from cloudk8s.cloud.stack.balancing import MARK
from cloudk8s.cloud.stack.interface import Create, Observed, Scope, Traits, Update
from cloudk8s.cloud.stack.resource import CLUSTER_TAG, OWNER_TAG, RESOURCE_TAG
from cloudk8s.plugin import CloudNotFound
from cloudk8s_aws.api import AwsApi, chunks, shown, tags_of
from cloudk8s_aws.errors import Taken
from cloudk8s_aws.load_balancers.balancer import DIGEST_TAG, TARGETS_TAG
from cloudk8s_aws.load_balancers.classic.model import TYPE
from cloudk8s_aws.load_balancers.naming import may_belong_to
from cloudk8s_aws.load_balancers.tagging import AT_ONCE, creation_tags

PROXY_POLICY = "k8s-proxyprotocol-enabled"
TLS_POLICY = "k8s-SSLNegotiationPolicy-"
"""Begins the names of policies that stand for one of AWS's own."""


@dataclass(frozen=True, slots=True)
class ClassicType:
    """`classic-load-balancer`: only name and scheme are for ever. Its id is its name."""

    api: AwsApi
    name: str = TYPE
    traits: Traits = field(
        default_factory=lambda: Traits(
            immutable=frozenset({"name", "scheme"}),
            unordered=frozenset({"subnets", "security_groups", "listeners", "members", "proxy_ports", "tls"}),
            write_only=frozenset({"tags"}), api="elb",
        )
    )  # fmt: skip

    def list(self, scope: Scope) -> Sequence[Observed]:
        """With their marks, which cost no call of their own."""
        balancers = self.api.listing("elb", "describe_load_balancers", "LoadBalancerDescriptions")
        named = {entry["LoadBalancerName"]: entry for entry in balancers}
        if scope.owner:
            named = {name: entry for name, entry in named.items() if may_belong_to(name, scope.owner)}
        found: list[Observed] = []
        for name, tags in self._tags([*named]).items():
            if tags.get(CLUSTER_TAG) != scope.cluster or scope.owner not in ("", tags.get(OWNER_TAG)):
                continue
            entry = self._observed(named[name], tags)
            found.append(self._in_full(entry) if scope.owner else entry)
            if DIGEST_TAG in tags:
                digests = {"balancer": name, "digest": tags[DIGEST_TAG], "targets": tags.get(TARGETS_TAG, "")}
                found.append(Observed(MARK, MARK, f"{name}#{MARK}", entry.owner, digests, tags=tags, within=name))
        return found

    def create(self, call: Create) -> Observed:
        wanted = call.properties
        name = wanted["name"]
        scheme = {"Scheme": "internal"} if wanted["scheme"] == "internal" else {}
        try:
            self.api.call(
                "elb", "create_load_balancer", LoadBalancerName=name, Subnets=wanted["subnets"],
                SecurityGroups=wanted["security_groups"], Tags=creation_tags(call),
                Listeners=[_listener(entry) for entry in wanted["listeners"]], **scheme,
            )  # fmt: skip
        except Taken:
            if self._tags([name]).get(name, {}).get(OWNER_TAG) != call.owner.uid:
                raise
        listed = self.api.call("elb", "describe_load_balancers", LoadBalancerNames=[name])["LoadBalancerDescriptions"]
        found = shown(listed, f"load balancer {name}")
        return self._change(self._in_full(self._observed(found, call.tags)), wanted)

    def update(self, call: Update) -> Observed:
        return self._change(call.observed, call.properties)

    def delete(self, observed: Observed) -> None:
        self.api.call("elb", "delete_load_balancer", LoadBalancerName=observed.id)

    def _change(self, entry: Observed, wanted: Mapping[str, Any]) -> Observed:
        """Write what differs; what is not wanted in particular (only members, say) is not touched."""
        name, present = entry.id, entry.properties
        if "listeners" in wanted:
            self._set_listeners(name, wanted["listeners"], present["listeners"])
            self._set_places(name, wanted, present)
            self._set_rest(name, wanted, present)
            self._set_proxy(name, wanted["proxy_ports"], present.get("proxy_ports", []))
            self._set_tls(name, wanted["tls"], _kept_tls(wanted["listeners"], present))
        self._set_members(name, wanted["members"], present["members"])
        kept = {key: value for key, value in wanted.items() if key != "tags"}
        return replace(entry, properties={**present, **kept})

    def _set_listeners(self, name: str, wanted: Sequence[Any], present: Sequence[Any]) -> None:
        gone = [entry["port"] for entry in present if entry not in wanted]
        fresh = [_listener(entry) for entry in wanted if entry not in present]
        if gone:
            self.api.call("elb", "delete_load_balancer_listeners", LoadBalancerName=name, LoadBalancerPorts=gone)
        if fresh:
            self.api.call("elb", "create_load_balancer_listeners", LoadBalancerName=name, Listeners=fresh)

    def _set_places(self, name: str, wanted: Mapping[str, Any], present: Mapping[str, Any]) -> None:
        add, remove = _difference(wanted["subnets"], present["subnets"])
        if add:
            self.api.call("elb", "attach_load_balancer_to_subnets", LoadBalancerName=name, Subnets=add)
        if remove:
            self.api.call("elb", "detach_load_balancer_from_subnets", LoadBalancerName=name, Subnets=remove)
        if sorted(wanted["security_groups"]) != sorted(present["security_groups"]):
            self.api.call(
                "elb", "apply_security_groups_to_load_balancer", LoadBalancerName=name,
                SecurityGroups=wanted["security_groups"],
            )  # fmt: skip

    def _set_rest(self, name: str, wanted: Mapping[str, Any], present: Mapping[str, Any]) -> None:
        if wanted["health_check"] != present["health_check"]:
            check = wanted["health_check"]
            self.api.call(
                "elb", "configure_health_check", LoadBalancerName=name,
                HealthCheck={
                    "Target": check["target"], "Interval": check["interval"], "Timeout": check["timeout"],
                    "UnhealthyThreshold": check["unhealthy"], "HealthyThreshold": check["healthy"],
                },
            )  # fmt: skip
        if wanted["attributes"] != present.get("attributes"):
            self.api.call(
                "elb", "modify_load_balancer_attributes", LoadBalancerName=name,
                LoadBalancerAttributes=wanted["attributes"],
            )  # fmt: skip

    def _set_proxy(self, name: str, wanted: Sequence[int], present: Sequence[int]) -> None:
        on, off = _difference(wanted, present)
        if on and not present:
            policy = {"AttributeName": "ProxyProtocol", "AttributeValue": "true"}
            self.api.call(
                "elb", "create_load_balancer_policy", LoadBalancerName=name, PolicyName=PROXY_POLICY,
                PolicyTypeName="ProxyProtocolPolicyType", PolicyAttributes=[policy],
            )  # fmt: skip
        for port, names in [*((port, [PROXY_POLICY]) for port in on), *((port, []) for port in off)]:
            self.api.call(
                "elb", "set_load_balancer_policies_for_backend_server", LoadBalancerName=name, InstancePort=port,
                PolicyNames=names,
            )  # fmt: skip

    def _set_tls(self, name: str, wanted: Sequence[str], present: Sequence[str]) -> None:
        """What listeners of TLS may negotiate: `port=policy`."""
        on, off = _difference(wanted, present)
        stays = {entry.partition("=")[0] for entry in wanted}
        for port, _, policy in (entry.partition("=") for entry in on):
            attribute = {"AttributeName": "Reference-Security-Policy", "AttributeValue": policy}
            with suppress(Taken):
                self.api.call(
                    "elb", "create_load_balancer_policy", LoadBalancerName=name, PolicyName=f"{TLS_POLICY}{policy}",
                    PolicyTypeName="SSLNegotiationPolicyType", PolicyAttributes=[attribute],
                )  # fmt: skip
            self._set_policies(name, int(port), [f"{TLS_POLICY}{policy}"])
        for port in (entry.partition("=")[0] for entry in off):
            if port not in stays:
                self._set_policies(name, int(port), [])

    def _set_policies(self, name: str, port: int, policies: Sequence[str]) -> None:
        with suppress(CloudNotFound):  # the listener went meanwhile
            self.api.call(
                "elb", "set_load_balancer_policies_of_listener", LoadBalancerName=name, LoadBalancerPort=port,
                PolicyNames=list(policies),
            )  # fmt: skip

    def _set_members(self, name: str, wanted: Sequence[str], present: Sequence[str]) -> None:
        add, remove = _difference(wanted, present)
        for operation, ids in (
            ("deregister_instances_from_load_balancer", remove),
            ("register_instances_with_load_balancer", add),
        ):
            if ids:
                self.api.call("elb", operation, LoadBalancerName=name, Instances=[{"InstanceId": id} for id in ids])

    def _tags(self, names: Sequence[str]) -> dict[str, dict[str, str]]:
        found: dict[str, dict[str, str]] = {}
        for part in chunks(names, AT_ONCE):
            answer = self.api.call("elb", "describe_tags", LoadBalancerNames=list(part))
            found |= {entry["LoadBalancerName"]: tags_of(entry) for entry in answer["TagDescriptions"]}
        return found

    def _in_full(self, entry: Observed) -> Observed:
        try:
            found = self.api.call("elb", "describe_load_balancer_attributes", LoadBalancerName=entry.id)
        except CloudNotFound:
            return replace(entry, state="deleting")
        attributes = found["LoadBalancerAttributes"]
        known = {key: _only_set(attributes.get(key) or {}) for key in ("AccessLog", "ConnectionDraining")}
        known |= {key: dict(attributes.get(key) or {}) for key in ("ConnectionSettings", "CrossZoneLoadBalancing")}
        return replace(entry, properties={**entry.properties, "attributes": known})

    def _observed(self, found: Mapping[str, Any], tags: Mapping[str, str]) -> Observed:
        check = found.get("HealthCheck") or {}
        backends = found.get("BackendServerDescriptions") or ()
        properties = {
            "name": found["LoadBalancerName"], "scheme": found.get("Scheme", "internet-facing"),
            "subnets": sorted(found.get("Subnets") or ()), "security_groups": sorted(found.get("SecurityGroups") or ()),
            "listeners": [_listener_of(entry["Listener"]) for entry in found.get("ListenerDescriptions") or ()],
            "health_check": {
                "target": check.get("Target", ""), "interval": check.get("Interval"), "timeout": check.get("Timeout"),
                "unhealthy": check.get("UnhealthyThreshold"), "healthy": check.get("HealthyThreshold"),
            },
            "members": sorted(entry["InstanceId"] for entry in found.get("Instances") or ()),
            "proxy_ports": [e["InstancePort"] for e in backends if PROXY_POLICY in e.get("PolicyNames", ())],
            "tls": [policy for entry in found.get("ListenerDescriptions") or () for policy in _tls_of(entry)],
        }  # fmt: skip
        return Observed(
            self.name, tags.get(RESOURCE_TAG, ""), found["LoadBalancerName"], tags.get(OWNER_TAG, ""), properties,
            {"hostname": found.get("DNSName", "")}, tags=tags,
        )  # fmt: skip


def _listener(entry: Mapping[str, Any]) -> dict[str, Any]:
    listener = {
        "Protocol": entry["protocol"], "LoadBalancerPort": entry["port"],
        "InstanceProtocol": entry["instance_protocol"], "InstancePort": entry["instance_port"],
    }  # fmt: skip
    return listener | ({"SSLCertificateId": entry["certificate"]} if entry["certificate"] else {})


def _listener_of(found: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "protocol": found["Protocol"], "port": found["LoadBalancerPort"],
        "instance_protocol": found.get("InstanceProtocol", found["Protocol"]), "instance_port": found["InstancePort"],
        "certificate": found.get("SSLCertificateId", "") if found["Protocol"] in ("HTTPS", "SSL") else "",
    }  # fmt: skip


def _kept_tls(wanted: Sequence[Any], present: Mapping[str, Any]) -> list[str]:
    """What is still set: a listener that was made anew has lost its policies."""
    fresh = {str(entry["port"]) for entry in wanted if entry not in present["listeners"]}
    return [entry for entry in present.get("tls", ()) if entry.partition("=")[0] not in fresh]


def _tls_of(description: Mapping[str, Any]) -> list[str]:
    names = [name for name in description.get("PolicyNames") or () if name.startswith(TLS_POLICY)]
    return [f"{description['Listener']['LoadBalancerPort']}={name.removeprefix(TLS_POLICY)}" for name in names]


def _only_set(attribute: Mapping[str, Any]) -> dict[str, Any]:
    """AWS tells the values of what is off, too."""
    return dict(attribute) if attribute.get("Enabled") else {"Enabled": False}


def _difference(wanted: Sequence[Any], present: Sequence[Any]) -> tuple[list[Any], list[Any]]:
    return sorted(set(wanted) - set(present)), sorted(set(present) - set(wanted))
