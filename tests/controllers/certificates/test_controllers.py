from __future__ import annotations

import base64
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from cloudk8s.apiserver.pki.certificate import issue
from cloudk8s.apiserver.pki.profile import Profile
from cloudk8s.client.interface import Object
from cloudk8s.client.objects import condition
from cloudk8s.client.resources import CERTIFICATE_SIGNING_REQUESTS, SUBJECT_ACCESS_REVIEWS
from cloudk8s.controllers.certificates.approving import ApprovingController
from cloudk8s.controllers.certificates.cleaning import is_old
from cloudk8s.controllers.certificates.signing import SigningController
from cloudk8s.controllers.settings import ControllerSettings
from cloudk8s.machinery.clock import FakeClock
from cloudk8s.testing.fake_client import FakeClient
from tests.controllers.harness import Harness, running
from tests.controllers.rsa_keys import authority_pem, key_pem

NOW = datetime(2026, 1, 1, tzinfo=UTC)
CA = issue(Profile("ca", "kubernetes", authority="", lifetime=timedelta(days=3650)), None, NOW)
OPTIONS = ControllerSettings(cluster_signing_certificate=CA.certificate.decode(), cluster_signing_key=CA.key.decode())
CLIENT = ("client auth", "digital signature", "key encipherment")
SERVER = ("digital signature", "key encipherment", "server auth")
KEY = ec.generate_private_key(ec.SECP256R1())


def pkcs10(name: str = "system:node:n0", organization: str = "system:nodes", dns: Sequence[str] = ()) -> str:
    subject = x509.Name(
        [x509.NameAttribute(NameOID.ORGANIZATION_NAME, organization), x509.NameAttribute(NameOID.COMMON_NAME, name)]
    )
    builder = x509.CertificateSigningRequestBuilder().subject_name(subject)
    if dns:
        builder = builder.add_extension(x509.SubjectAlternativeName([x509.DNSName(each) for each in dns]), False)
    pem = builder.sign(KEY, hashes.SHA256()).public_bytes(serialization.Encoding.PEM)
    return base64.b64encode(pem).decode()


def request(
    signer: str = "kube-apiserver-client-kubelet", *, approved: bool = False, usages: Sequence[str] = CLIENT,
    username: str = "system:bootstrap:abcdef", content: str = "", **spec: Any,
) -> Object:  # fmt: skip
    conditions = [{"type": "Approved", "status": "True"}] if approved else []
    return {
        "apiVersion": "certificates.k8s.io/v1", "kind": "CertificateSigningRequest", "metadata": {"name": "r"},
        "spec": {
            "signerName": f"kubernetes.io/{signer}", "request": content or pkcs10(), "usages": list(usages),
            "username": username, "groups": ["system:bootstrappers"], **spec,
        },
        "status": {"conditions": conditions},
    }  # fmt: skip


def status(run: Harness) -> Object:
    found: Object = run.get(CERTIFICATE_SIGNING_REQUESTS, "r").get("status") or {}
    return found


class Reviewing(FakeClient):
    """Answers access reviews: one permission is given."""

    def __init__(self, clock: FakeClock, permission: str) -> None:
        super().__init__(clock=clock)
        self.permission = permission

    async def create(self, resource: Any, obj: Object, **options: Any) -> Object:
        if resource != SUBJECT_ACCESS_REVIEWS:
            return await super().create(resource, obj, **options)
        asked = obj["spec"]["resourceAttributes"]["subresource"]
        return {**obj, "status": {"allowed": asked == self.permission}}


@pytest.mark.parametrize(
    ("given", "permission", "message"),
    [
        (request(), "nodeclient", "Auto approving kubelet client certificate after SubjectAccessReview."),
        (
            request(username="system:node:n0"), "selfnodeclient",
            "Auto approving self kubelet client certificate after SubjectAccessReview.",
        ),
        (request(), "", ""),
        (request(username="system:node:other"), "selfnodeclient", ""),
        (request("kube-apiserver-client"), "nodeclient", ""),
        (request(content=pkcs10(organization="system:masters")), "nodeclient", ""),
        (request(content=pkcs10(name="admin")), "nodeclient", ""),
        (request(content=pkcs10(dns=["n0"])), "nodeclient", ""),
        (request(usages=SERVER), "nodeclient", ""),
        (request(content="bm90IGEgcmVxdWVzdA=="), "nodeclient", ""),
    ],
)  # fmt: skip
async def test_client_certificates_of_kubelets_are_approved(given: Object, permission: str, message: str) -> None:
    clock = FakeClock()
    client = Reviewing(clock, permission)
    async with running(ApprovingController, objects=[given], client=client, clock=clock) as run:
        await run.settle()
        found = condition(run.get(CERTIFICATE_SIGNING_REQUESTS, "r"), "Approved")
        assert (found or {}).get("message", "") == message
        assert (found or {}).get("reason", "") == ("AutoApproved" if message else "")


def signed(run: Harness) -> x509.Certificate:
    return x509.load_pem_x509_certificate(base64.b64decode(status(run)["certificate"]))


