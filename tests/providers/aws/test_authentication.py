"""Ingresses that ask who is there, and those behind a firewall."""

from __future__ import annotations

import asyncio
import base64
import json
from typing import Any

import pytest

from cloudk8s.client.interface import Object
from cloudk8s.client.resources import INGRESSES, SECRETS, SERVICES
from cloudk8s.plugin import Unsupported
from cloudk8s.testing.cloud_harness import make_service
from cloudk8s.testing.faults import Crash
from cloudk8s_aws.ingress.authentication import ClientSecret, read_secret, secret_of, sign_in
from cloudk8s_aws.ingress.group import IngressGroup
from cloudk8s_aws.ingress.model import AlbRequest, Backends
from cloudk8s_aws.ingress.options import alb_options
from cloudk8s_aws.testing import AwsWorld
from tests.providers.aws.test_ingress import P, Stage, ingress, path

BOTH_PORTS = json.dumps([{"HTTP": 80}, {"HTTPS": 443}])
POOL = {"userPoolARN": "arn:pool", "userPoolClientID": "web", "userPoolDomain": "shop"}
PROVIDER = {
    "issuer": "https://id.example.com", "authorizationEndpoint": "https://id.example.com/authorize",
    "tokenEndpoint": "https://id.example.com/token", "userInfoEndpoint": "https://id.example.com/me",
    "secretName": "oidc",
}  # fmt: skip
OIDC = {"auth-type": "oidc", "auth-idp-oidc": json.dumps(PROVIDER)}
COGNITO = {"auth-type": "cognito", "auth-idp-cognito": json.dumps(POOL)}
COMMON = {
    "OnUnauthenticatedRequest": "authenticate", "Scope": "openid", "SessionCookieName": "AWSELBAuthSessionCookie",
    "SessionTimeout": 604800,
}  # fmt: skip
KEY = ClientSecret("me", "hush")


@pytest.fixture
def stage(world: AwsWorld) -> Stage:
    return Stage(world)


def secret(text: str = "hush") -> Object:
    data = {"clientID": "me", "clientSecret": text}
    coded = {name: base64.b64encode(value.encode()).decode() for name, value in data.items()}
    return {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "oidc", "namespace": "default"}, "data": coded}


def actions(annotations: dict[str, str], **given: Any) -> Any:
    return sign_in(ingress(annotations=annotations), given.get("service"), {"default/oidc": KEY})


def test_nobody_is_asked_by_default() -> None:
    assert actions({}) is None
    assert secret_of(ingress(), None) == ""


def test_cognito_with_upstreams_defaults() -> None:
    pool = {"UserPoolArn": "arn:pool", "UserPoolClientId": "web", "UserPoolDomain": "shop"}
    assert actions(COGNITO) == {"Type": "authenticate-cognito", "AuthenticateCognitoConfig": {**pool, **COMMON}}


def test_oidc_holds_the_mark_of_its_secret_and_not_the_secret() -> None:
    config = actions(OIDC)["AuthenticateOidcConfig"]
    endpoints = {
        "Issuer": PROVIDER["issuer"], "AuthorizationEndpoint": PROVIDER["authorizationEndpoint"],
        "TokenEndpoint": PROVIDER["tokenEndpoint"], "UserInfoEndpoint": PROVIDER["userInfoEndpoint"],
    }  # fmt: skip
    assert config == {**endpoints, **COMMON, "ClientId": "me", "ClientSecret": KEY.mark}
    assert "hush" not in str(config) + repr(KEY)
    assert secret_of(ingress(annotations=OIDC), None) == "default/oidc"


def test_everything_can_be_said_otherwise() -> None:
    pool = POOL | {"authenticationRequestExtraParams": {"display": "page"}}
    more = {
        "auth-idp-cognito": json.dumps(pool), "auth-on-unauthenticated-request": "deny", "auth-scope": "openid email",
        "auth-session-cookie": "session", "auth-session-timeout": "3600",
    }  # fmt: skip
    config = actions(COGNITO | more)["AuthenticateCognitoConfig"]
    assert (config["OnUnauthenticatedRequest"], config["Scope"]) == ("deny", "openid email")
    assert (config["SessionCookieName"], config["SessionTimeout"]) == ("session", 3600)
    assert config["AuthenticationRequestExtraParams"] == {"display": "page"}


