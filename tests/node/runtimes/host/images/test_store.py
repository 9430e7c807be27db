"""Images from archives and registries, and what the store makes of them."""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import os
import stat
import tarfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from cloudk8s.errors import UserError
from cloudk8s.node.runtimes.host.images import archive, reference
from cloudk8s.node.runtimes.host.images.manifests import OCI_MANIFEST
from cloudk8s.node.runtimes.host.images.pull import pull
from cloudk8s.node.runtimes.host.images.store import ImageStore
from cloudk8s.node.runtimes.interface import Credentials, ImagePullFailed, RegistryUnavailable

from ..archives import digest, docker_archive, layer
from ..registry import Registry, oci_manifest

BASE = layer({"etc": None, "etc/a": b"1", "etc/b": b"2", "gone": None, "gone/x": b"x", "link": ("link", "/etc/a")})
UPPER = layer({"etc/a": b"new", "etc/.wh.b": b"", "gone/.wh..wh..opq": b"", "gone/y": b"y"})


@pytest.fixture(params=[False, pytest.param(True, marks=pytest.mark.root)], ids=["flat", "overlay"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> ImageStore:
    if request.param and os.geteuid() != 0:
        pytest.skip("whiteouts of overlay file systems need root")
    return ImageStore(tmp_path / "store", is_overlay=request.param)


def test_a_docker_archive_is_loaded_with_configuration_and_layers(store: ImageStore, tmp_path: Path) -> None:
    path = docker_archive(tmp_path / "i.tar", [BASE, UPPER], tag="app:1", Cmd=["run"], Env=["A=b=c"], User="web:web")

    (image,) = archive.load(store, path)

    root = store.root(image)
    assert image.tags == ("docker.io/library/app:1",)
    assert (root.config.command, root.config.env, image.as_image().user) == (("run",), (("A", "b=c"),), "web:web")
    assert store.find(reference.parse("app:1")) == image
    assert store.find(image.id) == image
    assert store.find(reference.parse("app:2")) is None
    assert root.layers is not None
    assert (root.layers[-1] / "etc/a").read_text() == "new"


def test_whiteouts_hide_what_lower_layers_have(store: ImageStore, tmp_path: Path) -> None:
    (image,) = archive.load(store, docker_archive(tmp_path / "i.tar", [BASE, UPPER], tag="app:1"))

    layers = store.root(image).layers
    assert layers is not None
    top = layers[-1]
    if len(layers) == 1:
        assert sorted(os.listdir(top / "etc")) == ["a"]
        assert os.listdir(top / "gone") == ["y"]
        assert (top / "link").readlink() == Path("/etc/a")
    else:
        hidden = (top / "etc/b").stat()
        assert stat.S_ISCHR(hidden.st_mode)
        assert hidden.st_rdev == 0
        assert os.getxattr(top / "gone", "trusted.overlay.opaque") == b"y"


def test_layers_are_shared_between_images(tmp_path: Path) -> None:
    store = ImageStore(tmp_path / "store", is_overlay=os.geteuid() == 0)
    (one,) = archive.load(store, docker_archive(tmp_path / "1.tar", [BASE], tag="one"))
    (two,) = archive.load(store, docker_archive(tmp_path / "2.tar", [BASE], tag="two", Cmd=["x"]))

    assert one.layers == two.layers
    store.remove(one, in_use=())
    assert (tmp_path / "store" / "layers" / two.layers[0]).exists()
    store.remove(two, in_use=())
    assert not (tmp_path / "store" / "layers" / two.layers[0]).exists()
    assert ImageStore(tmp_path / "store", is_overlay=True).all() == []


def test_a_tag_moves_to_the_image_that_has_it_now(store: ImageStore, tmp_path: Path) -> None:
    (old,) = archive.load(store, docker_archive(tmp_path / "1.tar", [BASE], tag="app:1"))
    (new,) = archive.load(store, docker_archive(tmp_path / "2.tar", [BASE], tag="app:1", Cmd=["x"]))

    found = store.find(reference.parse("app:1"))
    assert found is not None
    assert found.id == new.id
    before = store.find(old.id)
    assert before is not None
    assert before.tags == ()


@pytest.mark.parametrize("form", ["directory", "tar", "tar.gz"])
def test_an_oci_layout_is_loaded(store: ImageStore, tmp_path: Path, form: str) -> None:
    files = oci_files([BASE], "registry.local/team/app:2")
    if form == "directory":
        for name, content in files.items():
            path = tmp_path / "layout" / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)
        source = tmp_path / "layout"
    else:
        source = tmp_path / "layout.tar"
        content = layer(files)
        source.write_bytes(gzip.compress(content) if form == "tar.gz" else content)

    (image,) = archive.load(store, source)

    assert image.tags == ("registry.local/team/app:2",)
    assert image.digests[0].startswith("registry.local/team/app@sha256:")


def test_content_that_does_not_match_its_digest_is_refused(store: ImageStore, tmp_path: Path) -> None:
    files = oci_files([BASE], "app:1")
    name = next(name for name, content in files.items() if content[:2] == b"\x1f\x8b")
    files[name] = gzip.compress(UPPER)
    path = tmp_path / "bad.tar"
    path.write_bytes(layer(files))

    with pytest.raises(ImagePullFailed, match="has other content"):
        archive.load(store, path)
    assert store.all() == []
    assert not list((tmp_path / "store" / "layers").glob(".new*"))


def test_a_layer_cannot_reach_outside(store: ImageStore, tmp_path: Path) -> None:
    evil = io.BytesIO()
    with tarfile.open(fileobj=evil, mode="w") as made:
        out = tarfile.TarInfo("out")
        out.type, out.linkname = tarfile.SYMTYPE, str(tmp_path)
        made.addfile(out)
        for name in ("out/through-link", "../../climbed", "/absolute"):
            info = tarfile.TarInfo(name)
            info.size = 1
            made.addfile(info, io.BytesIO(b"x"))

    archive.load(store, docker_archive(tmp_path / "evil.tar", [evil.getvalue()], tag="evil"))

    assert not (tmp_path / "through-link").exists()
    assert not (tmp_path.parent / "climbed").exists()
    assert not Path("/absolute").exists()


def test_what_is_no_archive_is_the_users_mistake(store: ImageStore, tmp_path: Path) -> None:
    (tmp_path / "x").write_text("not a tar")

    with pytest.raises(UserError, match="not a tar archive"):
        archive.load(store, tmp_path / "x")


def test_an_image_is_pulled_by_tag_and_by_digest(store: ImageStore, tmp_path: Path, registry: Registry) -> None:
    registry.add("team/app", "1", [BASE, UPPER], Cmd=["run"])

    image = pull(store, reference.parse(f"{registry.host}/team/app:1"), None, scratch=tmp_path)
    by_digest = pull(store, reference.parse(image.digests[0]), None, scratch=tmp_path)

    assert image.tags == (f"{registry.host}/team/app:1",)
    assert by_digest.id == image.id
    assert store.root(image).config.command == ("run",)
    assert sum("/blobs/" in path for path in registry.asked) == 4, "layers that are here are not fetched again"


def test_the_manifest_for_this_platform_is_chosen(store: ImageStore, tmp_path: Path, registry: Registry) -> None:
    registry.add("app", "real", [BASE])
    other = {"digest": "sha256:" + "0" * 64, "platform": {"os": "linux", "architecture": "mips"}}
    registry.index("app", "many", [other, registry.descriptor("app", "real")])

    image = pull(store, reference.parse(f"{registry.host}/app:many"), None, scratch=tmp_path)

    assert image.tags == (f"{registry.host}/app:many",)


@pytest.mark.parametrize("scheme", ["basic", "bearer"])
def test_a_login_is_sent_where_the_registry_asks_for_one(
    store: ImageStore, tmp_path: Path, registry: Registry, scheme: str
) -> None:
    registry.add("private", "1", [BASE])
    registry.scheme = scheme
    wanted = reference.parse(f"{registry.host}/private:1")

    with pytest.raises(ImagePullFailed):
        pull(store, wanted, None, scratch=tmp_path)
    assert pull(store, wanted, Credentials("me", "secret"), scratch=tmp_path).tags


def test_a_lying_registry_is_found_out(store: ImageStore, tmp_path: Path, registry: Registry) -> None:
    registry.add("app", "1", [BASE])
    for name in registry.blobs:
        if registry.blobs[name][:2] == b"\x1f\x8b":
            registry.blobs[name] = gzip.compress(UPPER)

    with pytest.raises(ImagePullFailed, match="does not match its digest"):
        pull(store, reference.parse(f"{registry.host}/app:1"), None, scratch=tmp_path)


def test_what_cannot_be_pulled_says_why(store: ImageStore, tmp_path: Path, registry: Registry) -> None:
    with pytest.raises(ImagePullFailed, match="not found"):
        pull(store, reference.parse(f"{registry.host}/nothing:1"), None, scratch=tmp_path)
    refused = (
        r'reference "127.0.0.1:1/nothing:1": failed to do request: Get "https?://127.0.0.1:1/\S+": Connection refused'
    )
    with pytest.raises(RegistryUnavailable, match=refused):
        pull(store, reference.parse("127.0.0.1:1/nothing:1"), None, scratch=tmp_path)
    with pytest.raises(RegistryUnavailable, match=r": lookup registry.invalid: \w+"):
        pull(store, reference.parse("registry.invalid/nothing:1"), None, scratch=tmp_path)


@pytest.fixture
def registry() -> Iterator[Registry]:
    registry = Registry()
    yield registry
    registry.close()


def oci_files(layers: list[bytes], name: str) -> dict[str, Any]:
    manifest, blobs = oci_manifest(layers)
    annotations = {"org.opencontainers.image.ref.name": name}
    entry = {"mediaType": OCI_MANIFEST, "digest": digest(manifest), "annotations": annotations}
    files = {
        "oci-layout": b'{"imageLayoutVersion": "1.0.0"}',
        "index.json": json.dumps({"manifests": [entry]}).encode(),
    }
    contents = [manifest, *blobs.values()]
    return files | {f"blobs/sha256/{hashlib.sha256(each).hexdigest()}": each for each in contents}
