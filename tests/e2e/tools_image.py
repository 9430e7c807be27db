"""An image with a shell, Python and what kubectl needs in a container, made of programs of this host."""

from __future__ import annotations

import io
import tarfile
from pathlib import Path

from tests.node.runtimes.host.archives import PROGRAMS, docker_archive, programs

TAG = "cloudk8s.test/python:1"
_PYTHON = "/usr/bin/python3"
_MORE = ("tar", "curl", "grep", "date", "head", "wc", "tty", "stty", "ps", _PYTHON)
_LEFT_OUT = ("dist-packages", "test", "tests", "idlelib", "tkinter", "ensurepip", "lib2to3", "config-3")


def build(path: Path) -> Path:
    """Write the archive that `docker save` would."""
    env = ["PATH=/usr/bin:/bin", "LANG=C.UTF-8"]
    return docker_archive(
        path, [programs((*PROGRAMS, *_MORE)), _library()], tag=TAG, Env=env, Cmd=["sh", "-c", "echo default"]
    )


def _library() -> bytes:
    """Python's own modules."""
    home = next(each for each in sorted(Path("/usr/lib").glob("python3.*")) if (each / "os.py").exists())
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as archive:
        archive.add(home, arcname=str(home).lstrip("/"), filter=_kept)
    return out.getvalue()


def _kept(info: tarfile.TarInfo) -> tarfile.TarInfo | None:
    left_out = any(part.startswith(_LEFT_OUT) for part in info.name.split("/")[3:])
    return None if left_out or info.issym() else info
