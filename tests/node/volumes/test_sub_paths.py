"""Parts of volumes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from cloudk8s.node.containers.environment import ConfigurationError
from cloudk8s.node.containers.mounts import volume_mounts
from cloudk8s.node.runtimes.interface import Mount
from cloudk8s.node.volumes import sub_paths
from cloudk8s.node.volumes.interface import Mounted


def mounted(volume: Path, **mount: Any) -> Mount:
    container = {"name": "c", "volumeMounts": [{"name": "v", "mountPath": "/v", **mount}]}
    (found,) = volume_mounts(
        container, {"v": Mounted(volume)}, {"NAME": "p-1", "UP": "..", "ROOT": "/etc"}, can_recurse=False
    )
    return found


def test_a_directory_that_is_not_there_is_made_like_the_volume(tmp_path: Path) -> None:
    tmp_path.chmod(0o2770)
    found = mounted(tmp_path, subPathExpr="$(NAME)/data")
    assert (found.host_path, found.below) == (str(tmp_path / "p-1" / "data"), str(tmp_path))
    assert (tmp_path / "p-1" / "data").stat().st_mode & 0o7777 == 0o2770


def test_a_file_can_be_a_part(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    assert mounted(tmp_path, subPath="file").host_path == str(tmp_path / "file")


def test_a_whole_volume_is_no_part(tmp_path: Path) -> None:
    for mount in ({}, {"subPath": ""}, {"subPath": "."}):
        assert mounted(tmp_path, **mount) == Mount("/v", str(tmp_path))


@pytest.mark.parametrize(
    ("mount", "words"),
    [
        ({"subPath": "../x"}, "must not contain '..'"), ({"subPath": "/x"}, "must be a relative path"),
        ({"subPathExpr": "$(UP)"}, "must not contain '..'"), ({"subPathExpr": "$(ROOT)"}, "must be a relative path"),
        ({"subPathExpr": "$(NONE)"}, 'missing value for "NONE"'),
    ],
)  # fmt: skip
def test_a_part_does_not_leave_the_volume(tmp_path: Path, mount: dict[str, str], words: str) -> None:
    with pytest.raises(ConfigurationError, match=words):
        mounted(tmp_path, **mount)


def test_a_link_in_the_volume_leads_nowhere_else(tmp_path: Path) -> None:
    volume = tmp_path / "volume"
    volume.mkdir()
    (tmp_path / "secret").touch()
    (volume / "link").symlink_to(tmp_path)
    assert sub_paths.resolve(volume, "link/secret", readonly=False) == Path(f"{volume}{tmp_path}/secret")
