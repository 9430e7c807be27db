from __future__ import annotations

from pathlib import Path

import pytest

from cloudk8s.cli.signing_files import FLAGS, SigningFiles, authorities
from cloudk8s.errors import SettingsError


def test_flags_are_upstreams() -> None:
    assert FLAGS["kubelet_serving_cert"] == "cluster-signing-kubelet-serving-cert-file"
    assert FLAGS["kube_apiserver_client_key"] == "cluster-signing-kube-apiserver-client-key-file"


def test_files_are_read_by_signer(tmp_path: Path) -> None:
    (tmp_path / "crt").write_text("C")
    (tmp_path / "key").write_text("K")
    files = SigningFiles(kubelet_client_cert=tmp_path / "crt", kubelet_client_key=tmp_path / "key")
    assert authorities(files) == {"kubernetes.io/kube-apiserver-client-kubelet": ("C", "K")}
    assert authorities(SigningFiles()) == {}


def test_half_an_authority_is_a_mistake(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="--cluster-signing-legacy-unknown-key-file is missing"):
        authorities(SigningFiles(legacy_unknown_cert=tmp_path / "crt"))
