"""Mounts of containers, as their volumeMounts say."""

from __future__ import annotations

from pathlib import Path

import pytest

from cloudk8s.node.containers import mounts
from cloudk8s.node.containers.environment import ConfigurationError
from cloudk8s.node.volumes.interface import Mounted

VOLUMES = {"v": Mounted(Path("/host/v"))}


def container(wanted: str) -> dict[str, object]:
    mount = {"name": "v", "mountPath": "/v", "readOnly": True, "recursiveReadOnly": wanted}
    return {"name": "c", "volumeMounts": [mount]}


@pytest.mark.parametrize(
    ("wanted", "can_recurse", "shown"),
    [
        ("Enabled", True, "Enabled"),
        ("IfPossible", True, "Enabled"),
        ("IfPossible", False, "Disabled"),
        ("Disabled", True, "Disabled"),
    ],
)
def test_what_is_below_a_readonly_volume_is_readonly_where_that_is_possible(
    wanted: str, can_recurse: bool, shown: str
) -> None:
    (mount,) = mounts.volume_mounts(container(wanted), VOLUMES, {}, can_recurse=can_recurse)
    assert mount.recursive_readonly == (shown == "Enabled")
    (status,) = mounts.statuses(container(wanted), can_recurse=can_recurse)
    assert status["recursiveReadOnly"] == shown


def test_where_it_must_be_and_cannot_the_container_waits() -> None:
    with pytest.raises(ConfigurationError, match="not supported by the runtime"):
        mounts.volume_mounts(container("Enabled"), VOLUMES, {}, can_recurse=False)