def test_a_services_annotations_win() -> None:
    service = make_service(annotations={P + "auth-type": "none"})
    assert actions(COGNITO, service=service) is None


@pytest.mark.parametrize(
    ("annotations", "message"),
    [
        ({"auth-type": "saml"}, "auth-type: 'saml' is none of cognito, none, oidc"),
        ({"auth-type": "cognito"}, "auth-idp-cognito: userPoolARN is missing"),
        ({"auth-type": "oidc", "auth-idp-oidc": "{"}, "auth-idp-oidc: this is no JSON"),
        ({"auth-type": "oidc", "auth-idp-oidc": "[]"}, "auth-idp-oidc: it is a table"),
        (OIDC | {"auth-idp-oidc": json.dumps(PROVIDER | {"secretName": "other"})}, "no secret default/other"),
        (COGNITO | {"auth-on-unauthenticated-request": "ask"}, "auth-on-unauthenticated-request"),
        (COGNITO | {"auth-session-timeout": "700000"}, "auth-session-timeout"),
    ],
)
def test_what_is_wrong_names_the_annotation(annotations: dict[str, str], message: str) -> None:
    with pytest.raises(Unsupported) as caught:
        actions(annotations)
    assert message in str(caught.value)


@pytest.mark.parametrize("data", [{}, {"clientID": "bWU="}, {"clientID": "bWU=", "clientSecret": "%"}])
def test_a_secret_that_lacks_something_is_named(data: dict[str, str]) -> None:
    with pytest.raises(Unsupported, match="secret default/oidc needs clientID and clientSecret"):
        read_secret("default/oidc", {"data": data})


def secured(stage: Stage, world: AwsWorld, annotations: dict[str, str], *paths: dict[str, Any]) -> Object:
    certificate = world.raw("acm").request_certificate(DomainName="a.example.com")["CertificateArn"]
    return ingress(
        "web", *paths, annotations={"listen-ports": BOTH_PORTS, "certificate-arn": certificate, **annotations}
    )


def asked(stage: Stage, port: int) -> list[list[str]]:
    """Types of the actions of each rule, in order, the default's last."""
    arn = stage.listeners()[port]["ListenerArn"]
    rules = stage.world.raw("elbv2").describe_rules(ListenerArn=arn)["Rules"]
    rules.sort(key=lambda rule: (rule["IsDefault"], rule["Priority"]))
    return [[action["Type"] for action in sorted(rule["Actions"], key=lambda a: a.get("Order", 0))] for rule in rules]


def given_secrets(stage: Stage) -> list[str]:
    """What the load balancer proves itself with; AWS would not tell."""
    arn = stage.listeners()[443]["ListenerArn"]
    rules = stage.world.raw("elbv2").describe_rules(ListenerArn=arn)["Rules"]
    configs = [action.get("AuthenticateOidcConfig") for rule in rules for action in rule["Actions"]]
    return [config["ClientSecret"] for config in configs if config]


async def test_only_https_asks_and_services_may_be_open(stage: Stage, world: AwsWorld) -> None:
    await stage.client.patch(
        SERVICES, "api", {"metadata": {"annotations": {P + "auth-type": "none"}}}, namespace="default"
    )
    stage.client.add(secured(stage, world, COGNITO, path("web"), path("api", "/status", port="rest")))
    async with stage.running():
        assert asked(stage, 443) == [["forward"], ["authenticate-cognito", "forward"], ["fixed-response"]]
        assert asked(stage, 80) == [["forward"], ["forward"], ["fixed-response"]]
        before = world.mutations()
    async with stage.running():
        await stage.harness.settle(3700)
        assert world.mutations() == before


def followed() -> list[str]:
    """The Secrets that are watched."""
    names = [task.get_name() for task in asyncio.all_tasks()]
    return [name.partition("metadata.name=")[2].rstrip(")'") for name in names if "metadata.name=" in name]


async def test_a_secret_is_watched_as_long_as_somebody_signs_in_with_it(stage: Stage, world: AwsWorld) -> None:
    stage.client.add(secret())
    stage.client.add(secured(stage, world, OIDC))
    async with stage.running():
        assert followed() == ["oidc"]
        await annotate(stage, auth_type="none")
        assert followed() == []
        await annotate(stage, auth_type="oidc")
        assert followed() == ["oidc"]
        await stage.client.delete(INGRESSES, "web", namespace="default")
        await stage.settle()
        assert followed() == []


