"""A pod's group owns its volumes."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from cloudk8s.node.volumes.ownership import give_to_group, only_if_needed

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="giving away needs root")


def test_everything_below_is_the_groups_and_what_comes_too(tmp_path: Path) -> None:
    (tmp_path / "d").mkdir(mode=0o700)
    (tmp_path / "d" / "f").touch(mode=0o600)
    (tmp_path / "link").symlink_to("/etc/passwd")

    give_to_group(tmp_path, 4000)

    modes = {
        name: (os.stat(tmp_path / name).st_gid, os.stat(tmp_path / name).st_mode & 0o7777) for name in ("d", "d/f")
    }
    assert modes == {"d": (4000, 0o2770), "d/f": (4000, 0o660)}
    assert os.stat("/etc/passwd").st_gid == 0


def test_what_is_as_it_should_be_is_left_alone_where_the_pod_says_so(tmp_path: Path) -> None:
    give_to_group(tmp_path, 4000, only_if_needed=True)
    (tmp_path / "later").touch()
    os.chown(tmp_path / "later", -1, 7)

    give_to_group(tmp_path, 4000, only_if_needed=True)
    assert os.stat(tmp_path / "later").st_gid == 7
    give_to_group(tmp_path, 4000)
    assert os.stat(tmp_path / "later").st_gid == 4000
    assert only_if_needed({"spec": {"securityContext": {"fsGroupChangePolicy": "OnRootMismatch"}}})
    assert not only_if_needed({"spec": {}})
