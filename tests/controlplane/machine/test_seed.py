"""Secrets out of a seed: always the same, and good for what they are for."""

from __future__ import annotations

import hashlib
import re
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from cloudk8s.apiserver.pki import ensure
from cloudk8s.apiserver.pki.profile import AUTHORITIES
from cloudk8s.controlplane.machine.discovery import check_pin
from cloudk8s.controlplane.machine.seed import Seed, machine_token

NOW = datetime(2026, 1, 1, tzinfo=UTC)
SEED = Seed(bytes(range(32)))


def test_two_machines_have_the_same_authority() -> None:
    first, second = SEED.authority(AUTHORITIES[0]), Seed(SEED.value).authority(AUTHORITIES[0])
    assert first == second
    check_pin(second.certificate, SEED.pin())


def test_seeds_differ() -> None:
    assert Seed.new().pin() != Seed.new().pin()
    assert SEED.secret("a") != SEED.secret("b")


def test_an_administrator_is_signed_by_the_authority_of_any_machine() -> None:
    access = SEED.administrator("demo", "https://x:6443", NOW, timedelta(hours=1))
    authority = x509.load_pem_x509_certificate(SEED.authority(AUTHORITIES[0]).certificate)
    x509.load_pem_x509_certificate(access.client_certificate).verify_directly_issued_by(authority)


def test_an_api_server_uses_what_was_written(tmp_path: Path) -> None:
    SEED.write(tmp_path / "pki")
    made = ensure(tmp_path)
    check_pin(made.ca.certificate.read_bytes(), SEED.pin())
    serving = x509.load_pem_x509_certificate(made.serving.certificate.read_bytes())
    serving.verify_directly_issued_by(x509.load_pem_x509_certificate(made.ca.certificate.read_bytes()))


def test_tokens_have_upstreams_form_and_are_each_machines_own() -> None:
    secret = SEED.secret("join")
    tokens = {machine_token(secret, f"demo-workers-{number}") for number in range(200)}
    assert len({token[:6] for token in tokens}) == 200
    assert all(re.fullmatch(r"[a-z0-9]{6}\.[a-z0-9]{16}", token) for token in tokens)


def test_a_seed_never_shows_itself() -> None:
    assert SEED.value.hex() not in repr(SEED)


def test_an_rsa_key_is_always_the_same_too() -> None:
    first = SEED.rsa_service_account_key()
    key = load_pem_private_key(first, None)
    assert isinstance(key, RSAPrivateKey)
    assert key.key_size == 2048
    assert hashlib.sha256(first).hexdigest().startswith("7a4b2de84c01780f")
    assert Seed(bytes(32)).rsa_service_account_key() != first
