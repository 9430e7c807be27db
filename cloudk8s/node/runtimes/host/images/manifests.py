"""Manifests of images and indexes of them: OCI's and Docker's forms. Pure."""

from __future__ import annotations

import hashlib
import platform
from collections.abc import Mapping
from typing import Any

from cloudk8s.node.runtimes.interface import ImagePullFailed

OCI_MANIFEST = "application/vnd.oci.image.manifest.v1+json"
OCI_INDEX = "application/vnd.oci.image.index.v1+json"
DOCKER_MANIFEST = "application/vnd.docker.distribution.manifest.v2+json"
DOCKER_LIST = "application/vnd.docker.distribution.manifest.list.v2+json"
ACCEPTED = (OCI_INDEX, DOCKER_LIST, OCI_MANIFEST, DOCKER_MANIFEST)

_ARCHITECTURES = {"x86_64": ("amd64", ""), "aarch64": ("arm64", "v8"), "armv7l": ("arm", "v7"), "i686": ("386", "")}

Document = Mapping[str, Any]


def digest_of(content: bytes) -> str:
    """The digest that names a content."""
    return f"sha256:{hashlib.sha256(content).hexdigest()}"


def verify(content: bytes, digest: str) -> bytes:
    """The content, if it is what the digest names; ImagePullFailed otherwise."""
    algorithm, _, expected = digest.partition(":")
    if algorithm not in ("sha256", "sha512") or hashlib.new(algorithm, content).hexdigest() != expected:
        raise ImagePullFailed(f"content does not match its digest {digest}")
    return content


def is_index(document: Document) -> bool:
    """Whether a document lists manifests instead of layers."""
    return "manifests" in document and "layers" not in document


def choose(index: Document) -> Document:
    """The descriptor of the manifest for this machine."""
    architecture, variant = _ARCHITECTURES.get(platform.machine(), (platform.machine(), ""))
    fitting = [each for each in index["manifests"] if _fits(each.get("platform"), architecture)]
    exact = [each for each in fitting if (each.get("platform") or {}).get("variant", variant) in (variant, "")]
    if not fitting:
        raise ImagePullFailed(f"no match for platform in manifest: linux/{architecture} is not among them")
    return (exact or fitting)[0]  # type: ignore[no-any-return]


def _fits(wanted: Document | None, architecture: str) -> bool:
    if not wanted:
        return True
    return wanted.get("os") in ("linux", None) and wanted.get("architecture") == architecture
