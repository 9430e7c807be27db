"""Passwords of ECR: which registry, whose token, how long it may be kept, and the program that a kubelet calls."""

from __future__ import annotations

import base64
import json
import os
import subprocess
import sys
from datetime import timedelta
from typing import Any

import pytest

from cloudk8s.machinery.clock import FakeClock
from cloudk8s.plugin import CloudError, SettingsError
from cloudk8s_aws.api import AwsApi
from cloudk8s_aws.credentials.provider import API_VERSION, ROLE_ANNOTATION, ROLE_VARIABLE, EcrCredentials
from cloudk8s_aws.credentials.registry import registry_of
from cloudk8s_aws.settings import AwsSettings
from cloudk8s_aws.testing import served_account

PRIVATE = "123456789012.dkr.ecr.eu-west-1.amazonaws.com"


@pytest.mark.parametrize(
    ("image", "region", "public"),
    [
        (f"{PRIVATE}/app:1", "eu-west-1", False),
        ("123456789012.dkr.ecr-fips.us-gov-west-1.amazonaws.com/app", "us-gov-west-1", False),
        ("123456789012.dkr.ecr.cn-north-1.amazonaws.com.cn/app", "cn-north-1", False),
        ("123456789012.dkr-ecr.eu-west-1.on.aws/app", "eu-west-1", False),
        ("123456789012.dkr-ecr.cn-north-1.on.amazonwebservices.com.cn/app", "cn-north-1", False),
        ("123456789012.dkr.ecr.eusc-de-east-1.amazonaws.eu/app", "eusc-de-east-1", False),
        ("123456789012.dkr.ecr.us-iso-east-1.c2s.ic.gov/app", "us-iso-east-1", False),
        ("public.ecr.aws/docker/library/busybox", "us-east-1", True),
        ("ecr-public.aws.com/x/y", "us-east-1", True),
        ("registry.example.com/app", "", False),
        ("12.dkr.ecr.eu-west-1.amazonaws.com/app", "", False),
        (f"{PRIVATE}.evil.example/app", "", False),
    ],
)
def test_registries_are_told_by_their_hosts(image: str, region: str, public: bool) -> None:
    found = registry_of(image)
    assert (found.region, found.is_public) == (region, public)


class FakeApi:
    """ECR's answers; remembers who asked for what."""

    def __init__(self, clock: FakeClock) -> None:
        self.calls: list[tuple[str, str, str, str]] = []
        self.token = base64.b64encode(b"AWS:secret").decode()
        self.expires: Any = clock.now() + timedelta(hours=12)

    def connect(self, settings: AwsSettings) -> AwsApi:
        outer = self

        class Api:
            def call(self, service: str, operation: str, **parameters: Any) -> dict[str, Any]:
                key = settings.session_token.get_secret_value()
                outer.calls.append((service, operation, settings.region, key or parameters.get("RoleArn", "")))
                if service == "sts":
                    keys = ("AccessKeyId", "SecretAccessKey", "SessionToken")
                    return {"Credentials": {name: f"{name} of pod" for name in keys}}
                data = {"authorizationToken": outer.token, "expiresAt": outer.expires}
                return {"authorizationData": data if service == "ecr-public" else [data]}

        return Api()  # type: ignore[return-value]


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def api(clock: FakeClock) -> FakeApi:
    return FakeApi(clock)


def ask(api: FakeApi, clock: FakeClock, image: str, environment: dict[str, str] | None = None, **more: Any) -> Any:
    provider = EcrCredentials(AwsSettings(), clock=clock, environment=environment or {}, connect=api.connect)
    return provider.answer({"apiVersion": API_VERSION, "kind": "CredentialProviderRequest", "image": image, **more})


def test_a_private_registry_is_asked_in_its_region(api: FakeApi, clock: FakeClock) -> None:
    assert ask(api, clock, f"{PRIVATE}/app:1") == {
        "apiVersion": API_VERSION, "kind": "CredentialProviderResponse", "cacheKeyType": "Registry",
        "cacheDuration": "21600s", "auth": {PRIVATE: {"username": "AWS", "password": "secret"}},
    }  # fmt: skip
    assert api.calls == [("ecr", "get_authorization_token", "eu-west-1", "")]


def test_the_public_registry_is_asked_where_it_is(api: FakeApi, clock: FakeClock) -> None:
    assert "public.ecr.aws" in ask(api, clock, "public.ecr.aws/a/b")["auth"]
    assert api.calls == [("ecr-public", "get_authorization_token", "us-east-1", "")]


def test_a_token_whose_end_is_not_known_is_not_kept(api: FakeApi, clock: FakeClock) -> None:
    api.expires = None
    assert ask(api, clock, f"{PRIVATE}/a")["cacheDuration"] == "0s"


@pytest.mark.parametrize("token", ["not base64!", base64.b64encode(b"nothing").decode(), ""])
def test_a_malformed_token_is_an_error(api: FakeApi, clock: FakeClock, token: str) -> None:
    api.token = token
    with pytest.raises(CloudError, match="ECR's token is no"):
        ask(api, clock, f"{PRIVATE}/a")


@pytest.mark.parametrize(
    ("annotations", "environment"),
    [({ROLE_ANNOTATION: "arn:role"}, {}), ({}, {ROLE_VARIABLE: "arn:role"})],
)
def test_a_pods_token_is_exchanged_for_its_role(
    api: FakeApi, clock: FakeClock, annotations: dict[str, str], environment: dict[str, str]
) -> None:
    more = {"serviceAccountToken": "jwt", "serviceAccountAnnotations": annotations}
    ask(api, clock, f"{PRIVATE}/a", environment, **more)
    assert api.calls == [
        ("sts", "assume_role_with_web_identity", "eu-west-1", "arn:role"),
        ("ecr", "get_authorization_token", "eu-west-1", "SessionToken of pod"),
    ]


def test_a_pods_token_without_a_role_says_what_to_do(api: FakeApi, clock: FakeClock) -> None:
    with pytest.raises(SettingsError, match=ROLE_ANNOTATION):
        ask(api, clock, f"{PRIVATE}/a", serviceAccountToken="jwt")


def test_another_version_is_refused(api: FakeApi, clock: FakeClock) -> None:
    provider = EcrCredentials(AwsSettings(), clock=clock, environment={}, connect=api.connect)
    with pytest.raises(SettingsError, match="not a credentialprovider"):
        provider.answer({"apiVersion": "credentialprovider.kubelet.k8s.io/v1alpha1", "kind": "X", "image": "a"})


def test_a_kubelet_calls_the_program() -> None:
    with served_account() as url:
        request = {"apiVersion": API_VERSION, "kind": "CredentialProviderRequest", "image": f"{PRIVATE}/app:1"}
        command = [sys.executable, "-m", "cloudk8s", "ecr-credential-provider", "--endpoint-url", url]
        keys = {"AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test"}
        path = {"PYTHONPATH": os.pathsep.join(entry for entry in sys.path if entry)}
        done = subprocess.run(
            command, input=json.dumps(request), capture_output=True, text=True, env={**os.environ, **keys, **path},
            timeout=60, check=False,
        )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["auth"][PRIVATE]["username"] == "AWS"
