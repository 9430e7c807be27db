"""Programs that tell logins: real ones, written for each test."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import pytest

from cloudk8s.client.resources import SERVICE_ACCOUNTS
from cloudk8s.machinery.clock import FakeClock
from cloudk8s.node.credentials.configuration import CredentialProvider
from cloudk8s.node.credentials.programs import ProgramLogins
from cloudk8s.node.runtimes.interface import Credentials
from cloudk8s.testing.fake_client import FakeClient

IMAGE = "registry.example.com/team/app:1"
POD = {"metadata": {"name": "web", "namespace": "shop", "uid": "u"}, "spec": {"serviceAccountName": "shopper"}}
API_VERSION = "credentialprovider.kubelet.k8s.io/v1"


class Tokens:
    async def token(self, pod: Any, *, audience: str, expiration_seconds: int) -> str:
        return f"token for {audience}"


class Node:
    """A directory of programs, what they are configured to do, and how often they were called."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.clock = FakeClock()
        self.client = FakeClient()

    def program(self, answer: str, name: str = "ask") -> None:
        """A program that notes its request and then runs `answer`, which may use `request`."""
        file = self.directory / name
        lines = [
            f"#!{sys.executable}", "import json, os, sys", "request = json.load(sys.stdin)",
            f"open({str(self.directory / 'calls')!r}, 'a').write(json.dumps(request) + '\\n')", answer,
        ]  # fmt: skip
        file.write_text("\n".join(lines) + "\n")
        file.chmod(0o755)

    def answers(self, *, scope: str = "Image", duration: str | None = "1m", auth: dict[str, Any] | None = None) -> None:
        answer = {
            "apiVersion": API_VERSION, "kind": "CredentialProviderResponse", "cacheKeyType": scope,
            "auth": auth or {"registry.example.com": {"username": "ada", "password": "key"}},
        }  # fmt: skip
        if duration is not None:
            answer["cacheDuration"] = duration
        self.program(f"print(json.dumps({answer!r}))")

    def logins(self, **fields: Any) -> ProgramLogins:
        given = {
            "name": "ask", "matchImages": ["*.example.com"], "defaultCacheDuration": "0s", "apiVersion": API_VERSION,
            **fields,
        }  # fmt: skip
        provider = CredentialProvider.model_validate(given)
        return ProgramLogins([provider], self.directory, clock=self.clock, tokens=Tokens(), client=self.client)

    @property
    def calls(self) -> list[Any]:
        noted = self.directory / "calls"
        return [json.loads(line) for line in noted.read_text().splitlines()] if noted.exists() else []


@pytest.fixture
def node(tmp_path: Path) -> Node:
    return Node(tmp_path)


async def test_a_program_is_asked_about_an_image(node: Node) -> None:
    node.answers()
    assert await node.logins().credentials(POD, IMAGE) == [Credentials("ada", "key")]
    assert node.calls == [{"apiVersion": API_VERSION, "kind": "CredentialProviderRequest", "image": IMAGE}]


async def test_a_program_is_not_asked_about_images_of_others(node: Node) -> None:
    node.answers()
    assert await node.logins().credentials(POD, "other.example.org/app") == []
    assert node.calls == []


async def test_a_login_for_another_registry_is_not_used(node: Node) -> None:
    node.answers(auth={"elsewhere.example.com": {"username": "eve", "password": "x"}})
    assert await node.logins().credentials(POD, IMAGE) == []


@pytest.mark.parametrize(
    ("scope", "other", "calls"),
    [
        ("Image", "registry.example.com/team/other", 2), ("Registry", "registry.example.com/team/other", 1),
        ("Registry", "second.example.com/app", 2), ("Global", "second.example.com/app", 1),
    ],
)  # fmt: skip
async def test_an_answer_holds_for_what_it_says(node: Node, scope: str, other: str, calls: int) -> None:
    node.answers(scope=scope)
    logins = node.logins()
    await logins.credentials(POD, IMAGE)
    await logins.credentials(POD, IMAGE)
    await logins.credentials(POD, other)
    assert len(node.calls) == calls


