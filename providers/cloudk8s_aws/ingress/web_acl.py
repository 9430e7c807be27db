"""The firewall (AWS WAF) of an application load balancer."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from cloudk8s.cloud.stack.interface import Create, Observed, Scope, Traits, Update
from cloudk8s.cloud.stack.resource import OWNER_TAG
from cloudk8s_aws.api import AwsApi
from cloudk8s_aws.load_balancers.balancer import owned_balancers

TYPE = "web-acl"


@dataclass(frozen=True, slots=True)
class WebAclType:
    """`web-acl`: a load balancer has one at most, and another one takes its place. It goes with its load balancer."""

    api: AwsApi
    name: str = TYPE
    traits: Traits = field(default_factory=lambda: Traits(immutable=frozenset({"load_balancer"}), api="wafv2"))

    def list(self, scope: Scope) -> Sequence[Observed]:
        found = []
        for balancer, tags in owned_balancers(self.api, scope):
            if balancer.get("Type") == "application":
                arn = balancer["LoadBalancerArn"]
                answer = self.api.call("wafv2", "get_web_acl_for_resource", ResourceArn=arn)
                if acl := (answer.get("WebACL") or {}).get("ARN"):
                    found.append(self._observed(arn, tags.get(OWNER_TAG, ""), acl))
        return found

    def create(self, call: Create) -> Observed:
        arn, acl = call.properties["load_balancer"], call.properties["acl"]
        self.api.call("wafv2", "associate_web_acl", WebACLArn=acl, ResourceArn=arn)
        return self._observed(arn, call.owner.uid, acl)

    def update(self, call: Update) -> Observed:
        acl = call.properties["acl"]
        self.api.call("wafv2", "associate_web_acl", WebACLArn=acl, ResourceArn=call.observed.within)
        return replace(call.observed, properties={**call.observed.properties, "acl": acl})

    def delete(self, observed: Observed) -> None:
        self.api.call("wafv2", "disassociate_web_acl", ResourceArn=observed.within)

    def _observed(self, arn: str, owner: str, acl: str) -> Observed:
        id = f"{TYPE} of {arn}"  # it has none of its own
        return Observed(self.name, TYPE, id, owner, {"load_balancer": arn, "acl": acl}, within=arn)
