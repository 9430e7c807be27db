"""Authorities of single signers, as upstream's flags name their files."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Final

from pydantic import BaseModel, ConfigDict

from cloudk8s.errors import SettingsError


class SigningFiles(BaseModel):
    """A certificate and a key for each signer that does not sign with the cluster's."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    kube_apiserver_client_cert: Path | None = None
    """Authority that requests of kubernetes.io/kube-apiserver-client are signed with, instead of the cluster's."""
    kube_apiserver_client_key: Path | None = None
    """Key of that authority."""
    kubelet_client_cert: Path | None = None
    """The same for kubernetes.io/kube-apiserver-client-kubelet."""
    kubelet_client_key: Path | None = None
    """Key of that authority."""
    kubelet_serving_cert: Path | None = None
    """The same for kubernetes.io/kubelet-serving."""
    kubelet_serving_key: Path | None = None
    """Key of that authority."""
    legacy_unknown_cert: Path | None = None
    """The same for kubernetes.io/legacy-unknown."""
    legacy_unknown_key: Path | None = None
    """Key of that authority."""


FLAGS: Final = {field: f"cluster-signing-{field.replace('_', '-')}-file" for field in SigningFiles.model_fields}
"""Field: name of its flag."""

_SIGNERS: Final = {
    "kube_apiserver_client": "kubernetes.io/kube-apiserver-client",
    "kubelet_client": "kubernetes.io/kube-apiserver-client-kubelet",
    "kubelet_serving": "kubernetes.io/kubelet-serving",
    "legacy_unknown": "kubernetes.io/legacy-unknown",
}


def authorities(files: SigningFiles) -> Mapping[str, tuple[str, str]]:
    """What the files hold, by signer. Raises SettingsError where one of two is missing."""
    found: dict[str, tuple[str, str]] = {}
    for field, signer in _SIGNERS.items():
        certificate, key = getattr(files, f"{field}_cert"), getattr(files, f"{field}_key")
        if (certificate is None) != (key is None):
            missing = FLAGS[f"{field}_{'cert' if certificate is None else 'key'}"]
            raise SettingsError(f"an authority needs a certificate and a key: --{missing} is missing")
        if certificate is not None:
            found[signer] = (certificate.read_text(), key.read_text())
    return found
