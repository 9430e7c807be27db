"""Which API calls each step of a network's plan takes, that change something. Pure; a test holds it to the truth."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from cloudk8s.cloud.stack.plan import Step
from cloudk8s_aws.cluster.default_group import revocations
from cloudk8s_aws.groups.stack import GROUP, TEMPLATE, group_calls

CREATE: Mapping[str, str] = {
    "role": "CreateRole", "role-policy": "PutRolePolicy", "instance-profile": "CreateInstanceProfile",
    "profile-role": "AddRoleToInstanceProfile", "vpc": "CreateVpc", "vpc-dns": "ModifyVpcAttribute",
    "internet-gateway": "CreateInternetGateway", "gateway-attachment": "AttachInternetGateway",
    "route-table": "CreateRouteTable", "subnet": "CreateSubnet", "address": "AllocateAddress",
    "nat-gateway": "CreateNatGateway", "default-route": "CreateRoute",
    "route-table-association": "AssociateRouteTable", "security-group": "CreateSecurityGroup",
    "security-group-rules": "AuthorizeSecurityGroupIngress", "api-target-group": "CreateTargetGroup",
    "api-targets": "RegisterTargets", "api-balancer": "CreateLoadBalancer", "api-listener": "CreateListener",
    "vpc-endpoint": "CreateVpcEndpoint", "dns-record": "ChangeResourceRecordSets",
    "shared-tag": "CreateTags", "interruption-mark": "CreateTags", "interruption-rule": "PutRule",
    "interruption-queue": "CreateQueue", "interruption-target": "PutTargets",
}  # fmt: skip
DELETE: Mapping[str, str] = {
    "role": "DeleteRole", "role-policy": "DeleteRolePolicy", "instance-profile": "DeleteInstanceProfile",
    "profile-role": "RemoveRoleFromInstanceProfile", "vpc": "DeleteVpc", "vpc-dns": "ModifyVpcAttribute",
    "internet-gateway": "DeleteInternetGateway", "gateway-attachment": "DetachInternetGateway",
    "route-table": "DeleteRouteTable", "subnet": "DeleteSubnet", "address": "ReleaseAddress",
    "nat-gateway": "DeleteNatGateway", "default-route": "DeleteRoute",
    "route-table-association": "DisassociateRouteTable", "security-group": "DeleteSecurityGroup",
    "security-group-rules": "RevokeSecurityGroupIngress", "api-target-group": "DeleteTargetGroup",
    "api-targets": "DeregisterTargets", "api-balancer": "DeleteLoadBalancer", "api-listener": "DeleteListener",
    "vpc-endpoint": "DeleteVpcEndpoints", "dns-record": "ChangeResourceRecordSets", "shared-tag": "DeleteTags",
    "interruption-mark": "DeleteTags", "interruption-rule": "DeleteRule", "interruption-queue": "DeleteQueue",
    "interruption-target": "RemoveTargets",
}  # fmt: skip


def planned_calls(steps: Sequence[Step]) -> list[str]:
    """The calls, in the order of the steps."""
    return [call for step in steps for call in _calls(step)]


def _calls(step: Step) -> Sequence[str]:
    if step.type in (GROUP, TEMPLATE):
        return group_calls(step)
    if step.type == "default-group" and step.action == "create":
        return revocations(("ingress", "egress"))
    if step.action in ("create", "replace"):
        loops = step.resource is not None and step.resource.properties.get("loops")
        return (*(("ModifyTargetGroupAttributes",) if loops else ()), CREATE[step.type])
    if step.action == "delete":
        return (DELETE[step.type],)
    return UPDATE.get(step.type, _nothing)(step) if step.action == "update" else ()


def _nothing(step: Step) -> Sequence[str]:
    return ()


def _changed(step: Step, name: str) -> tuple[list[object], list[object]]:
    """What is added to a list, and what is taken from it."""
    change = next((change for change in step.changes if change.property == name), None)
    present, wanted = (list(change.observed or ()), list(change.desired or ())) if change else ([], [])
    return [entry for entry in wanted if entry not in present], [entry for entry in present if entry not in wanted]


def _in_and_out(name: str, add: str, remove: str) -> Callable[[Step], Sequence[str]]:
    def calls(step: Step) -> Sequence[str]:
        added, gone = _changed(step, name)
        return ((add,) if added else ()) + ((remove,) if gone else ())

    return calls


def _record(step: Step) -> Sequence[str]:
    _, gone = _changed(step, "record")
    return ("CreateTags", "DeleteTags") if gone else ("CreateTags",)


def _balancer(step: Step) -> Sequence[str]:
    names = {change.property for change in step.changes}
    return (("SetSubnets",) if "subnets" in names else ()) + (("SetSecurityGroups",) if "groups" in names else ())


UPDATE: Mapping[str, Callable[[Step], Sequence[str]]] = {
    "vpc": _record,
    "security-group": _record,
    "shared-tag": lambda step: ("CreateTags",),
    "default-group": lambda step: revocations([change.property for change in step.changes]),
    "interruption-rule": lambda step: ("PutRule",),
    "interruption-queue": lambda step: ("SetQueueAttributes",),
    "interruption-target": lambda step: ("PutTargets",),
    "role-policy": lambda step: ("PutRolePolicy",),
    "default-route": lambda step: ("ReplaceRoute",),
    "route-table-association": lambda step: ("ReplaceRouteTableAssociation",),
    "security-group-rules": _in_and_out("rules", "AuthorizeSecurityGroupIngress", "RevokeSecurityGroupIngress"),
    "api-targets": _in_and_out("instances", "RegisterTargets", "DeregisterTargets"),
    "api-balancer": _balancer,
    "api-listener": lambda step: ("ModifyListener",),
    "vpc-endpoint": lambda step: ("ModifyVpcEndpoint",),
    "dns-record": lambda step: ("ChangeResourceRecordSets",),
}
