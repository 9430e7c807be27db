from __future__ import annotations

import base64
import json

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding

from cloudk8s.apiserver.authentication.legacy_token import LegacyTokens
from cloudk8s.apiserver.authentication.signing_key import SigningKey
from cloudk8s.apiserver.pki.certificate import new_key
from cloudk8s.client.interface import Object
from cloudk8s.client.objects import annotations_of
from cloudk8s.client.resources import SECRETS, SERVICE_ACCOUNTS
from cloudk8s.controllers.service_account_tokens import ServiceAccountTokenController
from cloudk8s.controllers.settings import ControllerSettings
from cloudk8s.errors import Unauthorized
from tests.controllers.harness import NS, Harness, running
from tests.controllers.rsa_keys import key_pem, rsa_key

KEY = new_key().decode()
OPTIONS = ControllerSettings(service_account_key=KEY, root_ca="the root")


def account(name: str = "robot") -> Object:
    metadata = {"name": name, "namespace": NS, "uid": f"uid-of-{name}"}
    return {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": metadata}


def secret(account: str = "robot", **annotations: str) -> Object:
    annotations = {"kubernetes.io/service-account.name": account, **annotations}
    return {
        "apiVersion": "v1", "kind": "Secret", "type": "kubernetes.io/service-account-token",
        "metadata": {"name": "token", "namespace": NS, "annotations": annotations},
    }  # fmt: skip


def held(run: Harness) -> dict[str, str]:
    data = run.get(SECRETS, "token")["data"]
    return {name: base64.b64decode(value).decode() for name, value in data.items()}


def authenticator(run: Harness) -> LegacyTokens:
    resources = {"secrets": SECRETS, "serviceaccounts": SERVICE_ACCOUNTS}

    def find(group: str, plural: str, name: str, namespace: str) -> Object | None:
        return run.client.peek(resources[plural], name, namespace)

    return LegacyTokens([SigningKey(KEY.encode())], find, api_audiences=("api",))


async def test_a_token_secret_is_filled_and_the_token_works() -> None:
    async with running(ServiceAccountTokenController, objects=[account(), secret()], options=OPTIONS) as run:
        await run.settle()
        assert held(run).keys() == {"ca.crt", "namespace", "token"}
        assert (held(run)["ca.crt"], held(run)["namespace"]) == ("the root", NS)
        assert annotations_of(run.get(SECRETS, "token"))["kubernetes.io/service-account.uid"] == "uid-of-robot"
        verified = authenticator(run).verify(held(run)["token"], ("api",))
        assert verified is not None
        assert verified.user.name == "system:serviceaccount:default:robot"
        assert verified.user.uid == "uid-of-robot"
        assert verified.audiences == ("api",)
        before = len(run.client.actions)
        await run.settle()
        assert len(run.client.actions) == before


async def test_a_token_dies_with_its_secret() -> None:
    async with running(ServiceAccountTokenController, objects=[account(), secret()], options=OPTIONS) as run:
        await run.settle()
        token = held(run)["token"]
        await run.client.delete(SECRETS, "token", namespace=NS)
        with pytest.raises(Unauthorized, match="Token has been invalidated"):
            authenticator(run).verify(token, ())


async def test_a_token_is_nothing_but_the_one_in_its_secret() -> None:
    async with running(ServiceAccountTokenController, objects=[account(), secret()], options=OPTIONS) as run:
        await run.settle()
        token = held(run)["token"]
        await run.client.patch(SECRETS, "token", {"data": {"token": ""}}, namespace=NS)
        with pytest.raises(Unauthorized, match="does not match"):
            authenticator(run).verify(token, ())


@pytest.mark.parametrize(
    "orphan", [secret("nobody"), secret("robot", **{"kubernetes.io/service-account.uid": "an earlier one"})]
)
async def test_a_token_secret_without_its_account_is_deleted(orphan: Object) -> None:
    async with running(ServiceAccountTokenController, objects=[account(), orphan], options=OPTIONS) as run:
        await run.settle()
        assert run.names(SECRETS) == []


async def test_secrets_go_with_their_account() -> None:
    async with running(ServiceAccountTokenController, objects=[account(), secret()], options=OPTIONS) as run:
        await run.settle()
        await run.client.delete(SERVICE_ACCOUNTS, "robot", namespace=NS)
        await run.settle()
        assert run.names(SECRETS) == []


async def test_without_a_key_nothing_is_made() -> None:
    async with running(ServiceAccountTokenController, objects=[account(), secret()]) as run:
        await run.settle()
        assert "data" not in run.get(SECRETS, "token")


async def test_a_key_of_kubeadm_signs() -> None:
    options = ControllerSettings(service_account_key=key_pem())
    async with running(ServiceAccountTokenController, objects=[account(), secret()], options=options) as run:
        await run.settle()
        token = held(run)["token"]
    header, content, signature = (base64.urlsafe_b64decode(part + "==") for part in token.split("."))
    assert json.loads(header)["alg"] == "RS256"
    assert json.loads(content)["sub"] == "system:serviceaccount:default:robot"
    signed = token.rpartition(".")[0].encode()
    rsa_key().public_key().verify(signature, signed, padding.PKCS1v15(), hashes.SHA256())
