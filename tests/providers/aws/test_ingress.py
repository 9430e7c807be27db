"""Ingresses on application load balancers: what boto3 sees in the account, and what users see on their objects."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any

import pytest

from cloudk8s.client.interface import Object
from cloudk8s.client.resources import INGRESSES, SERVICES
from cloudk8s.errors import Unsupported
from cloudk8s.plugin import CloudController
from cloudk8s.testing.cloud_harness import CloudHarness, make_node, make_service
from cloudk8s_aws.controllers import INGRESS
from cloudk8s_aws.ingress.controller import IngressController
from cloudk8s_aws.ingress.group import IngressGroup, group_key
from cloudk8s_aws.ingress.options import alb_options
from cloudk8s_aws.ingress.rules import rules_of
from cloudk8s_aws.testing import AwsWorld

P = "alb.ingress.kubernetes.io/"


def path(service: str, text: str = "/", kind: str = "Prefix", port: Any = 80) -> dict[str, Any]:
    named = {"name": port} if isinstance(port, str) else {"number": port}
    return {"path": text, "pathType": kind, "backend": {"service": {"name": service, "port": named}}}


def ingress(
    name: str = "web", *paths: dict[str, Any], host: str = "", annotations: Mapping[str, str] | None = None, **spec: Any
) -> Object:
    rule: dict[str, Any] = {"http": {"paths": list(paths) or [path("web")]}}
    metadata = {
        "name": name, "namespace": "default", "annotations": {P + k: v for k, v in (annotations or {}).items()}
    }  # fmt: skip
    rules = [rule | ({"host": host} if host else {})]
    return {
        "apiVersion": "networking.k8s.io/v1", "kind": "Ingress", "metadata": metadata,
        "spec": {"ingressClassName": "alb", "rules": rules, **spec},
    }  # fmt: skip


class Stage:
    """A cluster with two nodes, an IngressClass and a Service."""

    def __init__(self, world: AwsWorld) -> None:
        self.world = world
        self.harness = CloudHarness(clock=world.clock, cluster=world.cluster)
        self.client = self.harness.client
        for number in (1, 2):
            ref = world.start_instance(f"n{number}")
            self.client.add(make_node(ref.name, provider_id=ref.provider_id))
        self.client.add({
            "apiVersion": "networking.k8s.io/v1", "kind": "IngressClass", "metadata": {"name": "alb"},
            "spec": {"controller": "ingress.k8s.aws/alb"},
        })  # fmt: skip
        self.client.add(make_service("web", type="NodePort"))
        self.client.add(make_service("api", type="NodePort", ports=[
            {"name": "rest", "port": 80, "targetPort": 8080, "nodePort": 30081}]))  # fmt: skip

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        ingresses = self.world.aws().ingresses()

        def make(context: Any, calls: Any) -> IngressController:
            return IngressController(context, calls, ingresses, cluster=self.world.cluster)

        self.harness.clouds.clear()
        self.harness.attach("cloud", "aws", controllers=[CloudController(INGRESS, make)])
        async with self.harness.running(INGRESS):
            await self.settle()
            yield

    async def settle(self) -> None:
        for _ in range(3):
            self.world.settle()
            await self.harness.settle(20)

    def hostname(self, name: str = "web") -> str:
        found = self.client.peek(INGRESSES, name, "default")
        assert found is not None
        entries = (found.get("status") or {}).get("loadBalancer", {}).get("ingress") or [{}]
        return str(entries[0].get("hostname", ""))

    def balancers(self) -> list[dict[str, Any]]:
        return list(self.world.raw("elbv2").describe_load_balancers()["LoadBalancers"])

    def listeners(self) -> dict[int, dict[str, Any]]:
        arn = self.balancers()[0]["LoadBalancerArn"]
        found = self.world.raw("elbv2").describe_listeners(LoadBalancerArn=arn)["Listeners"]
        return {entry["Port"]: entry for entry in found}

    def rules(self, port: int) -> list[tuple[dict[str, list[str]], str]]:
        """Conditions, and the type of the first action, by priority."""
        arn = self.listeners()[port]["ListenerArn"]
        rules = [e for e in self.world.raw("elbv2").describe_rules(ListenerArn=arn)["Rules"] if not e["IsDefault"]]
        return [
            (
                {c["Field"]: next(v for k, v in c.items() if k.endswith("Config"))["Values"] for c in e["Conditions"]},
                e["Actions"][0]["Type"],
            )
            for e in sorted(rules, key=lambda entry: int(entry["Priority"]))
        ]

    def targets(self) -> dict[str, set[str]]:
        elb = self.world.raw("elbv2")
        groups = elb.describe_target_groups()["TargetGroups"]
        return {
            entry["TargetGroupName"].split("-")[1]: {
                f"{t['Target']['Id']}:{t['Target']['Port']}"
                for t in elb.describe_target_health(TargetGroupArn=entry["TargetGroupArn"])["TargetHealthDescriptions"]
            }
            for entry in groups
        }


@pytest.fixture
def stage(world: AwsWorld) -> Stage:
    return Stage(world)


async def test_an_ingress_gets_a_load_balancer_and_loses_it(stage: Stage) -> None:
    stage.client.add(ingress())
    async with stage.running():
        balancer = stage.balancers()[0]
        assert (balancer["Type"], balancer["Scheme"]) == ("application", "internal")
        assert stage.hostname() == balancer["DNSName"]
        assert stage.listeners()[80]["DefaultActions"][0]["Type"] == "fixed-response"
        assert stage.rules(80) == [({"path-pattern": ["/*"]}, "forward")]
        assert len(stage.targets()["web"]) == 2
        assert all(entry.endswith(":30080") for entry in stage.targets()["web"])
        await stage.client.delete(INGRESSES, "web", namespace="default")
        await stage.settle()
        assert stage.client.all(INGRESSES) == []
        assert not stage.world.left()


async def test_a_restart_and_a_repair_change_nothing(stage: Stage) -> None:
    stage.client.add(ingress("web", path("web"), path("api", "/api", port="rest"), host="example.com"))
    async with stage.running():
        before = stage.world.mutations()
    async with stage.running():
        await stage.harness.settle(2 * 3600)
        assert stage.world.mutations() == before


async def test_ingresses_of_a_group_share_one_load_balancer(stage: Stage) -> None:
    stage.client.add(ingress("web", annotations={"group.name": "shop", "group.order": "2"}))
    stage.client.add(
        ingress("api", path("api", "/v1", "Exact", "rest"), host="api.example.com", annotations={"group.name": "shop"})
    )
    async with stage.running():
        assert len(stage.balancers()) == 1
        assert stage.hostname("web") == stage.hostname("api") != ""
        assert stage.rules(80) == [
            ({"host-header": ["api.example.com"], "path-pattern": ["/v1"]}, "forward"),
            ({"path-pattern": ["/*"]}, "forward"),
        ]
        await stage.client.delete(INGRESSES, "api", namespace="default")
        await stage.settle()
        assert stage.rules(80) == [({"path-pattern": ["/*"]}, "forward")]
        assert set(stage.targets()) == {"web"}
        await stage.client.delete(INGRESSES, "web", namespace="default")
        await stage.settle()
        assert not stage.world.left()


async def test_an_ingress_that_joins_a_group_leaves_its_own_load_balancer(stage: Stage) -> None:
    stage.client.add(ingress())
    async with stage.running():
        own = stage.hostname()
        annotations = {"metadata": {"annotations": {f"{P}group.name": "shop"}}}
        await stage.client.patch(INGRESSES, "web", annotations, namespace="default")
        await stage.settle()
        assert len(stage.balancers()) == 1
        assert stage.hostname() == stage.balancers()[0]["DNSName"] != own
        found = stage.client.peek(INGRESSES, "web", "default")
        assert found is not None
        assert found["metadata"]["finalizers"] == ["group.ingress.k8s.aws/shop"]


async def test_certificates_ports_and_redirects(stage: Stage, world: AwsWorld) -> None:
    acm = world.raw("acm")
    arns = [acm.request_certificate(DomainName=name)["CertificateArn"] for name in ("a.example.com", "b.example.com")]
    ports = json.dumps([{"HTTP": 80}, {"HTTPS": 443}])
    annotations = {
        "scheme": "internet-facing", "listen-ports": ports, "ssl-redirect": "443", "certificate-arn": ",".join(arns),
        "inbound-cidrs": "198.51.100.0/24",
    }  # fmt: skip
    stage.client.add(ingress(annotations=annotations))
    async with stage.running():
        listeners = stage.listeners()
        redirect = listeners[80]["DefaultActions"][0]["RedirectConfig"]
        assert (redirect["Protocol"], redirect["Port"], redirect["StatusCode"]) == ("HTTPS", "443", "HTTP_301")
        assert stage.rules(80) == []
        assert len(stage.rules(443)) == 1
        assert listeners[443]["Certificates"][0]["CertificateArn"] == arns[0]
        groups = [e for e in world.raw("ec2").describe_security_groups()["SecurityGroups"] if "web" in e["GroupName"]]
        ranges = {(p["FromPort"], r["CidrIp"]) for p in groups[0]["IpPermissions"] for r in p["IpRanges"]}
        assert ranges == {(80, "198.51.100.0/24"), (443, "198.51.100.0/24")}


async def test_pods_are_targets_where_that_is_asked_for(stage: Stage) -> None:
    slice = {
        "apiVersion": "discovery.k8s.io/v1", "kind": "EndpointSlice", "addressType": "IPv4",
        "metadata": {"name": "web-1", "namespace": "default", "labels": {"kubernetes.io/service-name": "web"}},
        "endpoints": [{"addresses": ["172.31.0.9"], "conditions": {"ready": True}}],
        "ports": [{"name": "http", "port": 8080}],
    }  # fmt: skip
    stage.client.add(slice)
    stage.client.add(ingress(annotations={"target-type": "ip", "healthcheck-path": "/ready", "success-codes": "204"}))
    async with stage.running():
        assert stage.targets() == {"web": {"172.31.0.9:8080"}}
        group = stage.world.raw("elbv2").describe_target_groups()["TargetGroups"][0]
        assert (group["HealthCheckPath"], group["Matcher"]["HttpCode"]) == ("/ready", "204")


async def test_annotated_actions_and_conditions(stage: Stage) -> None:
    weighted = {
        "type": "forward",
        "forwardConfig": {"targetGroups": [
            {"serviceName": "web", "servicePort": 80, "weight": 80},
            {"serviceName": "api", "servicePort": 80, "weight": 20},
        ]},
    }  # fmt: skip
    method = {"field": "http-request-method", "httpRequestMethodConfig": {"values": ["GET"]}}
    annotations = {"actions.split": json.dumps(weighted), "conditions.split": json.dumps([method])}
    stage.client.add(ingress("web", path("split", port="use-annotation"), annotations=annotations))
    async with stage.running():
        assert stage.rules(80) == [({"path-pattern": ["/*"], "http-request-method": ["GET"]}, "forward")]
        assert set(stage.targets()) == {"web", "api"}


async def test_a_missing_service_is_told_and_waited_for(stage: Stage) -> None:
    stage.client.add(ingress("web", path("later")))
    async with stage.running():
        assert ("Warning", "FailedDeployModel") in stage.harness.events("web")
        assert stage.balancers() == []
        await stage.client.create(SERVICES, make_service("later", type="NodePort"))
        await stage.settle()
        assert stage.hostname()


async def test_other_classes_are_left_alone(stage: Stage) -> None:
    stage.client.add(ingress(ingressClassName="nginx"))
    async with stage.running():
        assert stage.balancers() == []
        assert stage.harness.writes() == []


async def test_a_crash_after_any_call_converges(stage: Stage) -> None:
    from cloudk8s.testing.faults import Crash
    from cloudk8s_aws.ingress.model import AlbRequest, Backends

    ours = ingress("web", path("web"), path("api", "/api", port="rest"))
    ours["metadata"]["uid"] = "uid-1"
    group = IngressGroup("default/web", (ours,))
    services = {f"default/{entry['metadata']['name']}": entry for entry in stage.client.all(SERVICES)}
    request = AlbRequest(stage.world.cluster, group, alb_options(group), Backends(services))
    stage.world.aws().ingresses().ensure(request)
    whole = len(stage.world.left())
    stage.world.aws().ingresses().delete(group.owner)
    assert not stage.world.left()
    for call in range(1, 40):
        stage.world.crash_after(call)
        try:
            stage.world.aws().ingresses().ensure(request)
            survived = True
        except Crash:
            survived = False
        stage.world.crash_after(0)
        stage.world.aws().ingresses().ensure(request)
        assert len(stage.world.left()) == whole
        stage.world.aws().ingresses().delete(group.owner)
        assert not stage.world.left()
        if survived:
            return
    raise AssertionError("more than 40 calls")


@pytest.mark.parametrize(
    ("annotations", "message"),
    [
        ({"scheme": "public"}, "scheme: 'public' is none of internal, internet-facing"),
        ({"listen-ports": "80"}, "listen-ports"),
        ({"listen-ports": "[{"}, "listen-ports: this is no JSON"),
        ({"listen-ports": '[{"TCP": 80}]'}, "listen-ports: TCP: 80 is none"),
        ({"ssl-redirect": "443"}, "there is no HTTPS listener on port 443"),
        ({"load-balancer-name": "a b"}, "load-balancer-name"),
    ],
)
def test_what_is_wrong_names_the_annotation(annotations: dict[str, str], message: str) -> None:
    with pytest.raises(Unsupported) as caught:
        alb_options(IngressGroup("default/web", (ingress(annotations=annotations),)))
    assert message in str(caught.value)


def test_members_that_disagree_are_told_so() -> None:
    one, two = (
        ingress("one", annotations={"scheme": "internal"}),
        ingress("two", annotations={"scheme": "internet-facing"}),
    )
    with pytest.raises(Unsupported, match="default/two says 'internet-facing', and default/one of the same group"):
        alb_options(IngressGroup("group/shop", (one, two)))


def test_exact_paths_come_first_and_longer_prefixes_before_shorter_ones() -> None:
    from cloudk8s.cloud.stack.resource import Ref

    paths = [path("a", "/"), path("b", "/x/y"), path("c", "/x"), path("d", "/x/y/z", "Exact")]
    rules = rules_of(ingress("web", *paths), lambda owner, service, port: Ref(service))
    shown = [rule.conditions[0]["PathPatternConfig"]["Values"] for rule in rules]
    assert shown == [["/x/y/z"], ["/x/y", "/x/y/*"], ["/x", "/x/*"], ["/*"]]


def test_a_group_name_that_is_none_is_refused() -> None:
    with pytest.raises(Unsupported, match=r"group.name: 'Shop\?' is no name"):
        group_key(ingress(annotations={"group.name": "Shop?"}))


def test_certificates_are_found_by_name() -> None:
    from cloudk8s_aws.ingress.certificates import choose

    account: list[dict[str, Any]] = [
        {"CertificateArn": "arn:star", "DomainName": "*.example.com"},
        {"CertificateArn": "arn:api", "DomainName": "api.example.com"},
        {"CertificateArn": "arn:more", "DomainName": "x.org", "SubjectAlternativeNameSummaries": ["shop.org"]},
    ]
    assert choose(["api.example.com"], account) == ("arn:api",)
    assert choose(["a.example.com", "b.example.com", "shop.org"], account) == ("arn:star", "arn:more")
    with pytest.raises(Unsupported, match="no certificate for other"):
        choose(["other.net"], account)
    with pytest.raises(Unsupported, match="needs a certificate"):
        choose([], account)


async def test_tls_hosts_find_their_certificates(stage: Stage, world: AwsWorld) -> None:
    certificate, key = self_signed("*.example.com")
    arn = world.raw("acm").import_certificate(Certificate=certificate, PrivateKey=key)["CertificateArn"]
    stage.client.add(ingress(host="web.example.com", tls=[{"hosts": ["web.example.com"]}]))
    async with stage.running():
        assert stage.listeners()[443]["Certificates"][0]["CertificateArn"] == arn


def self_signed(name: str) -> tuple[bytes, bytes]:
    """A certificate and its key, in PEM."""
    from datetime import UTC, datetime, timedelta

    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import rsa
    from cryptography.x509.oid import NameOID

    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder().subject_name(subject).issuer_name(subject).public_key(key.public_key())
        .serial_number(1).not_valid_before(now).not_valid_after(now + timedelta(days=30)).sign(key, hashes.SHA256())
    )  # fmt: skip
    plain = serialization.NoEncryption()
    pem = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.TraditionalOpenSSL, plain)
    return made.public_bytes(serialization.Encoding.PEM), pem