async def test_a_new_secret_is_given_to_the_load_balancer(stage: Stage, world: AwsWorld) -> None:
    stage.client.add(secured(stage, world, OIDC))
    async with stage.running():
        assert ("Warning", "FailedDeployModel") in stage.harness.events("web")
        assert stage.balancers() == []
        stage.client.add(secret())
        await stage.settle()
        assert given_secrets(stage) == ["hush"]
        before = world.mutations()
    async with stage.running():
        assert world.mutations() == before
        fresh = {"data": secret("louder")["data"]}
        await stage.client.patch(SECRETS, "oidc", fresh, namespace="default")
        await stage.settle()
        assert given_secrets(stage) == ["louder"]
        assert stage.rules(443) == [({"path-pattern": ["/*"]}, "authenticate-oidc")]
        await stage.client.delete(INGRESSES, "web", namespace="default")
        await stage.settle()
        assert not world.left()


def acl(world: AwsWorld, name: str) -> str:
    """The ARN of new rules of a firewall."""
    shown = {"SampledRequestsEnabled": False, "CloudWatchMetricsEnabled": False, "MetricName": name}
    made = world.raw("wafv2").create_web_acl(
        Name=name, Scope="REGIONAL", DefaultAction={"Allow": {}}, VisibilityConfig=shown
    )
    return str(made["Summary"]["ARN"])


def firewall(stage: Stage) -> str:
    arn = stage.balancers()[0]["LoadBalancerArn"]
    return str(stage.world.raw("wafv2").get_web_acl_for_resource(ResourceArn=arn).get("WebACL", {}).get("Name", ""))


async def annotate(stage: Stage, **annotations: str | None) -> None:
    named = {P + name.replace("_", "-"): text for name, text in annotations.items()}
    await stage.client.patch(INGRESSES, "web", {"metadata": {"annotations": named}}, namespace="default")
    await stage.settle()


async def test_a_firewall_comes_changes_and_goes(stage: Stage, world: AwsWorld) -> None:
    loose, strict = acl(world, "loose"), acl(world, "strict")
    stage.client.add(ingress(annotations={"wafv2-acl-arn": strict}))
    async with stage.running():
        assert firewall(stage) == "strict"
        await annotate(stage, wafv2_acl_arn=loose)
        assert firewall(stage) == "loose"
        await annotate(stage, wafv2_acl_arn=None)
        assert firewall(stage) == "loose", "without an annotation it is nobody's business"
        await annotate(stage, wafv2_acl_arn="none")
        assert "DisassociateWebACL" in world.faults.calls
        assert firewall(stage) != "loose"
        await stage.client.delete(INGRESSES, "web", namespace="default")
        await stage.settle()
        assert not world.left()


async def test_accounts_without_firewalls_are_not_asked_about_them(stage: Stage, world: AwsWorld) -> None:
    stage.client.add(ingress())
    async with stage.running():
        assert stage.hostname()
    assert not [call for call in world.faults.calls if "WebACL" in call]


@pytest.mark.slow
async def test_a_crash_after_any_call_converges(stage: Stage, world: AwsWorld) -> None:
    ours = secured(stage, world, OIDC | {"wafv2-acl-arn": acl(world, "strict")})
    ours["metadata"]["uid"] = "uid-1"
    group = IngressGroup("default/web", (ours,))
    services = {f"default/{entry['metadata']['name']}": entry for entry in stage.client.all(SERVICES)}
    backends = Backends(services, secrets={"default/oidc": KEY})
    request = AlbRequest(world.cluster, group, alb_options(group), backends)
    for call in range(1, 40):
        world.crash_after(call)
        try:
            world.aws().ingresses().ensure(request)
            survived = True
        except Crash:
            survived = False
        world.crash_after(0)
        world.aws().ingresses().ensure(request)
        assert (given_secrets(stage), firewall(stage)) == (["hush"], "strict")
        before = world.mutations()
        world.aws().ingresses().ensure(request)
        assert world.mutations() == before
        world.aws().ingresses().delete(group.owner)
        assert not world.left()
        if survived:
            return
    raise AssertionError("more than 40 calls")
