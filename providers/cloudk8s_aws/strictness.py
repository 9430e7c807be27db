"""What AWS refuses or remembers and moto does not: for tests, hung into clients.

Dependencies between what a cluster is made of, idempotency tokens, and names that are taken.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping
from typing import Any

Refusal = tuple[str, str] | None
Rule = Callable[[Mapping[str, Any]], Refusal]
TOKENS = ("RunInstances", "CreateNatGateway", "CreateRouteTable", "CreateVpcEndpoint")
"""Calls that AWS answers twice with the same thing where the token is the same."""


class Strictness:
    """Rules that look at the account with clients of their own."""

    def __init__(self, client: Callable[[str], Any]) -> None:
        self._client = client
        self._answers: dict[str, tuple[str, Any]] = {}
        self.rules: Mapping[str, Rule] = {
            "DeleteSubnet": self._subnet_is_used,
            "DeleteVpc": self._vpc_is_used,
            "DeleteInternetGateway": self._gateway_is_attached,
            "DetachInternetGateway": self._addresses_are_mapped,
            "ReleaseAddress": self._address_is_used,
            "DeleteTargetGroup": self._group_is_used,
            "CreateTargetGroup": self._target_group_name_is_taken,
            "CreateAutoScalingGroup": self._autoscaling_group_name_is_taken,
            "DetachInstances": self._instances_are_outside,
            "RemoveRoleFromInstanceProfile": self._role_is_not_in_the_profile,
            "DeleteLaunchTemplate": self._template_is_unknown,
        }

    def attach(self, client: Any) -> None:
        """Make a client's calls pass the rules, and remember tokens."""
        events = client.meta.events
        for operation, rule in self.rules.items():
            events.register(f"before-parameter-build.*.{operation}", _refuse(rule))
        for operation in TOKENS:
            events.register(f"before-parameter-build.ec2.{operation}", self._note)
            events.register(f"before-call.ec2.{operation}", self._known)
            events.register_first(f"after-call.ec2.{operation}", self._remember)

    def forget(self) -> None:
        """Another account."""
        self._answers.clear()

    def _note(self, params: Mapping[str, Any], context: dict[str, Any], **_: Any) -> None:
        context["token"] = params.get("ClientToken", "")
        context["wanted"] = repr(sorted((key, repr(value)) for key, value in params.items()))

    def _known(self, context: Mapping[str, Any], model: Any, **_: Any) -> Any:
        """The first answer for a token; another request under the same token is an error."""
        found = self._answers.get(context.get("token", ""))
        if found is None:
            return None
        wanted, answer = found
        if wanted != context.get("wanted"):
            raise _error("IdempotentParameterMismatch", "the token was used with other parameters", model.name)
        return _Ok(), copy.deepcopy(answer)

    def _remember(self, context: Mapping[str, Any], parsed: Any, http_response: Any, **_: Any) -> None:
        if context.get("token") and http_response.status_code < 300:
            self._answers.setdefault(context["token"], (context["wanted"], copy.deepcopy(parsed)))

    def _subnet_is_used(self, wanted: Mapping[str, Any]) -> Refusal:
        id = wanted["SubnetId"]
        users = [entry["InstanceId"] for entry in self._instances() if entry.get("SubnetId") == id]
        users += [entry["NatGatewayId"] for entry in self._gateways() if entry["SubnetId"] == id]
        users += [
            balancer["LoadBalancerName"]
            for balancer in self._client("elbv2").describe_load_balancers()["LoadBalancers"]
            if any(zone.get("SubnetId") == id for zone in balancer["AvailabilityZones"])
        ]
        if self._has_cards(id):
            return "DependencyViolation", f"The subnet '{id}' has dependencies and cannot be deleted."
        return _used(id, users)

    def _has_cards(self, subnet: str) -> bool:
        """Interfaces of others; those of gateways that are gone, which the emulator forgets, have no description."""
        wanted = [{"Name": "subnet-id", "Values": [subnet]}, {"Name": "status", "Values": ["available"]}]
        cards = self._client("ec2").describe_network_interfaces(Filters=wanted)["NetworkInterfaces"]
        return any(card.get("Description") for card in cards)

    def _vpc_is_used(self, wanted: Mapping[str, Any]) -> Refusal:
        id, ec2 = wanted["VpcId"], self._client("ec2")
        within = [{"Name": "vpc-id", "Values": [id]}]
        groups = ec2.describe_security_groups(Filters=within)["SecurityGroups"]
        users = [group["GroupId"] for group in groups if group["GroupName"] != "default"]
        attached = [{"Name": "attachment.vpc-id", "Values": [id]}]
        users += [e["InternetGatewayId"] for e in ec2.describe_internet_gateways(Filters=attached)["InternetGateways"]]
        endpoints = ec2.describe_vpc_endpoints(Filters=within)["VpcEndpoints"]
        users += [entry["VpcEndpointId"] for entry in endpoints if entry["State"] != "deleted"]
        return _used(id, users)

    def _gateway_is_attached(self, wanted: Mapping[str, Any]) -> Refusal:
        id = wanted["InternetGatewayId"]
        found = self._client("ec2").describe_internet_gateways(InternetGatewayIds=[id])["InternetGateways"]
        return _used(id, [entry["VpcId"] for gateway in found for entry in gateway["Attachments"]])

    def _addresses_are_mapped(self, wanted: Mapping[str, Any]) -> Refusal:
        gateways = [entry["NatGatewayId"] for entry in self._gateways() if entry["VpcId"] == wanted["VpcId"]]
        public = [
            e["InstanceId"] for e in self._instances() if e.get("VpcId") == wanted["VpcId"] and e.get("PublicIpAddress")
        ]
        return _used(f"{wanted['VpcId']} has some mapped public address(es)", [*gateways, *public])

    def _address_is_used(self, wanted: Mapping[str, Any]) -> Refusal:
        id = wanted["AllocationId"]
        users = [
            gateway["NatGatewayId"]
            for gateway in self._gateways()
            if any(entry.get("AllocationId") == id for entry in gateway["NatGatewayAddresses"])
        ]
        return ("InvalidIPAddress.InUse", f"{id} is used by {', '.join(users)}") if users else None

    def _group_is_used(self, wanted: Mapping[str, Any]) -> Refusal:
        arn, elbv2 = wanted["TargetGroupArn"], self._client("elbv2")
        for balancer in elbv2.describe_load_balancers()["LoadBalancers"]:
            for entry in elbv2.describe_listeners(LoadBalancerArn=balancer["LoadBalancerArn"])["Listeners"]:
                if any(action.get("TargetGroupArn") == arn for action in entry["DefaultActions"]):
                    return "ResourceInUse", f"{arn} is used by {entry['ListenerArn']}"
        return None

    def _target_group_name_is_taken(self, wanted: Mapping[str, Any]) -> Refusal:
        present = self._client("elbv2").describe_target_groups()["TargetGroups"]
        if any(entry["TargetGroupName"] == wanted["Name"] for entry in present):
            return "DuplicateTargetGroupName", f"a target group with the name {wanted['Name']} exists"
        return None

    def _autoscaling_group_name_is_taken(self, wanted: Mapping[str, Any]) -> Refusal:
        name = wanted["AutoScalingGroupName"]
        taken = self._client("autoscaling").describe_auto_scaling_groups(AutoScalingGroupNames=[name])
        return ("AlreadyExists", f"a group by the name {name} exists") if taken["AutoScalingGroups"] else None

    def _instances_are_outside(self, wanted: Mapping[str, Any]) -> Refusal:
        found = self._client("autoscaling").describe_auto_scaling_instances(InstanceIds=wanted["InstanceIds"])
        inside = {entry["InstanceId"] for entry in found["AutoScalingInstances"]}
        outside = [id for id in wanted["InstanceIds"] if id not in inside]
        return ("ValidationError", f"{', '.join(outside)} is not part of the group") if outside else None

    def _role_is_not_in_the_profile(self, wanted: Mapping[str, Any]) -> Refusal:
        profiles = self._client("iam").list_instance_profiles()["InstanceProfiles"]
        name, role = wanted["InstanceProfileName"], wanted["RoleName"]
        roles = [
            each["RoleName"] for entry in profiles if entry["InstanceProfileName"] == name for each in entry["Roles"]
        ]
        return None if role in roles else ("NoSuchEntity", f"role {role} is not in instance profile {name}")

    def _template_is_unknown(self, wanted: Mapping[str, Any]) -> Refusal:
        found = self._client("ec2").describe_launch_templates()["LaunchTemplates"]
        known, id = [entry["LaunchTemplateId"] for entry in found], wanted["LaunchTemplateId"]
        return None if id in known else ("InvalidLaunchTemplateId.NotFound", f"{id} does not exist")

    def _instances(self) -> list[Mapping[str, Any]]:
        alive = [{"Name": "instance-state-name", "Values": ["pending", "running", "stopping", "stopped"]}]
        found = self._client("ec2").describe_instances(Filters=alive)["Reservations"]
        return [entry for reservation in found for entry in reservation["Instances"]]

    def _gateways(self) -> list[Mapping[str, Any]]:
        found = self._client("ec2").describe_nat_gateways()["NatGateways"]
        return [entry for entry in found if entry["State"] != "deleted"]


class _Ok:
    """The HTTP side of an answer that was given before."""

    status_code = 200


def _used(id: str, users: list[str]) -> Refusal:
    return ("DependencyViolation", f"{id} is used by {', '.join(users)}") if users else None


def _refuse(rule: Rule) -> Callable[..., None]:
    def check(params: Mapping[str, Any], model: Any, **_: Any) -> None:
        if refusal := rule(params):
            raise _error(*refusal, model.name)

    return check


def _error(code: str, message: str, operation: str) -> Exception:
    from botocore.exceptions import ClientError

    return ClientError({"Error": {"Code": code, "Message": message}}, operation)
