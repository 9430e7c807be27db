"""Devices by name become environment, mounts and device nodes."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from cloudk8s.node.runtimes.host.cdi import with_devices
from cloudk8s.node.runtimes.interface import ContainerConfig, CreateFailed, Device, Mount

GPU = {
    "kind": "vendor.com/gpu",
    "containerEdits": {"env": ["DRIVER=1"]},
    "devices": [
        {
            "name": "0",
            "containerEdits": {
                "env": ["GPU=0"],
                "deviceNodes": [
                    {"path": "/dev/gpu0", "hostPath": "/dev/null", "permissions": "rw"},
                    {"path": "/dev/zero"},
                ],
                "mounts": [{"hostPath": "/lib", "containerPath": "/gpu/lib", "options": ["ro", "bind"]}],
            },
        },
        {"name": "1", "containerEdits": {"env": ["GPU=1"]}},
    ],
}


def test_what_the_files_say_is_added(tmp_path: Path) -> None:
    (tmp_path / "gpu.json").write_text(json.dumps(GPU))
    config = ContainerConfig("c", "i", env=(("A", "1"),), cdi_devices=("vendor.com/gpu=0", "vendor.com/gpu=1"))
    found = with_devices(config, [tmp_path])
    assert found.env == (("A", "1"), ("DRIVER", "1"), ("GPU", "0"), ("GPU", "1"))
    assert found.devices == (Device("/dev/null", "/dev/gpu0", "rw"), Device("/dev/zero", "/dev/zero"))
    assert found.mounts == (Mount("/gpu/lib", "/lib", readonly=True),)


def test_yaml_is_read_and_later_directories_win(tmp_path: Path) -> None:
    for name, value in (("first", "old"), ("second", "new")):
        (tmp_path / name).mkdir()
        text = f"kind: vendor.com/gpu\ndevices:\n- name: '0'\n  containerEdits:\n    env: ['GPU={value}']\n"
        (tmp_path / name / "gpu.yaml").write_text(text)
    config = ContainerConfig("c", "i", cdi_devices=("vendor.com/gpu=0",))
    assert with_devices(config, [tmp_path / "first", tmp_path / "second"]).env == (("GPU", "new"),)


def test_a_device_that_no_file_describes_is_refused(tmp_path: Path) -> None:
    (tmp_path / "broken.json").write_text("{")
    config = ContainerConfig("c", "i", cdi_devices=("vendor.com/gpu=7",))
    with pytest.raises(CreateFailed, match=r"unresolvable CDI devices vendor\.com/gpu=7"):
        with_devices(config, [tmp_path, tmp_path / "absent"])
