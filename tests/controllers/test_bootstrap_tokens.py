from __future__ import annotations

import base64
import hashlib
import hmac

from cloudk8s.client.interface import Object
from cloudk8s.client.resources import CONFIG_MAPS, SECRETS
from cloudk8s.controllers.bootstrap_signer import BootstrapSigner
from cloudk8s.controllers.token_cleaner import TokenCleaner
from tests.controllers.harness import Harness, running


def token(id: str = "abcdef", *, signs: str = "true", expires: str = "") -> Object:
    data = {"token-id": id, "token-secret": "0123456789abcdef", "usage-bootstrap-signing": signs}
    if expires:
        data["expiration"] = expires
    return {
        "apiVersion": "v1", "kind": "Secret", "type": "bootstrap.kubernetes.io/token",
        "metadata": {"name": f"bootstrap-token-{id}", "namespace": "kube-system"},
        "data": {name: base64.b64encode(value.encode()).decode() for name, value in data.items()},
    }  # fmt: skip


def info() -> Object:
    metadata = {"name": "cluster-info", "namespace": "kube-public"}
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": {"kubeconfig": "content"}}


def signatures(run: Harness) -> dict[str, str]:
    data = run.get(CONFIG_MAPS, "cluster-info", "kube-public")["data"]
    return {name: text for name, text in data.items() if name != "kubeconfig"}


async def test_every_signing_token_has_a_signature_that_verifies() -> None:
    async with running(BootstrapSigner, objects=[info(), token(), token("ghijkl", signs="false")]) as run:
        await run.settle()
        found = signatures(run)
        assert list(found) == ["jws-kubeconfig-abcdef"]
        header, payload, signature = found["jws-kubeconfig-abcdef"].split(".")
        assert payload == ""
        assert base64.urlsafe_b64decode(header + "==") == b'{"alg":"HS256","kid":"abcdef"}'
        signed = f"{header}.{base64.urlsafe_b64encode(b'content').decode().rstrip('=')}".encode()
        expected = hmac.new(b"0123456789abcdef", signed, hashlib.sha256).digest()
        assert base64.urlsafe_b64decode(signature + "=") == expected


async def test_signatures_follow_tokens_and_content() -> None:
    async with running(BootstrapSigner, objects=[info(), token()]) as run:
        await run.settle()
        before = signatures(run)
        await run.client.patch(CONFIG_MAPS, "cluster-info", {"data": {"kubeconfig": "other"}}, namespace="kube-public")
        await run.settle()
        assert signatures(run) != before
        await run.client.delete(SECRETS, "bootstrap-token-abcdef", namespace="kube-system")
        await run.settle()
        assert signatures(run) == {}


async def test_a_token_that_expires_no_longer_signs() -> None:
    async with running(BootstrapSigner, objects=[info(), token(expires="2026-01-01T00:01:00Z")]) as run:
        await run.settle()
        assert signatures(run)
        await run.settle(61, step=1)
        assert signatures(run) == {}


async def test_tokens_are_deleted_when_they_expire() -> None:
    objects = [token(expires="2026-01-01T00:01:00Z"), token("ghijkl"), token("mnopqr", expires="soon")]
    async with running(TokenCleaner, objects=objects) as run:
        await run.settle()
        assert run.names(SECRETS) == ["bootstrap-token-abcdef", "bootstrap-token-ghijkl"]
        await run.settle(61, step=1)
        assert run.names(SECRETS) == ["bootstrap-token-ghijkl"]
