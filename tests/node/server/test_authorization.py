"""Who may ask a node for what."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from cloudk8s.apiserver.http.interface import Request
from cloudk8s.client.resources import SUBJECT_ACCESS_REVIEWS
from cloudk8s.errors import ServiceUnavailable
from cloudk8s.machinery.clock import FakeClock
from cloudk8s.node.server.authorization import DelegatedAuthorization, Denied, subresources


class Reviews:
    """An API server that knows one token and allows one user to read statistics."""

    def __init__(self) -> None:
        self.asked: list[dict[str, Any]] = []
        self.is_down = False

    async def create(self, resource: Any, body: dict[str, Any]) -> dict[str, Any]:
        if self.is_down:
            raise ServiceUnavailable("down")
        self.asked.append(body)
        if resource == SUBJECT_ACCESS_REVIEWS:
            attributes = body["spec"]["resourceAttributes"]
            allowed = body["spec"]["user"] == "admin" or attributes["subresource"] == "stats"
            return {"status": {"allowed": allowed}}
        known = {"t0k": "alice", "adm": "admin"}.get(body["spec"]["token"])
        return {"status": {"authenticated": known is not None, "user": {"username": known, "groups": ["g"]}}}


class Connection:
    def __init__(self, certificate: bytes | None = None) -> None:
        self.peer_certificate = certificate
        self.remote = "127.0.0.1"
        self.memo: dict[str, object] = {}


def request(path: str, token: str = "", method: str = "GET", certificate: bytes | None = None) -> Request:
    headers = {"authorization": f"Bearer {token}"} if token else {}
    return Request(method, path, headers, b"", Connection(certificate))


def certificate(name: str, *groups: str) -> bytes:
    key = ec.generate_private_key(ec.SECP256R1())
    attributes = [x509.NameAttribute(NameOID.ORGANIZATION_NAME, group) for group in groups]
    subject = x509.Name([*attributes, x509.NameAttribute(NameOID.COMMON_NAME, name)])
    now = datetime.now(UTC)
    builder = x509.CertificateBuilder().subject_name(subject).issuer_name(x509.Name([])).public_key(key.public_key())
    builder = builder.serial_number(x509.random_serial_number()).not_valid_before(now)
    made = builder.not_valid_after(now + timedelta(days=1)).sign(key, hashes.SHA256())
    return made.public_bytes(serialization.Encoding.DER)


@pytest.mark.parametrize(
    ("path", "found"),
    [
        ("/stats/summary", ("stats",)), ("/metrics", ("metrics",)), ("/exec/ns/p/c", ("proxy",)),
        ("/containerLogs/ns/p/c", ("proxy",)), ("/pods", ("pods", "proxy")), ("/statistics", ("proxy",)),
    ],
)  # fmt: skip
def test_paths_are_subresources_of_the_node(path: str, found: tuple[str, ...]) -> None:
    assert subresources(path) == found


async def test_tokens_are_reviewed_and_answers_remembered() -> None:
    reviews, clock = Reviews(), FakeClock()
    check = DelegatedAuthorization(reviews, "n1", clock=clock)  # type: ignore[arg-type]

    await check.check(request("/stats/summary", "t0k"))
    await check.check(request("/stats/summary", "t0k"))
    assert len(reviews.asked) == 2
    assert reviews.asked[1]["spec"]["resourceAttributes"] == {
        "verb": "get", "version": "v1", "resource": "nodes", "subresource": "stats", "name": "n1",
    }  # fmt: skip
    await clock.advance(130)
    await check.check(request("/stats/summary", "t0k"))
    assert len(reviews.asked) == 3, "the token is asked about again, the permission not yet"


@pytest.mark.parametrize(
    ("path", "token", "status"), [("/pods", "", 401), ("/pods", "wrong", 401), ("/exec/a/b/c", "t0k", 403)]
)
async def test_others_are_turned_away(path: str, token: str, status: int) -> None:
    check = DelegatedAuthorization(Reviews(), "n1", clock=FakeClock())  # type: ignore[arg-type]

    with pytest.raises(Denied) as caught:
        await check.check(request(path, token, "POST"))

    assert caught.value.status == status


async def test_a_certificate_says_who_asks() -> None:
    reviews = Reviews()
    check = DelegatedAuthorization(reviews, "n1", clock=FakeClock())  # type: ignore[arg-type]

    await check.check(request("/exec/a/b/c", method="POST", certificate=certificate("admin", "system:masters")))

    assert reviews.asked[0]["spec"]["groups"] == ["system:masters", "system:authenticated"]
    assert reviews.asked[0]["spec"]["resourceAttributes"]["verb"] == "create"


async def test_an_api_server_that_does_not_answer_means_no() -> None:
    reviews = Reviews()
    reviews.is_down = True
    check = DelegatedAuthorization(reviews, "n1", clock=FakeClock())  # type: ignore[arg-type]

    with pytest.raises(Denied):
        await check.check(request("/pods", certificate=certificate("admin")))
