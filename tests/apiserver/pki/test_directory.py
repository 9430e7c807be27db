from __future__ import annotations

import ssl
import time
from datetime import timedelta
from ipaddress import ip_address
from pathlib import Path

import pytest
from cryptography import x509

from cloudk8s.apiserver.pki import PKI, ensure
from cloudk8s.apiserver.pki.profile import CLIENTS, Profile
from cloudk8s.errors import SettingsError
from cloudk8s.machinery.clock import FakeClock


def contents(pki: PKI) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in pki.directory.iterdir()}


def load(path: Path) -> x509.Certificate:
    return x509.load_pem_x509_certificate(path.read_bytes())


def test_makes_everything_readable_by_the_owner_only(tmp_path: Path) -> None:
    pki = ensure(tmp_path)
    files = contents(pki)
    names = {"ca", "front-proxy-ca", "apiserver", *(profile.file for profile in CLIENTS)}
    assert set(files) == {f"{name}.{end}" for name in names for end in ("crt", "key")} | {
        "sa.key",
        "sa.pub",
        "made.json",
    }
    assert {path.stat().st_mode & 0o777 for path in pki.directory.iterdir()} == {0o600}
    assert pki.directory.stat().st_mode & 0o777 == 0o700


def test_changes_nothing_when_all_is_well_and_is_quick(tmp_path: Path) -> None:
    before = contents(ensure(tmp_path))
    start = time.perf_counter()
    pki = ensure(tmp_path)
    assert time.perf_counter() - start < 0.05
    assert contents(pki) == before


def test_serving_certificate_names_every_way_in(tmp_path: Path) -> None:
    pki = ensure(tmp_path, bind="192.0.2.7", service_cluster_ip_range="10.97.0.0/16,fd00:97::/112")
    names = load(pki.serving.certificate).extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    dns, ips = names.get_values_for_type(x509.DNSName), names.get_values_for_type(x509.IPAddress)
    assert {"localhost", "kubernetes", "kubernetes.default.svc.cluster.local"} <= set(dns)
    assert {ip_address(ip) for ip in ("127.0.0.1", "::1", "192.0.2.7", "10.97.0.1", "fd00:97::1")} == set(ips)


def test_a_new_host_name_makes_a_new_serving_certificate_only(tmp_path: Path) -> None:
    before = contents(ensure(tmp_path))
    after = contents(ensure(tmp_path, extra_hosts=["api.example.com"]))
    assert {name for name in after if after[name] != before[name]} == {"apiserver.crt", "apiserver.key", "made.json"}
    assert contents(ensure(tmp_path)) == after  # names that are no longer asked for do no harm


def test_client_certificates_carry_user_and_groups(tmp_path: Path) -> None:
    pki = ensure(tmp_path)
    subject = load(pki.admin.certificate).subject.rfc4514_string()
    assert subject == "CN=kubernetes-admin,O=system:masters"
    assert load(pki.pair("scheduler").certificate).subject.rfc4514_string() == "CN=system:kube-scheduler"


def test_strict_verifiers_accept_the_chain(tmp_path: Path) -> None:
    pki = ensure(tmp_path)
    client = ssl.create_default_context(cafile=pki.ca.certificate)
    client.verify_flags |= ssl.VERIFY_X509_STRICT
    client.load_cert_chain(pki.admin.certificate, pki.admin.key)
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server.load_cert_chain(pki.serving.certificate, pki.serving.key)
    server.verify_mode = ssl.CERT_REQUIRED
    server.verify_flags |= ssl.VERIFY_X509_STRICT
    server.load_verify_locations(pki.ca.certificate)
    a, b = ssl.MemoryBIO(), ssl.MemoryBIO()
    ends = [client.wrap_bio(a, b, server_hostname="localhost"), server.wrap_bio(b, a, server_side=True)]
    for end in ends * 3:
        try:
            end.do_handshake()
        except ssl.SSLWantReadError:
            continue
    assert ends[1].getpeercert(binary_form=True)


def test_renews_what_is_about_to_expire(tmp_path: Path) -> None:
    clock = FakeClock()
    before = contents(ensure(tmp_path, clock=clock))
    clock._elapsed += timedelta(days=300).total_seconds()
    assert contents(ensure(tmp_path, clock=clock)) == before
    clock._elapsed += timedelta(days=10).total_seconds()
    pki = ensure(tmp_path, clock=clock)
    after = contents(pki)
    assert {name for name in after if after[name] == before[name]} >= {"ca.crt", "ca.key", "sa.key", "sa.pub"}
    assert after["admin.crt"] != before["admin.crt"]
    assert load(pki.admin.certificate).not_valid_after_utc > clock.now() + timedelta(days=300)


def test_a_foreign_authority_signs_everything_anew(tmp_path: Path) -> None:
    other = ensure(tmp_path / "other")
    pki = ensure(tmp_path / "ours")
    for suffix in ("crt", "key"):
        (pki.directory / f"ca.{suffix}").write_bytes((other.directory / f"ca.{suffix}").read_bytes())
    pki = ensure(tmp_path / "ours")
    assert pki.ca.certificate.read_bytes() == other.ca.certificate.read_bytes()
    load(pki.serving.certificate).verify_directly_issued_by(load(other.ca.certificate))


def test_a_foreign_certificate_is_left_alone(tmp_path: Path) -> None:
    other = ensure(tmp_path / "other")
    pki = ensure(tmp_path / "ours")
    for suffix in ("crt", "key"):
        (pki.directory / f"apiserver.{suffix}").write_bytes((other.directory / f"apiserver.{suffix}").read_bytes())
    ensure(tmp_path / "ours")
    assert pki.serving.certificate.read_bytes() == other.serving.certificate.read_bytes()


def test_a_certificate_without_its_key_is_a_clear_error(tmp_path: Path) -> None:
    directory = tmp_path / "pki"
    directory.mkdir()
    directory.joinpath("ca.crt").write_bytes(ensure(tmp_path / "other").ca.certificate.read_bytes())
    with pytest.raises(SettingsError, match=r"ca\.crt has no key"):
        ensure(tmp_path)


def test_a_lost_certificate_is_made_anew(tmp_path: Path) -> None:
    pki = ensure(tmp_path)
    before = contents(pki)
    pki.admin.certificate.unlink()
    pki.serving.key.unlink()
    after = contents(ensure(tmp_path))
    changed = {name for name in after if after[name] != before.get(name)}
    assert changed == {"admin.crt", "admin.key", "apiserver.crt", "apiserver.key", "made.json"}


def test_issues_further_certificates(tmp_path: Path) -> None:
    pki = ensure(tmp_path)
    profile = Profile("kubelet-n1", "system:node:n1", ("system:nodes",))
    pair = pki.issue(profile)
    first = pair.certificate.read_bytes()
    assert load(pair.certificate).subject.rfc4514_string() == "CN=system:node:n1,O=system:nodes"
    assert pki.issue(profile).certificate.read_bytes() == first
