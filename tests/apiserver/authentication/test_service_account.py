from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from cloudk8s.apiserver.authentication.bearer import BearerAuthenticator
from cloudk8s.apiserver.authentication.interface import Verified
from cloudk8s.apiserver.authentication.service_account import Grant, Reference, ServiceAccountTokens
from cloudk8s.apiserver.authentication.signing_key import SigningKey, unverified_claims
from cloudk8s.apiserver.pki.certificate import new_key, public_key
from cloudk8s.errors import Unauthorized
from cloudk8s.machinery.clock import FakeClock
from tests.apiserver.authentication.requests import Objects, request

API = ("https://kubernetes.default.svc",)
ROBOT = Reference("robot", "serviceaccounts-robot-uid")
KEY = new_key()


@pytest.fixture
def objects() -> Objects:
    objects = Objects()
    objects.add("serviceaccounts", "robot", "ns")
    objects.add("pods", "p", "ns")
    objects.add("secrets", "s", "ns")
    objects.add("nodes", "n")
    return objects


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def tokens(objects: Objects, clock: FakeClock) -> ServiceAccountTokens:
    return ServiceAccountTokens([SigningKey(KEY)], objects, clock=clock)


def grant(**fields: Any) -> Grant:
    return Grant("ns", ROBOT, API, timedelta(hours=1), **fields)


def verify(tokens: ServiceAccountTokens, token: str, audiences: tuple[str, ...] = API) -> Verified:
    verified = tokens.verify(token, audiences)
    assert verified is not None
    return verified


def test_a_token_says_who_and_what_it_is_bound_to(tokens: ServiceAccountTokens, clock: FakeClock) -> None:
    pod, node = Reference("p", "pods-p-uid"), Reference("n", "nodes-n-uid")
    token, expires = tokens.issue(grant(pod=pod, node=node))
    assert expires == clock.now() + timedelta(hours=1)
    user = verify(tokens, token).user
    assert (user.name, user.uid) == ("system:serviceaccount:ns:robot", ROBOT.uid)
    assert user.groups == ("system:serviceaccounts", "system:serviceaccounts:ns", "system:authenticated")
    prefix = "authentication.kubernetes.io/"
    assert user.extra.pop(f"{prefix}credential-id")[0].startswith("JTI=")  # type: ignore[attr-defined]
    assert user.extra == {
        f"{prefix}node-name": ("n",),
        f"{prefix}node-uid": ("nodes-n-uid",),
        f"{prefix}pod-name": ("p",),
        f"{prefix}pod-uid": ("pods-p-uid",),
    }


def test_claims_are_upstreams(tokens: ServiceAccountTokens) -> None:
    token, _ = tokens.issue(grant(secret=Reference("s", "x"), warn_after=timedelta(minutes=5)))
    claims = dict(unverified_claims(token) or {})
    assert set(claims) == {"aud", "exp", "iat", "iss", "jti", "kubernetes.io", "nbf", "sub"}
    assert claims["kubernetes.io"] == {
        "namespace": "ns",
        "secret": {"name": "s", "uid": "x"},
        "serviceaccount": {"name": "robot", "uid": ROBOT.uid},
        "warnafter": claims["iat"] + 300,
    }
    assert (claims["aud"], claims["iss"], claims["exp"]) == (list(API), API[0], claims["iat"] + 3600)


def test_tokens_of_others_are_left_to_others(tokens: ServiceAccountTokens) -> None:
    foreign = SigningKey(KEY).sign({"iss": "https://else"})
    for token in ("nope", "a.b.c", "a.bm9wZQ.c", foreign):
        assert tokens.verify(token, API) is None


def test_a_forged_token_is_refused(tokens: ServiceAccountTokens, objects: Objects, clock: FakeClock) -> None:
    forger = ServiceAccountTokens([SigningKey(new_key())], objects, clock=clock)
    token, _ = forger.issue(grant())
    with pytest.raises(Unauthorized, match="signature"):
        tokens.verify(token, API)
    genuine, _ = tokens.issue(grant())
    head, _, signature = genuine.split(".")
    with pytest.raises(Unauthorized, match="signature"):
        tokens.verify(".".join([head, token.split(".")[1], signature]), API)


