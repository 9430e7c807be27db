"""The node's own certificate: made in a process of its own, and kept."""

from __future__ import annotations

import ssl
from pathlib import Path

from cryptography import x509

from cloudk8s.node.server import serving


def names_of(certificate: Path) -> x509.SubjectAlternativeName:
    found = x509.load_pem_x509_certificate(certificate.read_bytes())
    return found.extensions.get_extension_for_class(x509.SubjectAlternativeName).value


def test_a_node_without_certificate_makes_one(tmp_path: Path) -> None:
    certificate, key = serving.self_signed(tmp_path / "pki", "n1", ["127.0.0.1", "::1"])
    names = names_of(certificate)
    assert names.get_values_for_type(x509.DNSName) == ["n1"]
    assert [str(ip) for ip in names.get_values_for_type(x509.IPAddress)] == ["127.0.0.1", "::1"]
    assert key.stat().st_mode & 0o777 == 0o600
    ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(certificate, key)


def test_it_is_kept_while_it_names_the_node(tmp_path: Path) -> None:
    first = serving.self_signed(tmp_path, "n1", ["127.0.0.1"])[0].read_bytes()
    assert serving.self_signed(tmp_path, "n1", ["127.0.0.1"])[0].read_bytes() == first
    moved, _ = serving.self_signed(tmp_path, "n1", ["127.0.0.2"])
    assert [str(ip) for ip in names_of(moved).get_values_for_type(x509.IPAddress)] == ["127.0.0.2"]
