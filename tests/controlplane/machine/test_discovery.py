"""A worker believes only the cluster that made it."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from cloudk8s.apiserver.pki.profile import AUTHORITIES
from cloudk8s.controllers.bootstrap_signer import PREFIX, detached_signature
from cloudk8s.controllers.bootstrap_tokens import BootstrapToken
from cloudk8s.controlplane.machine.discovery import Distrusted, check_pin, cluster_info, trusted
from cloudk8s.controlplane.machine.seed import Seed

TOKEN = BootstrapToken("abcdef", "0123456789abcdef")
NOW = datetime(2026, 1, 1, tzinfo=UTC)


def signed(token: BootstrapToken) -> dict[str, str]:
    data = dict(cluster_info("https://x:6443", b"authority")["data"])
    return data | {f"{PREFIX}{TOKEN.id}": detached_signature(data["kubeconfig"], token)}


def test_information_signed_with_the_token_is_believed() -> None:
    assert "https://x:6443" in trusted(signed(TOKEN), TOKEN)


def test_unsigned_information_is_waited_for() -> None:
    with pytest.raises(Distrusted, match="not signed"):
        trusted(dict(cluster_info("https://x:6443", b"authority")["data"]), TOKEN)


def test_information_signed_by_others_is_not_believed() -> None:
    with pytest.raises(Distrusted, match="another token"):
        trusted(signed(BootstrapToken("abcdef", "fedcba9876543210")), TOKEN)


def test_another_authority_is_not_the_pinned_one() -> None:
    other = Seed.new().authority(AUTHORITIES[0])
    with pytest.raises(Distrusted, match="pinned"):
        check_pin(other.certificate, Seed.new().pin())
