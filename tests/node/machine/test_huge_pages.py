"""Huge pages: counted, limited, mounted."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from cloudk8s.node.containers.resources import huge_page_limits
from cloudk8s.node.machine import capacity, huge_pages
from cloudk8s.node.machine.capacity import Machine
from cloudk8s.node.runtimes.host import cgroups
from cloudk8s.node.runtimes.interface import Resources
from cloudk8s.node.volumes import removal
from cloudk8s.node.volumes.empty_dir import EmptyDirVolumes
from cloudk8s.node.volumes.interface import VolumeError
from tests.node.conftest import container, pod_object

MI = 1 << 20


def pools(directory: Path, **counts: int) -> Path:
    for name, count in counts.items():
        pool = directory / f"hugepages-{name[1:]}"
        pool.mkdir(parents=True)
        (pool / "nr_hugepages").write_text(f"{count}\n")
    return directory


def test_pages_are_counted_by_their_size(tmp_path: Path) -> None:
    found = huge_pages.find_huge_pages(pools(tmp_path, _2048kB=32, _64kB=0))
    assert huge_pages.as_resources(found) == {"hugepages-1Gi": "0", "hugepages-2Mi": "64Mi"}


def test_what_is_set_apart_is_no_memory_for_others() -> None:
    machine = Machine(1, 1024 * MI, 1 << 30, "amd64", "k", "o", "m", "b", "h", {2 * MI: 64 * MI})
    left = capacity.allocatable(capacity.capacity(machine, max_pods=1), {})
    assert left["hugepages-2Mi"] == "64Mi"
    assert left["memory"] == "860Mi"


def test_a_container_may_have_what_it_asked_for(tmp_path: Path) -> None:
    limits = huge_page_limits({"hugepages-2Mi": "4Mi", "hugepages-1Gi": "1Gi", "memory": "1Gi"})
    assert limits == (("1GB", 1 << 30), ("2MB", 4 * MI))
    (tmp_path / "hugetlb.2MB.limit_in_bytes").touch()
    cgroups.limit([str(tmp_path)], Resources(huge_pages=limits))
    assert (tmp_path / "hugetlb.2MB.limit_in_bytes").read_text() == str(4 * MI)


@pytest.mark.root
@pytest.mark.skipif(os.geteuid() != 0, reason="mounting needs root")
async def test_a_volume_of_huge_pages_is_mounted(tmp_path: Path) -> None:
    pod = pod_object(containers=[container("true", resources={"limits": {"hugepages-2Mi": "4Mi"}})])
    volume = {"name": "pages", "emptyDir": {"medium": "HugePages"}}
    try:
        await EmptyDirVolumes().set_up(pod, volume, tmp_path / "pages")
    except VolumeError as error:
        pytest.skip(f"this kernel has none: {error}")
    line = next(each for each in Path("/proc/self/mounts").read_text().splitlines() if str(tmp_path) in each)
    assert "hugetlbfs" in line
    assert "pagesize=2M" in line
    removal.remove_tree(tmp_path / "pages")
    assert not (tmp_path / "pages").exists()


async def test_a_volume_needs_to_know_which_pages(tmp_path: Path) -> None:
    volume = {"name": "pages", "emptyDir": {"medium": "HugePages"}}
    with pytest.raises(VolumeError, match="ask for one size"):
        await EmptyDirVolumes().set_up(pod_object(), volume, tmp_path / "pages")
