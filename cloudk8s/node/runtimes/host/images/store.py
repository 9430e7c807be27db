"""The images of this host on disk. Blocks; several processes may use one store.

layers/NAME/     unpacked layers, named by their content
images/ID.json   an image: its configuration, layers, tags and repository digests
"""

from __future__ import annotations

import hashlib
import shutil
import tempfile
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, BinaryIO

import msgspec

from cloudk8s.kernel.files import locked, write_whole
from cloudk8s.machinery import codec
from cloudk8s.node.runtimes.host.images.image import ImageConfig, ImageRoot
from cloudk8s.node.runtimes.host.images.reference import Reference
from cloudk8s.node.runtimes.host.images.unpack import unpack
from cloudk8s.node.runtimes.interface import Image, ImagePullFailed
from cloudk8s.node.users import may_give_away

_NAME_LENGTH = 24
_FORM = "form"


@dataclass(frozen=True, slots=True)
class StoredImage:
    """What is kept of an image besides its layers."""

    id: str
    config: dict[str, Any]
    layers: tuple[str, ...]
    size: int
    tags: tuple[str, ...] = ()
    digests: tuple[str, ...] = ()

    def as_image(self) -> Image:
        """What the runtime's callers see."""
        user = str((self.config.get("config") or {}).get("User") or "")
        return Image(self.id, self.tags, self.digests, self.size, user)


@dataclass(frozen=True, slots=True)
class Layer:
    """A layer to be added; `open` gives its blob, which is only asked for if the layer is not here."""

    diff_id: str
    open: Callable[[], BinaryIO]


def open_store(directory: Path) -> ImageStore:
    """The store that a runtime keeps in a directory, in the form that this runtime uses."""
    form = directory / _FORM
    is_overlay = form.read_text() == "overlay" if form.exists() else may_give_away()
    return ImageStore(directory, is_overlay=is_overlay)


