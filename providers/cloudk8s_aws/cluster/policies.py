"""What machines may do in the account: as little as their work needs. Pure.

The control plane runs the cloud controllers: it describes instances and networks, and makes load balancers, routes and
volumes. Workers read images and what they are.
"""

from __future__ import annotations

from typing import Any

from cloudk8s_aws.permissions import policy as provisioning_policy

ASSUME: dict[str, Any] = {
    "Version": "2012-10-17",
    "Statement": [{"Effect": "Allow", "Principal": {"Service": "ec2.amazonaws.com"}, "Action": "sts:AssumeRole"}],
}
IMAGES = [
    "ecr:GetAuthorizationToken", "ecr:BatchCheckLayerAvailability", "ecr:GetDownloadUrlForLayer", "ecr:BatchGetImage",
]  # fmt: skip
READS = [
    "acm:ListCertificates", "ec2:DescribeInstances", "ec2:DescribeInstanceTopology", "ec2:DescribeAvailabilityZones",
    "ec2:DescribeRegions", "ec2:DescribeRouteTables",
    "ec2:DescribeSecurityGroups", "ec2:DescribeSubnets", "ec2:DescribeVolumes", "ec2:DescribeVpcs",
    "elasticloadbalancing:Describe*",
]  # fmt: skip
NETWORKING = [
    "ec2:CreateRoute", "ec2:DeleteRoute", "ec2:ReplaceRoute", "ec2:CreateSecurityGroup", "ec2:DeleteSecurityGroup",
    "ec2:AuthorizeSecurityGroupIngress", "ec2:RevokeSecurityGroupIngress", "ec2:CreateTags", "ec2:DeleteTags",
    "ec2:ModifyNetworkInterfaceAttribute",
]  # fmt: skip
BALANCING = [
    "elasticloadbalancing:AddTags", "elasticloadbalancing:RemoveTags", "elasticloadbalancing:Create*",
    "elasticloadbalancing:Delete*", "elasticloadbalancing:Modify*", "elasticloadbalancing:RegisterTargets",
    "elasticloadbalancing:DeregisterTargets", "elasticloadbalancing:SetSecurityGroups",
    "elasticloadbalancing:SetSubnets", "elasticloadbalancing:SetIpAddressType", "elasticloadbalancing:SetWebAcl",
    "elasticloadbalancing:AddListenerCertificates", "elasticloadbalancing:RemoveListenerCertificates",
    "wafv2:AssociateWebACL", "wafv2:DisassociateWebACL", "wafv2:GetWebACLForResource",
]  # fmt: skip
CLASSIC = [
    f"elasticloadbalancing:{action}"
    for action in (
        "ApplySecurityGroupsToLoadBalancer", "AttachLoadBalancerToSubnets", "ConfigureHealthCheck",
        "DeregisterInstancesFromLoadBalancer", "DetachLoadBalancerFromSubnets", "RegisterInstancesWithLoadBalancer",
        "SetLoadBalancerPoliciesForBackendServer", "SetLoadBalancerPoliciesOfListener",
    )
]  # fmt: skip
"""For Services that ask for classic load balancers."""
VOLUMES = [
    "ec2:CreateVolume", "ec2:DeleteVolume", "ec2:AttachVolume", "ec2:DetachVolume", "ec2:ModifyVolume",
    "ec2:DescribeVolumesModifications",
]  # fmt: skip


def policy_of(role: str, *, self_managed: bool = False) -> dict[str, Any]:
    """The inline policy of a role. A cluster that looks after itself may do what whoever makes clusters may."""
    if role == "control-plane":
        found = _document([*READS, *NETWORKING, *BALANCING, *CLASSIC, *VOLUMES, *IMAGES])
        if self_managed:
            found["Statement"] += provisioning_policy()["Statement"]
        return found
    return _document(["ec2:DescribeInstances", "ec2:DescribeRegions", *IMAGES])


def _document(actions: list[str]) -> dict[str, Any]:
    return {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": sorted(actions), "Resource": "*"}]}
