"""One containerd for all tests of a module."""

from __future__ import annotations

import os
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from cloudk8s.node.runtimes.cri import cni

from ..host.archives import docker_archive, programs
from .containerd import import_image, is_installed, running_containerd

PREFIX = f"10.{240 + os.getpid() % 10}.{os.getpid() // 10 % 256}."
CIDR, BRIDGE = f"{PREFIX}0/24", f"ckt{os.getpid() % 100_000}"
"""A range and a bridge of this process: several may test on one host."""
IMAGE = "cloudk8s.test/tools:1"


@pytest.fixture(scope="module")
def endpoint() -> Iterator[str]:
    if not is_installed():
        pytest.skip("containerd, runc or the CNI plugins are not installed")
    with tempfile.TemporaryDirectory(prefix="ctd", ignore_cleanup_errors=True) as home:
        yield from _serve(Path(home))


def _serve(home: Path) -> Iterator[str]:
    cni.write(home / "cni", [CIDR], bridge=BRIDGE)
    tools = docker_archive(
        home / "tools.tar", [programs()], tag=IMAGE, Env=["PATH=/bin"], Cmd=["sh", "-c", "echo default"]
    )
    with running_containerd(home) as endpoint:
        import_image(home, tools)
        yield endpoint
    subprocess.run(["ip", "link", "delete", BRIDGE], capture_output=True, check=False)
