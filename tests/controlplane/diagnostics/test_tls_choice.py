from __future__ import annotations

import ssl

import pytest

from cloudk8s.controlplane.diagnostics.tls_choice import choose
from cloudk8s.errors import SettingsError


def chosen(minimum: str = "", *suites: str) -> tuple[ssl.TLSVersion, set[str]]:
    """The oldest version, and the suites of TLS 1.2."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    choose(context, minimum, suites)
    found = {each["name"] for each in context.get_ciphers() if each["protocol"] != "TLSv1.3"}
    return context.minimum_version, found


def test_go_s_names_are_understood() -> None:
    suites = (
        "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256", "TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384",
        "TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305", "TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256",
        "TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA", "TLS_RSA_WITH_AES_256_GCM_SHA384",
    )  # fmt: skip
    version, found = chosen("VersionTLS12", *suites)
    assert version == ssl.TLSVersion.TLSv1_2
    assert found == {
        "ECDHE-RSA-AES128-GCM-SHA256", "ECDHE-ECDSA-AES256-GCM-SHA384", "ECDHE-RSA-CHACHA20-POLY1305",
        "ECDHE-ECDSA-CHACHA20-POLY1305", "ECDHE-RSA-AES128-SHA", "AES256-GCM-SHA384",
    }  # fmt: skip


def test_older_versions_than_1_2_are_never_spoken() -> None:
    assert chosen("VersionTLS10")[0] == ssl.TLSVersion.TLSv1_2
    assert chosen("VersionTLS13")[0] == ssl.TLSVersion.TLSv1_3


def test_with_suites_of_1_3_alone_nothing_older_is_spoken() -> None:
    assert chosen("", "TLS_AES_128_GCM_SHA256")[0] == ssl.TLSVersion.TLSv1_3


@pytest.mark.parametrize(
    ("minimum", "suite", "flag"),
    [
        ("TLS12", "", "--tls-min-version"),
        ("", "ECDHE-RSA-AES128-GCM-SHA256", "--tls-cipher-suites"),
        ("", "TLS_ECDHE_RSA_WITH_RC4_128_SHA", "--tls-cipher-suites"),
    ],
)
def test_a_mistake_names_its_flag(minimum: str, suite: str, flag: str) -> None:
    with pytest.raises(SettingsError, match=flag):
        chosen(minimum, *([suite] if suite else []))
