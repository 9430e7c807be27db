from __future__ import annotations

from pathlib import Path

import pytest

from cloudk8s.errors import CloudError
from cloudk8s.plugin import VolumeRequest
from cloudk8s_local.account.account import Account
from cloudk8s_local.testing import MemoryHosts
from cloudk8s_local.volumes import LocalVolumes

REQUEST = VolumeRequest("claim-1", "pvc-1", "prod", 8)


def test_a_volume_is_a_directory_whose_files_outlive_nodes_and_processes(tmp_path: Path):
    volumes = LocalVolumes(Account(tmp_path, MemoryHosts()))
    volume = volumes.create(REQUEST)
    device = Path(volumes.attach(volume.id, "local://prod/n1"))
    (device / "data").write_text("kept")
    with pytest.raises(CloudError, match="attached to local://prod/n1"):
        volumes.attach(volume.id, "local://prod/n2")
    with pytest.raises(CloudError, match="attached to local://prod/n1"):
        volumes.delete(volume.id)
    volumes.detach(volume.id, "local://prod/n1")
    again = LocalVolumes(Account(tmp_path, MemoryHosts()))
    assert (Path(again.attach(volume.id, "local://prod/n2")) / "data").read_text() == "kept"
    again.detach(volume.id, "local://prod/n2")
    again.expand(volume.id, 20)
    assert again.list_owned("prod")[0].size_gib == 20
    again.delete(volume.id)
    assert not device.exists()
