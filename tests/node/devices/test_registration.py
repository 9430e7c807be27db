"""Where device plugins can't register, the node works all the same."""

from __future__ import annotations

from pathlib import Path
from typing import cast

from cloudk8s.node.devices.manager import DeviceManager
from cloudk8s.node.devices.registration import DeviceRegistration


async def test_a_directory_too_deep_for_a_socket_is_no_error(tmp_path: Path) -> None:
    directory = tmp_path / ("x" * 100)
    await DeviceRegistration(directory, cast("DeviceManager", None)).run()
    assert directory.exists()
