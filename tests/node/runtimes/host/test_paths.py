"""Paths in trees that others write to."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest

from cloudk8s.node.runtimes.host.shim import paths


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A tree with links, next to a file that nobody may get at."""
    (tmp_path / "secret").write_text("x")
    root = tmp_path / "root"
    (root / "a" / "b").mkdir(parents=True)
    links = {"up": "..", "far": "../../../..", "absolute": "/a", "near": "a/b", "out": str(tmp_path), "me": "me"}
    for name, target in links.items():
        (root / name).symlink_to(target)
    return root


@pytest.mark.parametrize(
    ("path", "place"),
    [
        ("a/b", "a/b"), ("/a//b/./", "a/b"), ("a/../a/b", "a/b"), ("../../a", "a"), ("", "."), ("near", "a/b"),
        ("absolute/b", "a/b"), ("up/a", "a"), ("far/secret", "secret"), ("near/../c", "a/c"), ("missing/../a", "a"),
        ("missing/x", "missing/x"),
    ],
)  # fmt: skip
def test_links_lead_nowhere_else(root: Path, path: str, place: str) -> None:
    assert paths.join(str(root), path) == os.path.normpath(root / place)


def test_a_link_to_an_absolute_place_is_one_below(root: Path) -> None:
    assert paths.join(str(root), "out/secret") == f"{root}{root.parent}/secret"


def test_links_that_lead_to_themselves_are_refused(root: Path) -> None:
    with pytest.raises(OSError, match="too many levels of symbolic links"):
        paths.join(str(root), "me")


def place_of(descriptor: int) -> Path:
    try:
        return Path(f"/proc/self/fd/{descriptor}").readlink()
    finally:
        os.close(descriptor)


def test_what_was_found_is_held(root: Path) -> None:
    (root / "a" / "file").touch()
    for path in ("a/b", "a/file", "."):
        assert place_of(paths.open_below(str(root), str(root / path))) == (root / path).resolve()
    with pytest.raises(FileNotFoundError):
        paths.open_below(str(root), str(root / "none"))


@pytest.mark.parametrize("path", ["near", "absolute/b", "out/secret", "up/secret", "../secret"])
def test_a_link_on_the_way_is_refused(root: Path, path: str) -> None:
    with pytest.raises(OSError, match=r"Too many levels of symbolic links|Not a directory"):
        os.close(paths.open_below(str(root), str(root / path)))


def test_what_is_missing_is_made_but_not_behind_a_link(root: Path) -> None:
    before = os.umask(0o077)
    try:
        os.close(paths.open_below(str(root), str(root / "new" / "er"), mode=0o2775))
    finally:
        os.umask(before)
    assert [stat.S_IMODE((root / name).stat().st_mode) for name in ("new", "new/er")] == [0o2775, 0o2775]
    with pytest.raises(OSError, match=r"Not a directory|Too many"):
        os.close(paths.open_below(str(root), str(root / "out" / "new"), mode=0o777))
    assert not (root.parent / "new").exists()