async def test_a_token_expires(tokens: ServiceAccountTokens, clock: FakeClock) -> None:
    token, _ = tokens.issue(grant())
    await clock.advance(3600 + 59)
    assert verify(tokens, token).good_for == pytest.approx(1)
    await clock.advance(2)
    with pytest.raises(Unauthorized, match="service account token has expired"):
        tokens.verify(token, API)


def test_a_token_is_for_its_audiences(tokens: ServiceAccountTokens) -> None:
    token, _ = tokens.issue(Grant("ns", ROBOT, ("a", "b"), timedelta(hours=1)))
    assert verify(tokens, token, ("b", "c")).audiences == ("b",)
    with pytest.raises(Unauthorized) as caught:
        tokens.verify(token, API)
    expected = f'token audiences ["a" "b"] is invalid for the target audiences ["{API[0]}"]'
    assert caught.value.message == expected


@pytest.mark.parametrize("kind", ["pod", "secret", "node"])
def test_a_token_dies_with_what_it_is_bound_to(tokens: ServiceAccountTokens, objects: Objects, kind: str) -> None:
    namespace = "" if kind == "node" else "ns"
    key = "", f"{kind}s", kind[0], namespace
    token, _ = tokens.issue(grant(**{kind: Reference(kind[0], f"{kind}s-{kind[0]}-uid")}))
    verify(tokens, token)
    stored = objects.stored[key]
    stored["metadata"]["deletionTimestamp"] = "2025-12-31T23:59:30Z"
    verify(tokens, token)
    stored["metadata"]["deletionTimestamp"] = "2025-12-31T23:58:30Z"
    with pytest.raises(Unauthorized, match="service account token has been invalidated"):
        tokens.verify(token, API)
    objects.add(f"{kind}s", kind[0], namespace, metadata={"uid": "another"})
    with pytest.raises(Unauthorized, match=rf"{kind} UID \(another\) does not match"):
        tokens.verify(token, API)
    del objects.stored[key]
    with pytest.raises(Unauthorized, match="service account token has been invalidated"):
        tokens.verify(token, API)


def test_a_token_dies_with_its_service_account(tokens: ServiceAccountTokens, objects: Objects) -> None:
    token, _ = tokens.issue(grant())
    objects.add("serviceaccounts", "robot", "ns", metadata={"uid": "another"})
    with pytest.raises(Unauthorized, match=r"service account UID \(another\) does not match claim"):
        tokens.verify(token, API)
    objects.stored.clear()
    with pytest.raises(Unauthorized, match='serviceaccounts "robot" not found'):
        tokens.verify(token, API)


def test_older_keys_go_on_verifying(tokens: ServiceAccountTokens, objects: Objects, clock: FakeClock) -> None:
    token, _ = tokens.issue(grant())
    private = rsa.generate_private_key(65537, 2048)
    pem = private.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    rotated = ServiceAccountTokens([SigningKey(pem), SigningKey(public_key(KEY))], objects, clock=clock)
    assert verify(rotated, token).user.name == "system:serviceaccount:ns:robot"
    assert verify(rotated, rotated.issue(grant())[0]).user.name == "system:serviceaccount:ns:robot"


def test_keys_are_published_without_their_secret() -> None:
    jwk = SigningKey(KEY).as_jwk()
    assert (jwk["kty"], jwk["alg"], jwk["use"], jwk["crv"]) == ("EC", "ES256", "sig", "P-256")
    assert set(jwk) == {"use", "kty", "kid", "alg", "crv", "x", "y"}
    assert jwk["kid"] == SigningKey(public_key(KEY)).key_id


async def test_a_good_token_is_remembered_for_a_while(
    tokens: ServiceAccountTokens, objects: Objects, clock: FakeClock
) -> None:
    bearer = BearerAuthenticator([tokens], api_audiences=API, clock=clock)
    header = f"Bearer {tokens.issue(grant())[0]}"
    user = bearer.authenticate(request(authorization=header))
    objects.stored.clear()
    assert bearer.authenticate(request(authorization=header)) is user
    await clock.advance(11)
    with pytest.raises(Unauthorized, match=r'\[invalid bearer token, serviceaccounts "robot" not found\]'):
        bearer.authenticate(request(authorization=header))