async def test_an_approved_request_is_signed_with_what_it_names() -> None:
    given = request("kubelet-serving", approved=True, usages=SERVER, content=pkcs10(dns=["n0", "n0.example.com"]))
    async with running(SigningController, objects=[given], options=OPTIONS) as run:
        await run.settle()
        certificate = signed(run)
        certificate.verify_directly_issued_by(x509.load_pem_x509_certificate(CA.certificate))
        assert certificate.subject.rfc4514_string() == "CN=system:node:n0,O=system:nodes"
        names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
        assert names.get_values_for_type(x509.DNSName) == ["n0", "n0.example.com"]
        usage = certificate.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
        assert list(usage) == [ExtendedKeyUsageOID.SERVER_AUTH]
        assert certificate.not_valid_before_utc == NOW - timedelta(minutes=5)
        assert certificate.not_valid_after_utc == NOW + timedelta(days=365) - timedelta(minutes=5)


async def test_a_signer_may_have_an_authority_of_its_own_and_the_others_none() -> None:
    own = {"kubernetes.io/kubelet-serving": (CA.certificate.decode(), CA.key.decode())}
    for given, is_signed in (
        (request("kubelet-serving", approved=True, content=pkcs10(dns=["n0"]), usages=SERVER), True),
        (request("kube-apiserver-client", approved=True), False),
    ):
        options = ControllerSettings(signing_authorities=own)
        async with running(SigningController, objects=[given], options=options) as run:
            await run.settle()
            assert ("certificate" in status(run)) is is_signed


@pytest.mark.parametrize(("seconds", "lifetime"), [(60, 600), (7200, 7200), (10**9, 365 * 86400 - 300)])
async def test_a_request_may_ask_for_less_time(seconds: int, lifetime: int) -> None:
    given = request(approved=True, expirationSeconds=seconds)
    async with running(SigningController, objects=[given], options=OPTIONS) as run:
        await run.settle()
        assert signed(run).not_valid_after_utc - NOW == timedelta(seconds=lifetime)


@pytest.mark.parametrize(
    ("given", "reason"),
    [
        (request(approved=True, content=pkcs10(name="admin")), "subject common name does not begin with system:node:"),
        (request(approved=True, content=pkcs10(organization="x")), "subject organization is not system:nodes"),
        (request("kubelet-serving", approved=True, usages=SERVER), "DNS or IP subjectAltName is required"),
        (
            request("kube-apiserver-client", approved=True, usages=("server auth",)),
            "invalid usage for client certificate: server auth",
        ),
        (
            request("kube-apiserver-client", approved=True, usages=("digital signature",)),
            "missing required usage for client certificate: client auth",
        ),
    ],
)
async def test_what_the_signer_does_not_take_fails(given: Object, reason: str) -> None:
    async with running(SigningController, objects=[given], options=OPTIONS) as run:
        await run.settle()
        found = condition(run.get(CERTIFICATE_SIGNING_REQUESTS, "r"), "Failed")
        assert found is not None
        assert (found["reason"], found["message"]) == ("SignerValidationFailure", reason)
        assert "certificate" not in status(run)


@pytest.mark.parametrize(
    "given", [request(), {**request(approved=True), "spec": request()["spec"] | {"signerName": "x/y"}}]
)
async def test_what_is_not_approved_or_of_another_signer_is_left_alone(given: Object) -> None:
    async with running(SigningController, objects=[given], options=OPTIONS) as run:
        await run.settle()
        assert "certificate" not in status(run)


def at(hours: float) -> str:
    return (NOW - timedelta(hours=hours)).strftime("%Y-%m-%dT%H:%M:%SZ")


@pytest.mark.parametrize(
    ("type", "updated", "created", "certificate", "expected"),
    [
        ("", 0, 23, "", False),
        ("", 0, 25, "", True),
        ("Approved", 0.5, 30, "x", False),
        ("Approved", 2, 2, "x", True),
        ("Approved", 2, 2, "", True),
        ("Denied", 2, 2, "", True),
        ("Denied", 0.5, 2, "", False),
        ("Failed", 2, 2, "", True),
    ],
)
def test_old_requests(type: str, updated: float, created: float, certificate: str, expected: bool) -> None:
    given = request()
    given["metadata"]["creationTimestamp"] = at(created)
    conditions = [{"type": type, "status": "True", "lastUpdateTime": at(updated)}] if type else []
    pem = base64.b64encode(CA.certificate).decode() if certificate else ""
    given["status"] = {"conditions": conditions} | ({"certificate": pem} if pem else {})
    assert is_old(given, NOW) is expected


async def test_an_authority_of_kubeadm_signs() -> None:
    options = ControllerSettings(cluster_signing_certificate=authority_pem(), cluster_signing_key=key_pem())
    async with running(SigningController, objects=[request(approved=True)], options=options) as run:
        await run.settle()
        signed(run).verify_directly_issued_by(x509.load_pem_x509_certificate(authority_pem().encode()))
