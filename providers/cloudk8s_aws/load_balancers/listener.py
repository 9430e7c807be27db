"""Listeners of load balancers: one for each port, found by the load balancer they belong to."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from cloudk8s.cloud.stack.interface import Create, Observed, Scope, Traits, Update
from cloudk8s.cloud.stack.resource import OWNER_TAG
from cloudk8s.plugin import CloudNotFound
from cloudk8s_aws.api import AwsApi, shown
from cloudk8s_aws.errors import Taken
from cloudk8s_aws.load_balancers.balancer import owned_balancers
from cloudk8s_aws.load_balancers.certificates import certificates_of, set_more_certificates
from cloudk8s_aws.load_balancers.tagging import creation_tags


@dataclass(frozen=True, slots=True)
class ListenerType:
    """`listener`: protocol, certificates and target group can change in place."""

    api: AwsApi
    name: str = "listener"
    traits: Traits = field(default_factory=lambda: Traits(immutable=frozenset({"load_balancer", "port"}), api="elbv2"))

    def list(self, scope: Scope) -> Sequence[Observed]:
        found: list[Observed] = []
        for balancer, tags in owned_balancers(self.api, scope):
            arn = balancer["LoadBalancerArn"]
            found += [self._observed(entry, tags.get(OWNER_TAG, "")) for entry in self._of(arn)]
        return found

    def create(self, call: Create) -> Observed:
        wanted = call.properties
        try:
            listener = self.api.call(
                "elbv2", "create_listener", LoadBalancerArn=wanted["load_balancer"], Port=wanted["port"],
                Tags=creation_tags(call), **_parameters(wanted),
            )["Listeners"][0]  # fmt: skip
        except Taken:
            same = [entry for entry in self._of(wanted["load_balancer"]) if entry["Port"] == wanted["port"]]
            listener = shown(same, f"the listener on port {wanted['port']}")
            return self._modified(listener["ListenerArn"], wanted, call.owner.uid)
        if wanted["certificates"][1:]:
            set_more_certificates(self.api, listener["ListenerArn"], wanted["certificates"])
        return self._observed(listener, call.owner.uid)

    def update(self, call: Update) -> Observed:
        certificates, present = call.properties["certificates"], call.observed.properties["certificates"]
        if call.changed == {"certificates"} and certificates[:1] == present[:1]:
            set_more_certificates(self.api, call.observed.id, certificates)
            kept = {**call.observed.properties, "certificates": certificates}
            return replace(call.observed, properties=kept)
        return self._modified(call.observed.id, call.properties, call.owner.uid)

    def delete(self, observed: Observed) -> None:
        self.api.call("elbv2", "delete_listener", ListenerArn=observed.id)

    def _modified(self, arn: str, wanted: Mapping[str, Any], owner: str) -> Observed:
        listener = self.api.call("elbv2", "modify_listener", ListenerArn=arn, **_parameters(wanted))["Listeners"][0]
        set_more_certificates(self.api, arn, wanted["certificates"])
        return self._observed(listener, owner)

    def _of(self, arn: str) -> Sequence[Mapping[str, Any]]:
        try:
            return self.api.pages("elbv2", "describe_listeners", "Listeners", LoadBalancerArn=arn)
        except CloudNotFound:
            return []

    def _observed(self, listener: Mapping[str, Any], owner: str) -> Observed:
        tls = listener["Protocol"] == "TLS"
        actions = listener.get("DefaultActions") or [{}]
        properties: dict[str, Any] = {
            "load_balancer": listener["LoadBalancerArn"], "port": listener["Port"], "protocol": listener["Protocol"],
            "target_group": actions[0].get("TargetGroupArn", ""),
            "certificates": certificates_of(self.api, listener) if tls else [],
        }  # fmt: skip
        if tls:
            properties["ssl_policy"] = listener.get("SslPolicy", "")
            properties["alpn"] = (listener.get("AlpnPolicy") or ["None"])[0]
        return Observed(
            self.name, f"listener/{listener['Port']}", listener["ListenerArn"], owner, properties,
            within=listener["LoadBalancerArn"],
        )  # fmt: skip


def _parameters(wanted: Mapping[str, Any]) -> dict[str, Any]:
    parameters: dict[str, Any] = {
        "Protocol": wanted["protocol"],
        "DefaultActions": [{"Type": "forward", "TargetGroupArn": wanted["target_group"]}],
    }
    if wanted["protocol"] == "TLS":
        parameters["Certificates"] = [{"CertificateArn": arn} for arn in wanted["certificates"][:1]]
        parameters |= {"SslPolicy": wanted["ssl_policy"]} if wanted.get("ssl_policy") else {}
        parameters |= {"AlpnPolicy": [wanted["alpn"]]} if wanted.get("alpn") else {}
    return parameters
