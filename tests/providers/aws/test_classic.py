"""Classic load balancers fulfil the same contract, and Services move between kinds without a leak."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

import pytest

from cloudk8s.errors import Unsupported
from cloudk8s.plugin import LoadBalancerRequest, NodeRef, ServicePort
from cloudk8s.testing.contract.crashes import TestCrashes
from cloudk8s.testing.contract.load_balancers import TestLoadBalancers
from cloudk8s_aws.load_balancers.values import PREFIX
from cloudk8s_aws.settings import AwsSettings
from cloudk8s_aws.testing import AwsWorld

__all__ = ["TestCrashes", "TestLoadBalancers"]


class ClassicWorld(AwsWorld):
    """Every request asks for a classic load balancer."""

    def settings(self) -> AwsSettings:
        return super().settings().model_copy(update={"classic": True})

    def request(
        self, uid: str = "0f9e8d7c-6b5a-4c3d-9e1f-000000000001", *, name: str = "web",
        ports: Sequence[ServicePort] = (ServicePort(80, 30080, name="http"),), nodes: Sequence[NodeRef] = (),
        annotations: dict[str, str] | None = None,
    ) -> LoadBalancerRequest:  # fmt: skip
        wanted = {f"{PREFIX}type": "clb", **(annotations or {})}
        return super().request(uid, name=name, ports=ports, nodes=nodes, annotations=wanted)

    def remove_part(self) -> str:
        name = self.raw("elb").describe_load_balancers()["LoadBalancerDescriptions"][0]["LoadBalancerName"]
        self.raw("elb").delete_load_balancer_listeners(LoadBalancerName=name, LoadBalancerPorts=[80])
        return f"listener 80 of {name}"


@pytest.fixture(scope="module")
def classic_account() -> Iterator[ClassicWorld]:
    with ClassicWorld() as world:
        yield world


@pytest.fixture
def world(classic_account: ClassicWorld) -> ClassicWorld:
    classic_account.reset()
    return classic_account


def balancer(world: AwsWorld) -> dict[str, Any]:
    found = world.raw("elb").describe_load_balancers()["LoadBalancerDescriptions"]
    assert len(found) == 1
    return dict(found[0])


def test_annotations_become_listeners_checks_and_attributes(world: ClassicWorld) -> None:
    node = world.start_instance("n1")
    certificate = world.raw("acm").request_certificate(DomainName="shop.example")["CertificateArn"]
    wanted = {
        "ssl-cert": certificate, "ssl-ports": "443", "backend-protocol": "https", "internal": "true",
        "proxy-protocol": "*", "connection-idle-timeout": "90", "connection-draining-enabled": "true",
        "connection-draining-timeout": "30", "cross-zone-load-balancing-enabled": "true",
        "healthcheck-path": "/ready", "healthcheck-unhealthy-threshold": "3",
    }  # fmt: skip
    request = world.request(
        ports=[ServicePort(80, 30080, name="http"), ServicePort(443, 30443, name="https")], nodes=[node],
        annotations={PREFIX + name: value for name, value in wanted.items()},
    )  # fmt: skip
    world.load_balancers().ensure(request)
    found = balancer(world)
    listeners = {e["Listener"]["LoadBalancerPort"]: e["Listener"] for e in found["ListenerDescriptions"]}
    assert (listeners[80]["Protocol"], listeners[443]["Protocol"]) == ("TCP", "HTTPS")
    assert listeners[443]["SSLCertificateId"] == certificate
    assert found["Scheme"] == "internal"
    assert found["HealthCheck"]["Target"] == "HTTP:10256/ready"
    assert found["HealthCheck"]["UnhealthyThreshold"] == 3
    assert {entry["InstancePort"] for entry in found["BackendServerDescriptions"]} == {30080, 30443}
    name = found["LoadBalancerName"]
    attributes = world.raw("elb").describe_load_balancer_attributes(LoadBalancerName=name)["LoadBalancerAttributes"]
    assert attributes["ConnectionSettings"] == {"IdleTimeout": 90}
    assert attributes["ConnectionDraining"] == {"Enabled": True, "Timeout": 30}
    before = world.mutations()
    world.load_balancers().ensure(request)
    assert world.mutations() == before


def test_what_tls_may_negotiate_is_set_and_goes_back(world: ClassicWorld) -> None:
    certificate = world.raw("acm").request_certificate(DomainName="shop.example")["CertificateArn"]
    ports = [ServicePort(80, 30080, name="http"), ServicePort(443, 30443, name="https")]
    tls = {
        f"{PREFIX}ssl-cert": certificate, f"{PREFIX}ssl-ports": "https", f"{PREFIX}backend-protocol": "ssl",
    }  # fmt: skip
    policies = []
    for policy in ("ELBSecurityPolicy-TLS-1-1-2017-01", "ELBSecurityPolicy-TLS-1-2-2017-01", ""):
        named = tls | ({f"{PREFIX}ssl-negotiation-policy": policy} if policy else {})
        request = world.request(ports=ports, annotations=named)
        world.load_balancers().ensure(request)
        described = {e["Listener"]["LoadBalancerPort"]: e for e in balancer(world)["ListenerDescriptions"]}
        policies.append((described[80].get("PolicyNames"), described[443].get("PolicyNames")))
        before = world.mutations()
        world.load_balancers().ensure(request)
        assert world.mutations() == before
    assert policies == [
        ([], ["k8s-SSLNegotiationPolicy-ELBSecurityPolicy-TLS-1-1-2017-01"]),
        ([], ["k8s-SSLNegotiationPolicy-ELBSecurityPolicy-TLS-1-2-2017-01"]),
        ([], []),
    ]


def test_a_listener_that_is_made_anew_gets_its_policy_again(world: ClassicWorld) -> None:
    certificate = world.raw("acm").request_certificate(DomainName="shop.example")["CertificateArn"]
    tls = {"ssl-cert": certificate, "backend-protocol": "ssl", "ssl-negotiation-policy": "TLS12"}
    annotations = {PREFIX + name: value for name, value in tls.items()}
    for node_port in (30443, 30444):
        ports = [ServicePort(443, node_port, name="https")]
        world.load_balancers().ensure(world.request(ports=ports, annotations=annotations))
        [listener] = balancer(world)["ListenerDescriptions"]
        assert listener["PolicyNames"] == ["k8s-SSLNegotiationPolicy-TLS12"]


def test_access_logs_and_more_groups(world: ClassicWorld) -> None:
    vpc = world.raw("ec2").describe_vpcs()["Vpcs"][0]["VpcId"]
    group = world.raw("ec2").create_security_group(GroupName="mine", Description="m", VpcId=vpc)["GroupId"]
    wanted = {
        "access-log-enabled": "true", "access-log-s3-bucket-name": "logs", "access-log-s3-bucket-prefix": "web",
        "access-log-emit-interval": "5", "extra-security-groups": group,
    }  # fmt: skip
    request = world.request(annotations={PREFIX + name: value for name, value in wanted.items()})
    world.load_balancers().ensure(request)
    found = balancer(world)
    name = found["LoadBalancerName"]
    attributes = world.raw("elb").describe_load_balancer_attributes(LoadBalancerName=name)["LoadBalancerAttributes"]
    log = {"Enabled": True, "S3BucketName": "logs", "S3BucketPrefix": "web", "EmitInterval": 5}
    assert attributes["AccessLog"] == log
    assert group in found["SecurityGroups"]
    world.load_balancers().delete(request.service)


def test_a8_a_service_moves_between_kinds_and_leaves_nothing(world: ClassicWorld) -> None:
    request = world.request(nodes=[world.start_instance("n1")])
    balancers = world.load_balancers()
    first = balancers.ensure(request)
    second = balancers.ensure(replace(request, annotations={}))
    assert first.ingress != second.ingress
    assert world.raw("elb").describe_load_balancers()["LoadBalancerDescriptions"] == []
    balancers.ensure(request)
    assert world.raw("elbv2").describe_load_balancers()["LoadBalancers"] == []
    assert world.raw("elbv2").describe_target_groups()["TargetGroups"] == []
    balancers.delete(request.service)
    assert not world.left()


def test_what_a_classic_one_can_not_do_is_refused(world: ClassicWorld) -> None:
    balancers = world.load_balancers()
    with pytest.raises(Unsupported, match="knows TCP only"):
        balancers.ensure(world.request(ports=[ServicePort(53, 30053, "UDP")]))
    with pytest.raises(Unsupported, match="no session affinity"):
        balancers.ensure(replace(world.request(), session_affinity="ClientIP"))


def test_they_are_off_unless_asked_for(account: AwsWorld) -> None:
    world = account.reset()
    with pytest.raises(Unsupported, match="set classic: true"):
        world.load_balancers().ensure(world.request(annotations={f"{PREFIX}type": "clb"}))
