"""Whom a component believes, and for how long."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from cloudk8s.apiserver.http.interface import Request
from cloudk8s.client.certificate_subject import names
from cloudk8s.client.delegation import ANONYMOUS, CacheTimes, Delegation, Path, User
from cloudk8s.client.resources import SUBJECT_ACCESS_REVIEWS
from cloudk8s.errors import ServiceUnavailable
from cloudk8s.machinery.clock import FakeClock

METRICS = Path("get", "/metrics")


class Reviews:
    """An API server that knows one token, and lets its user see metrics."""

    def __init__(self) -> None:
        self.asked: list[dict[str, Any]] = []
        self.is_down = False

    async def create(self, resource: Any, body: dict[str, Any]) -> dict[str, Any]:
        self.asked.append(body)
        if self.is_down:
            raise ServiceUnavailable("down")
        if resource == SUBJECT_ACCESS_REVIEWS:
            return {"status": {"allowed": body["spec"]["nonResourceAttributes"]["path"] == "/metrics"}}
        known = body["spec"]["token"] == "t0k"
        user = {"username": "alice", "uid": "7", "groups": ["g"], "extra": {"k": ["v"]}}
        return {"status": {"authenticated": known, "user": user if known else {}}}


class Connection:
    def __init__(self, certificate: bytes | None = None) -> None:
        self.peer_certificate = certificate
        self.remote = "127.0.0.1"
        self.memo: dict[str, object] = {}


def request(token: str = "", certificate: bytes | None = None) -> Request:
    headers = {"authorization": f"Bearer {token}"} if token else {}
    return Request("GET", "/metrics", headers, b"", Connection(certificate))


def delegation(reviews: Reviews, clock: FakeClock, times: CacheTimes | None = None) -> Delegation:
    return Delegation(reviews, clock=clock, times=times or CacheTimes())  # type: ignore[arg-type]


def certificate(name: str, *groups: str) -> bytes:
    key = ec.generate_private_key(ec.SECP256R1())
    attributes = [x509.NameAttribute(NameOID.ORGANIZATION_NAME, group) for group in groups]
    subject = x509.Name([*attributes, x509.NameAttribute(NameOID.COMMON_NAME, name)])
    now = datetime.now(UTC)
    builder = x509.CertificateBuilder().subject_name(subject).issuer_name(x509.Name([])).public_key(key.public_key())
    builder = builder.serial_number(x509.random_serial_number()).not_valid_before(now)
    made = builder.not_valid_after(now + timedelta(days=1)).sign(key, hashes.SHA256())
    return made.public_bytes(serialization.Encoding.DER)


def test_the_subject_is_read_from_the_certificate() -> None:
    assert names(certificate("kübe", "a", "system:masters")) == (["kübe"], ["a", "system:masters"])
    with pytest.raises(ValueError, match="cut off"):
        names(certificate("x")[:40])


async def test_a_token_is_asked_about_once_while_the_answer_holds() -> None:
    reviews, clock = Reviews(), FakeClock()
    asking = delegation(reviews, clock, CacheTimes(token=10))
    alice = User("alice", "7", ("g",), (("k", ("v",)),))
    assert [await asking.user_of(request("t0k")) for _ in range(2)] == [alice, alice]
    assert await asking.user_of(request("wrong")) is None
    assert await asking.user_of(request("wrong")) is None
    assert len(reviews.asked) == 2
    await clock.advance(11)
    await asking.user_of(request("t0k"))
    assert len(reviews.asked) == 3


async def test_who_shows_nothing_is_anonymous_and_a_certificate_names_its_user() -> None:
    asking = delegation(Reviews(), FakeClock())
    assert await asking.user_of(request()) == ANONYMOUS
    assert await asking.user_of(request(certificate=certificate("bob", "ops"))) == User(
        "bob", groups=("ops", "system:authenticated")
    )


async def test_permissions_and_refusals_hold_for_times_of_their_own() -> None:
    reviews, clock = Reviews(), FakeClock()
    asking, alice = delegation(reviews, clock, CacheTimes(allowed=60, denied=5)), User("alice", groups=("g",))
    denied = Path("get", "/configz")
    assert (await asking.allows(alice, METRICS), await asking.allows(alice, denied)) == (True, False)
    assert reviews.asked[0]["spec"] == {
        "nonResourceAttributes": {"path": "/metrics", "verb": "get"}, "user": "alice", "uid": "", "groups": ["g"],
        "extra": {},
    }  # fmt: skip
    await clock.advance(6)
    assert (await asking.allows(alice, METRICS), await asking.allows(alice, denied)) == (True, False)
    assert len(reviews.asked) == 3, "only the refusal is asked about again"


async def test_an_api_server_that_does_not_answer_means_no_but_not_for_long() -> None:
    reviews = Reviews()
    asking, alice = delegation(reviews, FakeClock()), User("alice")
    reviews.is_down = True
    assert await asking.user_of(request("t0k")) is None
    assert not await asking.allows(alice, METRICS)
    reviews.is_down = False
    assert await asking.user_of(request("t0k")) is not None
    assert await asking.allows(alice, METRICS)
