"""What may be at a path of the host, by the volume's type."""

from __future__ import annotations

import os
import socket
from pathlib import Path

import pytest

from cloudk8s.node.volumes.host_path import HostPathVolumes
from cloudk8s.node.volumes.interface import VolumeError

POD = {"metadata": {"name": "p", "uid": "u"}, "spec": {}}
WORDS = {
    "Directory": "directory", "File": "file", "Socket": "socket file", "CharDevice": "character device",
    "BlockDevice": "block device",
}  # fmt: skip


@pytest.fixture
def there(tmp_path: Path) -> dict[str, Path]:
    """One of each kind, as far as anybody may make it."""
    (tmp_path / "Directory").mkdir()
    (tmp_path / "File").touch()
    with socket.socket(socket.AF_UNIX) as made:
        made.bind(str(tmp_path / "Socket"))
    found = {name: tmp_path / name for name in ("Directory", "File", "Socket")}
    return found | {"CharDevice": Path("/dev/null")}


async def mount(path: Path, kind: str) -> Path:
    return (
        await HostPathVolumes().set_up(POD, {"name": "v", "hostPath": {"path": str(path), "type": kind}}, path)
    ).path


async def test_each_type_takes_its_own_kind_and_no_other(there: dict[str, Path]) -> None:
    for kind, words in WORDS.items():
        for name, path in there.items():
            if kind == name:
                assert await mount(path, kind) == path
            else:
                with pytest.raises(VolumeError, match=f"^hostPath type check failed: {path} is not a {words}$"):
                    await mount(path, kind)


@pytest.mark.parametrize("kind", WORDS)
async def test_what_is_not_there_is_not_made(tmp_path: Path, kind: str) -> None:
    with pytest.raises(VolumeError, match="hostPath type check failed"):
        await mount(tmp_path / "none", kind)
    assert not (tmp_path / "none").exists()


async def test_what_may_be_made_is_made(tmp_path: Path) -> None:
    before = os.umask(0o022)
    try:
        directory = await mount(tmp_path / "a" / "b", "DirectoryOrCreate")
        file = await mount(tmp_path / "file", "FileOrCreate")
    finally:
        os.umask(before)
    assert (directory.is_dir(), directory.stat().st_mode & 0o777) == (True, 0o755)
    assert (file.is_file(), file.stat().st_mode & 0o777) == (True, 0o644)
    assert await mount(directory, "DirectoryOrCreate") == directory
    with pytest.raises(VolumeError, match="is not a file"):
        await mount(directory, "FileOrCreate")
    with pytest.raises(VolumeError, match="No such file or directory"):
        await mount(tmp_path / "c" / "file", "FileOrCreate")


async def test_without_a_type_anything_goes(there: dict[str, Path], tmp_path: Path) -> None:
    for path in there.values():
        assert await mount(path, "") == path
    assert (await mount(tmp_path / "new", "")).is_dir()
