"""Network load balancers as boto3 sees them: what changes in place, what is replaced, what stays untouched."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from cloudk8s.errors import CloudError, CloudForbidden
from cloudk8s.plugin import LoadBalancerRequest, NodeRef, ServicePort
from cloudk8s_aws.api import AwsApi
from cloudk8s_aws.load_balancers.contract import AwsLoadBalancers
from cloudk8s_aws.load_balancers.values import PREFIX
from cloudk8s_aws.testing import AwsWorld


def annotated(request: LoadBalancerRequest, **annotations: str) -> LoadBalancerRequest:
    return replace(request, annotations={PREFIX + name.replace("_", "-"): text for name, text in annotations.items()})


@pytest.fixture
def nodes(world: AwsWorld) -> list[NodeRef]:
    return [world.start_instance(f"n{number}") for number in (1, 2)]


@pytest.fixture
def request_(world: AwsWorld, nodes: list[NodeRef]) -> LoadBalancerRequest:
    return world.request(nodes=nodes)


def balancer(world: AwsWorld) -> dict[str, Any]:
    found = world.raw("elbv2").describe_load_balancers()["LoadBalancers"]
    assert len(found) == 1
    return dict(found[0])


def group(world: AwsWorld) -> dict[str, Any]:
    found = world.raw("elbv2").describe_target_groups()["TargetGroups"]
    assert len(found) == 1
    return dict(found[0])


def listener(world: AwsWorld) -> dict[str, Any]:
    arn = balancer(world)["LoadBalancerArn"]
    found = world.raw("elbv2").describe_listeners(LoadBalancerArn=arn)["Listeners"]
    assert len(found) == 1
    return dict(found[0])


def attributes(world: AwsWorld) -> dict[str, str]:
    arn = balancer(world)["LoadBalancerArn"]
    found = world.raw("elbv2").describe_load_balancer_attributes(LoadBalancerArn=arn)["Attributes"]
    return {entry["Key"]: entry["Value"] for entry in found}


def frontend(world: AwsWorld) -> list[dict[str, Any]]:
    groups = world.raw("ec2").describe_security_groups()["SecurityGroups"]
    return [entry for entry in groups if entry["GroupName"].startswith("k8s-web-")]


def test_a_change_of_scheme_replaces_the_load_balancer(world: AwsWorld, request_: LoadBalancerRequest) -> None:
    balancers = world.load_balancers()
    first = balancers.ensure(request_)
    things = len(world.left())
    second = balancers.ensure(annotated(request_, scheme="internal"))
    assert balancer(world)["Scheme"] == "internal"
    assert second.ingress != first.ingress
    assert len(world.left()) == things
    balancers.delete(request_.service)
    assert not world.left()


def test_the_new_load_balancer_is_there_before_the_old_one_goes(world: AwsWorld, request_: LoadBalancerRequest) -> None:
    balancers = world.load_balancers()
    balancers.ensure(request_)
    world.faults.forget()
    balancers.ensure(annotated(request_, scheme="internal"))
    calls = world.faults.mutations
    assert calls.index("CreateListener") < calls.index("DeleteLoadBalancer")


def test_tls_ends_at_the_load_balancer(world: AwsWorld, request_: LoadBalancerRequest) -> None:
    certificate = world.raw("acm").request_certificate(DomainName="shop.example")["CertificateArn"]
    secured = annotated(request_, ssl_cert=certificate, ssl_negotiation_policy="ELBSecurityPolicy-TLS13-1-2-2021-06")
    world.load_balancers().ensure(secured)
    found = listener(world)
    assert (found["Protocol"], found["SslPolicy"]) == ("TLS", "ELBSecurityPolicy-TLS13-1-2-2021-06")
    assert found["Certificates"] == [{"CertificateArn": certificate}]
    assert group(world)["Protocol"] == "TCP"
    before = world.mutations()
    world.load_balancers().ensure(secured)
    assert world.mutations() == before


def test_several_certificates_are_chosen_by_name(world: AwsWorld, request_: LoadBalancerRequest) -> None:
    acm = world.raw("acm")
    arns = [acm.request_certificate(DomainName=f"{name}.example")["CertificateArn"] for name in ("a", "b", "c")]
    world.load_balancers().ensure(annotated(request_, ssl_cert=",".join(arns)))
    assert listener(world)["Certificates"][0]["CertificateArn"] == arns[0]
    before = world.mutations()
    world.load_balancers().ensure(annotated(request_, ssl_cert=",".join([arns[0], arns[2], arns[1]])))
    assert world.mutations() == before + 1, "the mark only: the order of the others means nothing"
    world.load_balancers().ensure(annotated(request_, ssl_cert=",".join(arns[:2])))
    found = world.raw("elbv2").describe_listener_certificates(ListenerArn=listener(world)["ListenerArn"])
    assert arns[2] not in {entry["CertificateArn"] for entry in found["Certificates"]}


def test_attributes_are_set_and_go_back(world: AwsWorld, request_: LoadBalancerRequest) -> None:
    balancers = world.load_balancers()
    balancers.ensure(annotated(request_, cross_zone_load_balancing_enabled="true"))
    assert attributes(world)["load_balancing.cross_zone.enabled"] == "true"
    balancers.ensure(request_)
    assert attributes(world)["load_balancing.cross_zone.enabled"] == "false"


def test_a_path_changes_in_place_and_an_interval_makes_another_group(
    world: AwsWorld, request_: LoadBalancerRequest
) -> None:
    balancers = world.load_balancers()
    balancers.ensure(request_)
    first = group(world)["TargetGroupArn"]
    balancers.ensure(annotated(request_, healthcheck_path="/ready"))
    assert (group(world)["TargetGroupArn"], group(world)["HealthCheckPath"]) == (first, "/ready")
    balancers.ensure(annotated(request_, healthcheck_interval="30"))
    assert group(world)["TargetGroupArn"] != first
    assert listener(world)["DefaultActions"][0]["TargetGroupArn"] == group(world)["TargetGroupArn"]


def test_source_ranges_are_added_before_others_are_revoked(world: AwsWorld, request_: LoadBalancerRequest) -> None:
    balancers = world.load_balancers()
    balancers.ensure(request_)
    world.faults.forget()
    balancers.ensure(replace(request_, source_ranges=("10.0.0.0/8",)))
    rules = frontend(world)[0]["IpPermissions"]
    assert {entry["CidrIp"] for rule in rules for entry in rule["IpRanges"]} == {"10.0.0.0/8"}
    changes = [call for call in world.faults.mutations if "SecurityGroup" in call]
    assert changes == ["AuthorizeSecurityGroupIngress", "RevokeSecurityGroupIngress"]


def test_a_rule_that_somebody_added_is_taken_back(world: AwsWorld, request_: LoadBalancerRequest) -> None:
    world.load_balancers().ensure(request_)
    id = frontend(world)[0]["GroupId"]
    rule = {"IpProtocol": "tcp", "FromPort": 22, "ToPort": 22, "IpRanges": [{"CidrIp": "0.0.0.0/0"}]}
    world.raw("ec2").authorize_security_group_ingress(GroupId=id, IpPermissions=[rule])
    world.load_balancers().ensure(request_)
    assert 22 not in {rule.get("FromPort") for rule in frontend(world)[0]["IpPermissions"]}


def test_a7_own_groups_take_the_place_of_ours_and_back(world: AwsWorld, request_: LoadBalancerRequest) -> None:
    ec2, balancers = world.raw("ec2"), world.load_balancers()
    vpc = ec2.describe_vpcs()["Vpcs"][0]["VpcId"]
    own = ec2.create_security_group(GroupName="own", Description="own", VpcId=vpc)["GroupId"]
    balancers.ensure(request_)
    assert len(frontend(world)) == 1
    balancers.ensure(annotated(request_, security_groups=own))
    assert frontend(world) == []
    assert own in balancer(world)["SecurityGroups"]
    assert ec2.describe_security_groups(GroupIds=[own])["SecurityGroups"][0]["IpPermissions"] == []
    balancers.ensure(request_)
    assert len(frontend(world)) == 1
    assert own not in balancer(world)["SecurityGroups"]
    balancers.delete(request_.service)
    assert list(world.left()) == [own]


def test_many_targets_go_in_hundreds_and_old_ones_leave_first(world: AwsWorld) -> None:
    def nodes(first: int, last: int) -> list[NodeRef]:
        return [NodeRef(f"n{n}", provider_id=f"aws:///us-east-1a/i-{n:017x}") for n in range(first, last)]

    balancers = world.load_balancers()
    balancers.ensure(world.request(nodes=nodes(0, 250)))
    assert world.faults.calls.count("RegisterTargets") == 3
    world.faults.forget()
    assert balancers.update_targets([world.request(nodes=nodes(150, 300))]) == {}
    changes = [call for call in world.faults.mutations if "Targets" in call]
    assert changes == ["DeregisterTargets", "DeregisterTargets", "RegisterTargets"]


def test_targets_that_drain_already_are_left_to_it(
    world: AwsWorld, request_: LoadBalancerRequest, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.load_balancers().ensure(request_)
    before = world.mutations()
    call = AwsApi.call

    def draining(api: AwsApi, service: str, operation: str, **parameters: Any) -> dict[str, Any]:
        answer = call(api, service, operation, **parameters)
        if operation == "describe_target_health":
            old = {"Target": {"Id": "i-0old", "Port": 30080}, "TargetHealth": {"State": "draining"}}
            return {"TargetHealthDescriptions": [*answer["TargetHealthDescriptions"], old]}
        return answer

    monkeypatch.setattr(AwsApi, "call", draining)
    world.load_balancers().ensure(request_)
    assert world.mutations() == before


def test_a_load_balancer_of_somebody_else_is_never_taken_over(world: AwsWorld, request_: LoadBalancerRequest) -> None:
    subnets = [subnet["SubnetId"] for subnet in world.raw("ec2").describe_subnets()["Subnets"]]
    world.raw("elbv2").create_load_balancer(Name="front", Type="network", Subnets=subnets)
    with pytest.raises(CloudError, match="load balancer front exists and is not ours"):
        world.load_balancers().ensure(annotated(request_, name="front"))
    world.load_balancers().delete(request_.service)
    assert balancer(world)["LoadBalancerName"] == "front"
    assert world.raw("elbv2").describe_listeners(LoadBalancerArn=balancer(world)["LoadBalancerArn"])["Listeners"] == []


@pytest.mark.parametrize("kind", ["security-group", "target-group"])
def test_parts_of_somebody_else_are_never_taken_over(world: AwsWorld, request_: LoadBalancerRequest, kind: str) -> None:
    balancers = world.load_balancers()
    assert isinstance(balancers, AwsLoadBalancers)
    [step] = [step for step in balancers.plan(request_).steps if step.type == kind]
    assert step.resource is not None
    name, vpc = step.resource.properties["name"], step.resource.properties["vpc"]
    if kind == "security-group":
        world.raw("ec2").create_security_group(GroupName=name, Description="theirs", VpcId=vpc)
    else:
        world.raw("elbv2").create_target_group(Name=name, Protocol="TCP", Port=80, VpcId=vpc)
    with pytest.raises(CloudError, match="exists"):
        world.load_balancers().ensure(request_)
    world.load_balancers().delete(request_.service)
    groups = [entry["GroupName"] for entry in world.raw("ec2").describe_security_groups()["SecurityGroups"]]
    targets = [entry["TargetGroupName"] for entry in world.raw("elbv2").describe_target_groups()["TargetGroups"]]
    assert name in (groups if kind == "security-group" else targets)


def test_a_chosen_name_is_used_and_found_again(world: AwsWorld, request_: LoadBalancerRequest) -> None:
    named = annotated(request_, name="shop-front")
    world.load_balancers().ensure(named)
    assert balancer(world)["LoadBalancerName"] == "shop-front"
    before = world.mutations()
    world.load_balancers().ensure(named)
    assert world.mutations() == before
    world.load_balancers().delete(named.service)
    assert not world.left()


def test_tags_of_others_stay(world: AwsWorld, request_: LoadBalancerRequest) -> None:
    world.load_balancers().ensure(request_)
    arn = balancer(world)["LoadBalancerArn"]
    world.raw("elbv2").add_tags(ResourceArns=[arn], Tags=[{"Key": "cost", "Value": "7"}])
    world.load_balancers().ensure(annotated(request_, healthcheck_path="/x"))
    tags = world.raw("elbv2").describe_tags(ResourceArns=[arn])["TagDescriptions"][0]["Tags"]
    assert {"Key": "cost", "Value": "7"} in tags


def test_nodes_that_are_no_instances_are_named(world: AwsWorld, nodes: list[NodeRef]) -> None:
    strangers = [NodeRef(f"sim-{number}", provider_id=f"simulated:///{number}") for number in range(7)]
    status = world.load_balancers().ensure(world.request(nodes=[*nodes, *strangers]))
    assert status.warnings == ("not EC2 instances, so no targets: sim-0, sim-1, sim-2, sim-3, sim-4 and 2 more",)


def test_mixed_protocols_and_many_ports(world: AwsWorld, nodes: list[NodeRef]) -> None:
    ports = [
        ServicePort(53, 30053, "TCP", "dns-tcp"),
        ServicePort(53, 30053, "UDP", "dns"),
        ServicePort(443, 30443, "UDP", "quic"),
    ]
    world.load_balancers().ensure(world.request(ports=ports, nodes=nodes))
    arn = balancer(world)["LoadBalancerArn"]
    found = world.raw("elbv2").describe_listeners(LoadBalancerArn=arn)["Listeners"]
    assert sorted((entry["Port"], entry["Protocol"]) for entry in found) == [(53, "TCP_UDP"), (443, "UDP")]


def test_a_forbidden_call_says_which(world: AwsWorld, request_: LoadBalancerRequest) -> None:
    world.faults.failing["CreateLoadBalancer"] = [CloudForbidden("create_load_balancer: AccessDenied")]
    with pytest.raises(CloudForbidden, match=r"load-balancer/k8s-web-.*AccessDenied"):
        world.load_balancers().ensure(request_)
    world.load_balancers().ensure(request_)
    assert balancer(world)["Type"] == "network"


def test_throttling_is_overcome(world: AwsWorld, request_: LoadBalancerRequest) -> None:
    from botocore.exceptions import ClientError

    throttled = ClientError({"Error": {"Code": "Throttling", "Message": "Rate exceeded"}}, "CreateTargetGroup")
    world.faults.failing["CreateTargetGroup"] = [throttled]
    world.load_balancers().ensure(request_)
    assert group(world)["Port"] == 30080
