"""Files of configuration volumes."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

from cloudk8s.node.containers.fields import PodFacts
from cloudk8s.node.volumes import payloads
from cloudk8s.node.volumes.atomic_writer import File, write
from cloudk8s.node.volumes.interface import VolumeError


def file(text: str, mode: int = 0o644) -> File:
    return File(text.encode(), mode)


def test_files_appear_behind_one_link(tmp_path: Path) -> None:
    assert write(tmp_path / "v", {"a": file("1"), "deep/b": file("2", 0o400)})

    assert (tmp_path / "v/a").read_text() == "1"
    assert (tmp_path / "v/deep/b").read_text() == "2"
    assert (tmp_path / "v/a").readlink() == Path("..data/a")
    assert (tmp_path / "v/deep/b").stat().st_mode & 0o777 == 0o400


def test_an_update_replaces_all_files_at_once(tmp_path: Path) -> None:
    write(tmp_path, {"a": file("1"), "gone": file("x")})
    before = os.readlink(tmp_path / "..data")

    assert write(tmp_path, {"a": file("2"), "new": file("y")})

    assert (tmp_path / "a").read_text() == "2"
    assert sorted(path.name for path in tmp_path.iterdir() if not path.name.startswith("..")) == ["a", "new"]
    assert not (tmp_path / before).exists()


def test_the_same_content_changes_nothing(tmp_path: Path) -> None:
    write(tmp_path, {"a": file("1")})
    before = os.readlink(tmp_path / "..data")

    assert not write(tmp_path, {"a": file("1")})
    assert os.readlink(tmp_path / "..data") == before
    assert write(tmp_path, {"a": file("1", 0o600)})
    assert (tmp_path / "a").stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize("path", ["../x", "/x", "..x", "a/../../x", ""])
def test_a_path_may_not_leave_the_volume(tmp_path: Path, path: str) -> None:
    with pytest.raises(ValueError, match="invalid path"):
        write(tmp_path / "v", {path: file("x")})


def test_items_choose_and_rename_keys() -> None:
    source = {"name": "cm", "items": [{"key": "k", "path": "to/file", "mode": 0o400}]}
    found = {"data": {"k": "text", "other": "x"}, "binaryData": {"b": "/wA="}}

    assert payloads.config_map(found, source, default_mode=0o644) == {"to/file": File(b"text", 0o400)}
    whole = payloads.config_map(found, {"name": "cm"}, default_mode=0o640)
    assert whole["b"] == File(b"\xff\x00", 0o640)
    with pytest.raises(VolumeError, match="configmap references non-existent config key: none"):
        payloads.config_map(found, {"items": [{"key": "none", "path": "x"}]}, default_mode=0o644)
    assert payloads.secret(None, {}, default_mode=0o644) == {}


def test_fields_become_files() -> None:
    pod = {"metadata": {"name": "p", "labels": {"a": "b"}}, "spec": {"containers": [{"name": "c"}]}}
    items: list[dict[str, Any]] = [
        {"path": "name", "fieldRef": {"fieldPath": "metadata.name"}, "mode": 0o400},
        {"path": "labels", "fieldRef": {"fieldPath": "metadata.labels"}},
        {"path": "cpu", "resourceFieldRef": {"containerName": "c", "resource": "limits.cpu"}},
    ]

    found = payloads.downward_api(pod, items, PodFacts(allocatable={"cpu": "4"}), default_mode=0o644)

    assert found == {"name": file("p", 0o400), "labels": file('a="b"'), "cpu": file("4")}
