"""What the account must allow whoever makes clusters: every call that provisioning makes, and no other. Pure.

What machines may do themselves is in `cluster.policies`. Roles are only passed on, made and deleted below our own path.
"""

from __future__ import annotations

from typing import Any

from cloudk8s_aws.cluster.layout import IAM_ROOT

NETWORK = [
    "AllocateAddress", "AssociateRouteTable", "AttachInternetGateway", "AuthorizeSecurityGroupIngress",
    "CreateInternetGateway", "CreateNatGateway", "CreateRoute", "CreateRouteTable", "CreateSecurityGroup",
    "CreateSubnet", "CreateTags", "CreateVpc", "CreateVpcEndpoint", "DeleteInternetGateway", "DeleteNatGateway",
    "DeleteRoute", "DeleteRouteTable", "DeleteSecurityGroup", "DeleteSubnet", "DeleteTags", "DeleteVpc",
    "DeleteVpcEndpoints", "DetachInternetGateway", "DisassociateRouteTable", "ModifyVpcAttribute",
    "ModifySubnetAttribute", "ModifyVpcEndpoint", "ReleaseAddress", "ReplaceRoute", "ReplaceRouteTableAssociation",
    "RevokeSecurityGroupEgress", "RevokeSecurityGroupIngress", "UpdateSecurityGroupRuleDescriptionsIngress",
]  # fmt: skip
LEFTOVERS = ["DeleteNetworkInterface", "DeleteSnapshot", "DeleteVolume"]
"""What drivers of volumes and others' controllers made for workloads."""
BALANCERS = [
    "DescribeListenerCertificates", "DescribeLoadBalancerAttributes", "DescribeRules", "DescribeTargetGroupAttributes",
]  # fmt: skip
"""What the cluster's own controllers made for Services and Ingresses, read and taken apart."""
INSTANCES = ["CreateLaunchTemplate", "DeleteLaunchTemplate", "RunInstances", "TerminateInstances"]
GROUPS = [
    "CreateAutoScalingGroup", "CreateOrUpdateTags", "DeleteAutoScalingGroup", "DescribeAutoScalingGroups",
    "DescribeAutoScalingInstances", "DetachInstances", "UpdateAutoScalingGroup",
]  # fmt: skip
"""For pools whose machines the cloud keeps."""
READS = [
    "DescribeAccountAttributes", "DescribeAddresses", "DescribeAvailabilityZones", "DescribeInstances",
    "DescribeInstanceTypeOfferings", "DescribeInternetGateways", "DescribeLaunchTemplates",
    "DescribeLaunchTemplateVersions", "DescribeNatGateways", "DescribeNetworkInterfaces", "DescribeRouteTables",
    "DescribeSecurityGroups", "DescribeSubnets", "DescribeTags", "DescribeVolumes", "DescribeVpcAttribute",
    "DescribeInstanceTypes", "DescribeVpcEndpoints", "DescribeVpcPeeringConnections", "DescribeVpcs",
]  # fmt: skip
BALANCING = [
    "AddTags", "CreateListener", "CreateLoadBalancer", "CreateTargetGroup", "DeleteListener", "DeleteLoadBalancer",
    "DeleteTargetGroup", "DeregisterTargets", "DescribeListeners", "DescribeLoadBalancers", "DescribeTags",
    "DescribeTargetGroups", "DescribeTargetHealth", "ModifyListener", "ModifyTargetGroup",
    "ModifyTargetGroupAttributes", "RegisterTargets", "SetSecurityGroups", "SetSubnets",
]  # fmt: skip
NAMES = ["ChangeResourceRecordSets", "GetHostedZone", "ListHostedZonesByName", "ListResourceRecordSets"]
"""For clusters whose API has a name of its own."""
IDENTITY = [
    "AddRoleToInstanceProfile", "CreateInstanceProfile", "CreateRole", "DeleteInstanceProfile", "DeleteRole",
    "DeleteRolePolicy", "GetInstanceProfile", "GetRole", "GetRolePolicy", "PassRole", "PutRolePolicy",
    "RemoveRoleFromInstanceProfile", "TagInstanceProfile", "TagRole",
]  # fmt: skip
SERVICE_ROLES = [
    f"arn:aws:iam::*:role/aws-service-role/{service}.amazonaws.com/*"
    for service in ("autoscaling", "elasticloadbalancing", "spot")
]
"""Roles of services themselves: an account's first group, load balancer and spot instance make them."""
QUOTAS = ["GetServiceQuota"]
TAGS = ["GetResources"]
"""All that carries a cluster's tag, in one call."""
QUEUES = [
    "CreateQueue", "DeleteMessage", "DeleteQueue", "GetQueueAttributes", "GetQueueUrl", "ListQueueTags",
    "ReceiveMessage", "SetQueueAttributes", "TagQueue",
]  # fmt: skip
RULES = [
    "DeleteRule", "DescribeRule", "ListTagsForResource", "ListTargetsByRule", "PutRule", "PutTargets", "RemoveTargets",
    "TagResource",
]  # fmt: skip
"""For clusters with spot machines: what AWS says beforehand of those that it takes back."""
LISTS = ["ListInstanceProfiles", "ListRoles", "SimulatePrincipalPolicy"]
SECRETS = ["DeleteParameter", "GetParameter", "PutParameter"]
"""The seed of a cluster's secrets."""
IMAGES = ["GetParameters"]
"""Ids of images, by the parameters that their makers publish."""


def policy() -> dict[str, Any]:
    """The policy document."""
    ours = [f"arn:aws:iam::*:{kind}{IAM_ROOT}*" for kind in ("role", "instance-profile")]
    return {
        "Version": "2012-10-17",
        "Statement": [
            _allow("Network", "ec2", NETWORK),
            _allow("Instances", "ec2", INSTANCES),
            _allow("Leftovers", "ec2", LEFTOVERS),
            _allow("LoadBalancersOfWorkloads", "elasticloadbalancing", BALANCERS),
            _allow("Groups", "autoscaling", GROUPS),
            _allow("RolesOfServices", "iam", ["CreateServiceLinkedRole"], SERVICE_ROLES),
            _allow("Reading", "ec2", READS),
            _allow("ApiLoadBalancer", "elasticloadbalancing", BALANCING),
            _allow("Quotas", "servicequotas", QUOTAS),
            _allow("FindingByTag", "tag", TAGS),
            _allow("Interruptions", "sqs", QUEUES, ["arn:aws:sqs:*:*:k8s-spot-*"]),
            _allow("InterruptionRules", "events", RULES, ["arn:aws:events:*:*:rule/k8s-spot-*"]),
            _allow("NameOfTheApi", "route53", NAMES),
            _allow("RolesOfMachines", "iam", IDENTITY, ours),
            _allow("FindingRoles", "iam", LISTS),
            _allow("SeedsOfClusters", "ssm", SECRETS, ["arn:aws:ssm:*:*:parameter/cloudk8s/*"]),
            _allow("Images", "ssm", IMAGES, ["arn:aws:ssm:*::parameter/aws/service/*"]),
        ],
    }


def _allow(sid: str, service: str, actions: list[str], resources: list[str] | None = None) -> dict[str, Any]:
    found = [f"{service}:{action}" for action in sorted(actions)]
    return {"Sid": sid, "Effect": "Allow", "Action": found, "Resource": resources or "*"}
