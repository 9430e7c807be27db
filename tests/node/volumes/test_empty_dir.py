"""Directories that live as long as their pod."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from cloudk8s.node.volumes.empty_dir import EmptyDirVolumes


@pytest.mark.root
@pytest.mark.skipif(os.geteuid() != 0, reason="mounting needs root")
@pytest.mark.parametrize(
    ("source", "group", "mode"),
    [
        ({}, None, 0o777),
        ({}, 4000, 0o2777),
        ({"medium": "Memory"}, None, 0o1777),
        ({"medium": "Memory", "sizeLimit": "1Mi"}, 4000, 0o3777),
    ],
)
async def test_everybody_may_write_and_only_memory_has_the_sticky_bit(
    tmp_path: Path, source: dict[str, str], group: int | None, mode: int
) -> None:
    pod = {"spec": {"securityContext": {"fsGroup": group} if group else {}, "containers": []}}
    directory = tmp_path / "v"
    volumes = EmptyDirVolumes()
    await volumes.set_up(pod, {"name": "v", "emptyDir": source}, directory)
    try:
        assert directory.stat().st_mode & 0o7777 == mode
    finally:
        await volumes.tear_down(directory)


@pytest.mark.root
@pytest.mark.skipif(os.geteuid() != 0, reason="mounting needs root")
@pytest.mark.parametrize(
    ("size_limit", "pod_limit", "size"),
    [(None, None, 64), ("16Mi", None, 16), (None, "8Mi", 8), ("16Mi", "8Mi", 8), ("4Mi", "8Mi", 4), ("1Gi", None, 64)],
)
async def test_memory_is_as_large_as_volume_pod_and_node_allow(
    tmp_path: Path, size_limit: str | None, pod_limit: str | None, size: int
) -> None:
    limits = {"memory": pod_limit} if pod_limit else {}
    pod = {"metadata": {"uid": "u"}, "spec": {"containers": [{"name": "c", "resources": {"limits": limits}}]}}
    directory, volumes = tmp_path / "v", EmptyDirVolumes(memory=lambda: 64 << 20)
    source = {"medium": "Memory"} | ({"sizeLimit": size_limit} if size_limit else {})
    await volumes.set_up(pod, {"name": "v", "emptyDir": source}, directory)
    try:
        found = os.statvfs(directory)
        assert found.f_blocks * found.f_frsize == size << 20
    finally:
        await volumes.tear_down(directory)
