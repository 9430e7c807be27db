"""Pull an image from its registry into the store. Blocks."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

from cloudk8s.machinery import codec
from cloudk8s.node.runtimes.host.images import manifests
from cloudk8s.node.runtimes.host.images.reference import Reference
from cloudk8s.node.runtimes.host.images.store import ImageStore, Layer, StoredImage
from cloudk8s.node.runtimes.interface import Credentials, ImagePullFailed

if TYPE_CHECKING:
    from cloudk8s.node.runtimes.host.images.registry import Registry


def pull(store: ImageStore, reference: Reference, credentials: Credentials | None, *, scratch: Path) -> StoredImage:
    """Fetch what the store does not have of an image and return it; `scratch` holds blobs while they are unpacked."""
    from cloudk8s.node.runtimes.host.images.registry import Registry  # an HTTP client that many nodes never need

    registry = Registry(reference, credentials)
    content = registry.manifest(reference.digest or reference.tag)
    digest = manifests.digest_of(content)
    document = codec.decode(content)
    if manifests.is_index(document):
        document = codec.decode(registry.manifest(manifests.choose(document)["digest"]))
    if "config" not in document or "layers" not in document:
        raise ImagePullFailed(f"{reference}: the manifest is of a form that is not known")
    config = registry.blob(document["config"]["digest"])
    diff_ids = (codec.decode(config).get("rootfs") or {}).get("diff_ids") or []
    if len(diff_ids) != len(document["layers"]):
        raise ImagePullFailed(f"{reference}: configuration and manifest do not agree about layers")
    scratch.mkdir(parents=True, exist_ok=True)
    layers = [
        Layer(diff_id, _opener(registry, layer["digest"], scratch))
        for diff_id, layer in zip(diff_ids, document["layers"], strict=True)
    ]
    tags = () if reference.digest else (str(reference),)
    return store.add(config, layers, tags=tags, digests=(f"{reference.repository}@{digest}",))


def _opener(registry: Registry, digest: str, scratch: Path) -> Callable[[], BinaryIO]:
    def open_blob() -> BinaryIO:
        with tempfile.NamedTemporaryFile(dir=scratch, delete=False) as file:
            path = Path(file.name)
        try:
            registry.download(digest, path)
            return path.open("rb")
        finally:
            path.unlink()

    return open_blob