class ImageStore:
    """One directory. `is_overlay` says whether layers are stacked when a container starts, or one over another here."""

    def __init__(self, directory: Path, *, is_overlay: bool) -> None:
        self._directory, self._is_overlay = directory, is_overlay
        self._known: dict[str, StoredImage] = {}
        self._read_at = 0

    def write_form(self) -> None:
        """Tell `open_store` in which form layers are kept here."""
        self._directory.mkdir(parents=True, exist_ok=True, mode=0o711)
        (self._directory / _FORM).write_text("overlay" if self._is_overlay else "flat")

    def all(self) -> list[StoredImage]:
        """All images."""
        self._refresh()
        return list(self._known.values())

    def find(self, reference: Reference | str) -> StoredImage | None:
        """An image by reference or id."""
        for image in self.all():
            if isinstance(reference, str):
                if image.id == reference:
                    return image
            elif reference.digest:
                if f"{reference.repository}@{reference.digest}" in image.digests or image.id == reference.digest:
                    return image
            elif str(reference) in image.tags:
                return image
        return None

    def root(self, image: StoredImage) -> ImageRoot:
        """What a container runs in."""
        return ImageRoot(image.id, _config(image.config), tuple(self._layer(name) for name in image.layers))

    def add(
        self, config: bytes, layers: Sequence[Layer], *, tags: Sequence[str] = (), digests: Sequence[str] = ()
    ) -> StoredImage:  # fmt: skip
        """Unpack what is missing and write the image down; its tags leave other images."""
        document = codec.decode(config)
        wanted = tuple((document.get("rootfs") or {}).get("diff_ids") or ())
        if wanted != tuple(layer.diff_id for layer in layers):
            raise ImagePullFailed("the image's configuration names other layers than its manifest")
        image_id = f"sha256:{hashlib.sha256(config).hexdigest()}"
        names = self._unpack_missing(layers)
        size = sum(self._size(name) for name in names) + len(config)
        with locked(self._lock_file()):
            before = self.find(image_id)
            known = before or StoredImage(image_id, document, names, size)
            merged = replace(known, tags=_union(known.tags, tags), digests=_union(known.digests, digests))
            for other in self.all():
                if other.id != image_id and set(other.tags) & set(tags):
                    self._save(replace(other, tags=tuple(tag for tag in other.tags if tag not in tags)))
            self._save(merged)
        return merged

    def remove(self, image: StoredImage, *, in_use: Collection[str]) -> None:
        """Forget an image, and the layers that no other image and no container (`in_use`: image ids) needs."""
        with locked(self._lock_file()):
            (self._directory / "images" / f"{image.id.partition(':')[2]}.json").unlink(missing_ok=True)
            self._read_at = 0
            needed = {name for other in self.all() for name in other.layers}
            if image.id in in_use:
                return
            for name in set(image.layers) - needed:
                shutil.rmtree(self._layer(name), ignore_errors=True)

    def used_bytes(self) -> int:
        """How much room the layers take."""
        return sum(self._size(name) for name in {name for image in self.all() for name in image.layers})

    def _unpack_missing(self, layers: Sequence[Layer]) -> tuple[str, ...]:
        if not self._is_overlay:
            return (self._unpack_flat(layers),)
        names = []
        for layer in layers:
            name = layer.diff_id.partition(":")[2][:_NAME_LENGTH]
            if not self._layer(name).exists():
                with self._fresh(name) as directory:
                    size = self._unpack_one(layer, directory)
                    self._size_file(name).write_text(str(size))
            names.append(name)
        return tuple(names)

    def _unpack_flat(self, layers: Sequence[Layer]) -> str:
        chain = hashlib.sha256(" ".join(layer.diff_id for layer in layers).encode()).hexdigest()[:_NAME_LENGTH]
        if not self._layer(chain).exists():
            with self._fresh(chain) as directory:
                size = sum(self._unpack_one(layer, directory) for layer in layers)
                self._size_file(chain).write_text(str(size))
        return chain

    def _unpack_one(self, layer: Layer, directory: Path) -> int:
        with layer.open() as blob:
            return unpack(blob, directory, diff_id=layer.diff_id, is_overlay=self._is_overlay)

    @contextmanager
    def _fresh(self, name: str) -> Iterator[Path]:
        """A directory that becomes the layer only if all goes well."""
        parent = self._directory / "layers"
        parent.mkdir(parents=True, exist_ok=True, mode=0o711)
        directory = Path(tempfile.mkdtemp(prefix=".new-", dir=parent))
        directory.chmod(0o755)
        try:
            yield directory
            if not self._layer(name).exists():
                directory.rename(self._layer(name))
        finally:
            shutil.rmtree(directory, ignore_errors=True)

    def _layer(self, name: str) -> Path:
        return self._directory / "layers" / name

    def _size_file(self, name: str) -> Path:
        return self._directory / "layers" / f"{name}.size"

    def _size(self, name: str) -> int:
        path = self._size_file(name)
        return int(path.read_text()) if path.exists() else 0

    def _save(self, image: StoredImage) -> None:
        directory = self._directory / "images"
        directory.mkdir(parents=True, exist_ok=True, mode=0o711)
        write_whole(directory / f"{image.id.partition(':')[2]}.json", msgspec.json.encode(image))
        self._read_at = 0

    def _refresh(self) -> None:
        """Read the images again where another process, or this one, changed them."""
        directory = self._directory / "images"
        changed = directory.stat().st_mtime_ns if directory.exists() else -1
        if changed != self._read_at or not self._known:
            files = sorted(directory.glob("*.json")) if changed >= 0 else []
            images = [msgspec.json.decode(path.read_bytes(), type=StoredImage) for path in files]
            self._known = {image.id: image for image in images}
            self._read_at = changed

    def _lock_file(self) -> Path:
        self._directory.mkdir(parents=True, exist_ok=True, mode=0o711)
        return self._directory / "lock"


def _config(document: dict[str, Any]) -> ImageConfig:
    config = document.get("config") or {}
    pairs = [entry.partition("=") for entry in config.get("Env") or ()]
    return ImageConfig(
        entrypoint=tuple(config.get("Entrypoint") or ()),
        command=tuple(config.get("Cmd") or ()),
        env=tuple((name, value) for name, _, value in pairs),
        working_dir=config.get("WorkingDir") or "",
        user=config.get("User") or "",
        stop_signal=config.get("StopSignal") or "",
        volumes=tuple(config.get("Volumes") or ()),
    )


def _union(left: Sequence[str], right: Sequence[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys((*left, *right)))