async def test_an_answer_holds_for_as_long_as_it_says(node: Node) -> None:
    node.answers(duration="10m")
    logins = node.logins()
    await logins.credentials(POD, IMAGE)
    await node.clock.advance(599)
    await logins.credentials(POD, IMAGE)
    assert len(node.calls) == 1
    await node.clock.advance(1)
    await logins.credentials(POD, IMAGE)
    assert len(node.calls) == 2


async def test_an_answer_that_says_nothing_holds_for_the_default(node: Node) -> None:
    node.answers(duration=None)
    logins = node.logins(defaultCacheDuration="1h")
    for _ in range(2):
        await logins.credentials(POD, IMAGE)
    assert len(node.calls) == 1


@pytest.mark.parametrize(
    ("answer", "told"),
    [
        ("sys.exit('no such role')", "exit code 1: no such role"),
        ("print('hello')", "the answer is not JSON"),
        ("print('{}')", "no CredentialProviderResponse"),
        ("print('[]')", "no CredentialProviderResponse"),
    ],
)
async def test_a_program_that_fails_is_left_out(
    node: Node, caplog: pytest.LogCaptureFixture, answer: str, told: str
) -> None:
    node.program(answer)
    assert await node.logins().credentials(POD, IMAGE) == []
    assert told in caplog.text


async def test_a_program_gets_its_arguments_and_variables(node: Node) -> None:
    node.program(
        "print(json.dumps({'apiVersion': request['apiVersion'], 'kind': 'CredentialProviderResponse',"
        " 'cacheKeyType': 'Image', 'auth': {'*.example.com':"
        " {'username': sys.argv[1], 'password': os.environ['SECRET']}}}))"
    )
    logins = node.logins(args=["who"], env=[{"name": "SECRET", "value": "s"}])
    assert await logins.credentials(POD, IMAGE) == [Credentials("who", "s")]


def for_accounts(**fields: Any) -> dict[str, Any]:
    return {
        "serviceAccountTokenAudience": "cloud", "cacheType": "ServiceAccount", "requireServiceAccount": True, **fields
    }  # fmt: skip


async def test_a_program_acts_for_the_service_account_of_the_pod(node: Node) -> None:
    annotations = {"role": "reader", "private": "x"}
    node.client.add(account(annotations))
    node.answers(scope="Registry")
    logins = node.logins(tokenAttributes=for_accounts(requiredServiceAccountAnnotationKeys=["role"]))
    for _ in range(2):
        assert await logins.credentials(POD, IMAGE) == [Credentials("ada", "key")]
    [call] = node.calls
    assert call["serviceAccountToken"] == "token for cloud"
    assert call["serviceAccountAnnotations"] == {"role": "reader"}


async def test_an_answer_for_one_service_account_is_no_other_ones(node: Node) -> None:
    node.client.add(account({}))
    node.client.add(account({}, name="other"))
    node.answers(scope="Registry")
    logins = node.logins(tokenAttributes=for_accounts())
    await logins.credentials(POD, IMAGE)
    await logins.credentials({**POD, "spec": {"serviceAccountName": "other"}}, IMAGE)
    assert len(node.calls) == 2


async def test_a_service_account_without_what_it_must_have_gets_no_login(
    node: Node, caplog: pytest.LogCaptureFixture
) -> None:
    node.client.add(account({}))
    node.answers()
    logins = node.logins(tokenAttributes=for_accounts(requiredServiceAccountAnnotationKeys=["role"]))
    assert await logins.credentials(POD, IMAGE) == []
    assert "service account shopper lacks the annotations role" in caplog.text
    assert node.calls == []


def account(annotations: dict[str, str], name: str = "shopper") -> dict[str, Any]:
    metadata = {"name": name, "namespace": "shop", "annotations": annotations}
    return {"apiVersion": "v1", "kind": SERVICE_ACCOUNTS.kind, "metadata": metadata}
