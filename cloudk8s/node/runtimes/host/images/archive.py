"""Read images from archives: `docker save`, OCI layouts as directories or tars, compressed or not. Blocks."""

from __future__ import annotations

import io
import tarfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO, Protocol, cast

from cloudk8s.errors import UserError
from cloudk8s.machinery import codec
from cloudk8s.node.runtimes.host.images import manifests, reference
from cloudk8s.node.runtimes.host.images.store import ImageStore, Layer, StoredImage

_NAME_ANNOTATIONS = ("io.containerd.image.name", "org.opencontainers.image.ref.name")


class Files(Protocol):
    """The files of an archive or a directory."""

    def has(self, path: str) -> bool:
        """Whether there is such a file."""

    def open(self, path: str) -> BinaryIO:
        """Its content."""


def load(store: ImageStore, path: Path) -> list[StoredImage]:
    """Add all images of an archive or layout; UserError where there is none."""
    with _files(path) as files:
        if files.has("index.json"):
            return _load_layout(store, files)
        if files.has("manifest.json"):
            return _load_docker(store, files)
    raise UserError(f"{path}: neither an OCI layout (index.json) nor a docker archive (manifest.json)")


def _load_docker(store: ImageStore, files: Files) -> list[StoredImage]:
    images = []
    for entry in _json(files, "manifest.json"):
        config = _bytes(files, entry["Config"])
        diff_ids = (codec.decode(config).get("rootfs") or {}).get("diff_ids") or []
        layers = [Layer(diff_id, _opener(files, name)) for diff_id, name in zip(diff_ids, entry["Layers"], strict=True)]
        tags = [str(reference.parse(tag)) for tag in entry.get("RepoTags") or ()]
        images.append(store.add(config, layers, tags=tags))
    return images


def _load_layout(store: ImageStore, files: Files) -> list[StoredImage]:
    images = []
    for descriptor in _json(files, "index.json")["manifests"]:
        content = manifests.verify(_bytes(files, _blob(descriptor["digest"])), descriptor["digest"])
        document = codec.decode(content)
        if manifests.is_index(document):
            chosen = manifests.choose(document)["digest"]
            document = codec.decode(manifests.verify(_bytes(files, _blob(chosen)), chosen))
        config_digest = document["config"]["digest"]
        config = manifests.verify(_bytes(files, _blob(config_digest)), config_digest)
        diff_ids = (codec.decode(config).get("rootfs") or {}).get("diff_ids") or []
        layers = [
            Layer(diff_id, _opener(files, _blob(layer["digest"])))
            for diff_id, layer in zip(diff_ids, document["layers"], strict=True)
        ]
        tags, digests = _names(descriptor)
        images.append(store.add(config, layers, tags=tags, digests=digests))
    return images


def _names(descriptor: dict[str, Any]) -> tuple[list[str], list[str]]:
    """Tags, and the digest under the repository they name."""
    annotations = descriptor.get("annotations") or {}
    name = next((annotations[key] for key in _NAME_ANNOTATIONS if annotations.get(key)), "")
    if not name:
        return [], []
    parsed = reference.parse(name)
    return [str(parsed)], [f"{parsed.repository}@{descriptor['digest']}"]


def _blob(digest: str) -> str:
    algorithm, _, name = digest.partition(":")
    return f"blobs/{algorithm}/{name}"


def _json(files: Files, path: str) -> Any:
    return codec.decode(_bytes(files, path))


def _bytes(files: Files, path: str) -> bytes:
    with files.open(path) as file:
        return file.read()


def _opener(files: Files, path: str) -> Callable[[], BinaryIO]:
    return lambda: files.open(path)


@contextmanager
def _files(path: Path) -> Iterator[Files]:
    if path.is_dir():
        yield _Directory(path)
        return
    try:
        with tarfile.open(path) as archive:
            yield _Archive(archive)
    except tarfile.ReadError as error:
        raise UserError(f"{path}: not a tar archive: {error}") from error


class _Directory:
    def __init__(self, root: Path) -> None:
        self._root = root

    def has(self, path: str) -> bool:
        return (self._root / path).is_file()

    def open(self, path: str) -> BinaryIO:
        return (self._root / path).open("rb")


class _Archive:
    def __init__(self, archive: tarfile.TarFile) -> None:
        self._archive = archive
        self._members = {member.name.removeprefix("./"): member for member in archive}

    def has(self, path: str) -> bool:
        return path in self._members

    def open(self, path: str) -> BinaryIO:
        member = self._members.get(path)
        if member is None:
            raise UserError(f"the archive lacks {path}")
        file = self._archive.extractfile(member)
        return cast(BinaryIO, file) if file is not None else io.BytesIO()
