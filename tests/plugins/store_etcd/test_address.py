"""`etcd://` URLs."""

from __future__ import annotations

from pathlib import Path

import pytest

from cloudk8s.errors import SettingsError
from cloudk8s_store_etcd.address import Address


@pytest.mark.parametrize(
    ("url", "address"),
    [
        ("etcd://10.0.0.1:2379", Address(("10.0.0.1:2379",))),
        ("etcd://10.0.0.1", Address(("10.0.0.1:2379",))),
        ("etcd://[::1]:4001,[::2]", Address(("[::1]:4001", "[::2]:2379"))),
        ("etcd://a:1,b:2,c:3/prod/", Address(("a:1", "b:2", "c:3"), "/prod")),
        ("etcd://a:1/", Address(("a:1",))),
        (
            "etcd://a:1/x?ca=/ca.pem&cert=/c.pem&key=/k.pem",
            Address(("a:1",), "/x", Path("/ca.pem"), Path("/c.pem"), Path("/k.pem")),
        ),
    ],
)
def test_urls_are_read(url: str, address: Address) -> None:
    assert Address.parse(url) == address


@pytest.mark.parametrize(
    "url", ["etcd://", "etcd:///root", "etcd://a?cert=/c", "etcd://a?ca=/x&cert=/c", "etcd://a?x=1"]
)
def test_a_wrong_url_says_the_right_form(url: str) -> None:
    with pytest.raises(SettingsError, match="etcd://host:port"):
        Address.parse(url)
