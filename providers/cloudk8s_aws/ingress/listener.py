"""Listeners of application load balancers, and their rules."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from cloudk8s.cloud.stack.interface import Create, Observed, Scope, Traits, Update
from cloudk8s.cloud.stack.resource import OWNER_TAG
from cloudk8s.plugin import CloudNotFound
from cloudk8s_aws.api import AwsApi, shown
from cloudk8s_aws.errors import Taken
from cloudk8s_aws.ingress.actions import mark_secret, read_marks, secret_tags, sent, told
from cloudk8s_aws.load_balancers.balancer import owned_balancers
from cloudk8s_aws.load_balancers.certificates import certificates_of, set_more_certificates
from cloudk8s_aws.load_balancers.tagging import creation_tags

PROTOCOLS = ("HTTP", "HTTPS")


@dataclass(frozen=True, slots=True)
class HttpListenerType:
    """`http-listener`: protocol, certificates and default actions can change in place."""

    api: AwsApi
    secrets: Mapping[str, str] = field(default_factory=dict, repr=False)
    """Secrets of clients of identity providers, by their marks."""
    name: str = "http-listener"
    traits: Traits = field(default_factory=lambda: Traits(immutable=frozenset({"load_balancer", "port"}), api="elbv2"))

    def list(self, scope: Scope) -> Sequence[Observed]:
        found = listeners(self.api, scope)
        marks = read_marks(self.api, {entry["ListenerArn"]: entry.get("DefaultActions") or () for entry, _ in found})
        return [self._observed(entry, owner, marks.get(entry["ListenerArn"], "")) for entry, owner in found]

    def create(self, call: Create) -> Observed:
        wanted = call.properties
        arn = wanted["load_balancer"]
        try:
            listener = self.api.call(
                "elbv2", "create_listener", LoadBalancerArn=arn, Port=wanted["port"],
                Tags=[*creation_tags(call), *secret_tags(wanted["actions"])], **self._parameters(wanted),
            )["Listeners"][0]  # fmt: skip
        except Taken:
            same = [entry for entry in _of(self.api, arn) if entry["Port"] == wanted["port"]]
            listener = shown(same, f"the listener on port {wanted['port']}")
            self._modify(listener["ListenerArn"], wanted)
        set_more_certificates(self.api, listener["ListenerArn"], wanted["certificates"])
        return Observed(
            self.name, call.key, listener["ListenerArn"], call.owner.uid, dict(wanted), within=arn, tags=call.tags
        )

    def update(self, call: Update) -> Observed:
        self._modify(call.observed.id, call.properties)
        set_more_certificates(self.api, call.observed.id, call.properties["certificates"])
        return Observed(
            self.name, call.observed.key, call.observed.id, call.owner.uid, dict(call.properties),
            within=call.observed.within,
        )  # fmt: skip

    def delete(self, observed: Observed) -> None:
        self.api.call("elbv2", "delete_listener", ListenerArn=observed.id)

    def _modify(self, arn: str, wanted: Mapping[str, Any]) -> None:
        self.api.call("elbv2", "modify_listener", ListenerArn=arn, **self._parameters(wanted))
        mark_secret(self.api, arn, wanted["actions"])

    def _parameters(self, wanted: Mapping[str, Any]) -> dict[str, Any]:
        parameters: dict[str, Any] = {
            "Protocol": wanted["protocol"], "DefaultActions": sent(wanted["actions"], self.secrets),
        }  # fmt: skip
        if wanted["protocol"] == "HTTPS":
            parameters["Certificates"] = [{"CertificateArn": arn} for arn in wanted["certificates"][:1]]
            parameters["SslPolicy"] = wanted["ssl_policy"]
        return parameters

    def _observed(self, listener: Mapping[str, Any], owner: str, mark: str) -> Observed:
        secure = listener["Protocol"] == "HTTPS"
        properties: dict[str, Any] = {
            "load_balancer": listener["LoadBalancerArn"], "port": listener["Port"], "protocol": listener["Protocol"],
            "actions": told(listener.get("DefaultActions") or (), mark),
            "certificates": certificates_of(self.api, listener) if secure else [],
        }  # fmt: skip
        if secure:
            properties["ssl_policy"] = listener.get("SslPolicy", "")
        return Observed(
            self.name, f"listener/{listener['Port']}", listener["ListenerArn"], owner, properties,
            within=listener["LoadBalancerArn"],
        )  # fmt: skip


@dataclass(frozen=True, slots=True)
class RuleType:
    """`rule`: the priority is part of the key, so that what a rule says is changed in place."""

    api: AwsApi
    secrets: Mapping[str, str] = field(default_factory=dict, repr=False)
    name: str = "rule"
    traits: Traits = field(default_factory=lambda: Traits(immutable=frozenset({"listener", "priority"}), api="elbv2"))

    def list(self, scope: Scope) -> Sequence[Observed]:
        found: list[Observed] = []
        for listener, owner in listeners(self.api, scope):
            rules = self.api.pages("elbv2", "describe_rules", "Rules", ListenerArn=listener["ListenerArn"])
            own = [rule for rule in rules if not rule.get("IsDefault")]
            marks = read_marks(self.api, {rule["RuleArn"]: rule.get("Actions") or () for rule in own})
            found += [self._observed(rule, listener, owner, marks.get(rule["RuleArn"], "")) for rule in own]
        return found

    def create(self, call: Create) -> Observed:
        wanted = call.properties
        try:
            rule = self.api.call(
                "elbv2", "create_rule", ListenerArn=wanted["listener"], Priority=wanted["priority"],
                Conditions=wanted["conditions"], Actions=sent(wanted["actions"], self.secrets),
                Tags=[*creation_tags(call), *secret_tags(wanted["actions"])],
            )["Rules"][0]  # fmt: skip
        except Taken:
            rules = self.api.pages("elbv2", "describe_rules", "Rules", ListenerArn=wanted["listener"])
            same = [entry for entry in rules if entry["Priority"] == str(wanted["priority"])]
            rule = shown(same, f"rule {wanted['priority']}")
            self._modify(rule["RuleArn"], wanted)
        return Observed(
            self.name, call.key, rule["RuleArn"], call.owner.uid, dict(wanted), within=wanted["listener"],
            tags=call.tags,
        )  # fmt: skip

    def update(self, call: Update) -> Observed:
        self._modify(call.observed.id, call.properties)
        return Observed(
            self.name, call.observed.key, call.observed.id, call.owner.uid, dict(call.properties),
            within=call.observed.within,
        )  # fmt: skip

    def delete(self, observed: Observed) -> None:
        self.api.call("elbv2", "delete_rule", RuleArn=observed.id)

    def _modify(self, arn: str, wanted: Mapping[str, Any]) -> None:
        actions = sent(wanted["actions"], self.secrets)
        self.api.call("elbv2", "modify_rule", RuleArn=arn, Conditions=wanted["conditions"], Actions=actions)
        mark_secret(self.api, arn, wanted["actions"])

    def _observed(self, rule: Mapping[str, Any], listener: Mapping[str, Any], owner: str, mark: str) -> Observed:
        priority = int(rule["Priority"])
        properties = {
            "listener": listener["ListenerArn"], "priority": priority,
            "conditions": [plain_condition(entry) for entry in rule.get("Conditions") or ()],
            "actions": told(rule.get("Actions") or (), mark),
        }  # fmt: skip
        key = f"listener/{listener['Port']}/rule/{priority}"
        return Observed(self.name, key, rule["RuleArn"], owner, properties, within=listener["ListenerArn"])


def listeners(api: AwsApi, scope: Scope) -> list[tuple[Mapping[str, Any], str]]:
    """HTTP and HTTPS listeners of owned load balancers, with their owners."""
    return [
        (entry, tags.get(OWNER_TAG, ""))
        for balancer, tags in owned_balancers(api, scope)
        if balancer.get("Type") == "application"
        for entry in _of(api, balancer["LoadBalancerArn"])
        if entry["Protocol"] in PROTOCOLS
    ]


def plain_condition(condition: Mapping[str, Any]) -> Mapping[str, Any]:
    """A condition as AWS tells it: without the older form of its values."""
    return {name: value for name, value in condition.items() if name != "Values" or "Field" not in condition}


def _of(api: AwsApi, arn: str) -> Sequence[Mapping[str, Any]]:
    try:
        return api.pages("elbv2", "describe_listeners", "Listeners", LoadBalancerArn=arn)
    except CloudNotFound:
        return []
