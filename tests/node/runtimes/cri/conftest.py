"""A containerd of the tests' own, with its state in a directory that goes away."""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from cloudk8s.node.runtimes.cri import cni

from ..host.archives import docker_archive, programs

PREFIX = f"10.{240 + os.getpid() % 10}.{os.getpid() // 10 % 256}."
CIDR, BRIDGE = f"{PREFIX}0/24", f"ckt{os.getpid() % 100_000}"
"""A range and a bridge of this process: several may test on one host."""
IMAGE = "cloudk8s.test/tools:1"
CNI_PLUGINS = next((path for path in ("/usr/lib/cni", "/opt/cni/bin") if Path(path, "bridge").exists()), "")
CONFIG = """
version = 2
root = "{0}/root"
state = "{0}/state"
[grpc]
  address = "{0}/containerd.sock"
[plugins."io.containerd.grpc.v1.cri"]
  sandbox_image = "cloudk8s.test/pause:1"
  restrict_oom_score_adj = true
  [plugins."io.containerd.grpc.v1.cri".cni]
    bin_dir = "{1}"
    conf_dir = "{0}/cni"
[plugins."io.containerd.internal.v1.opt"]
  path = "{0}/opt"
"""


@pytest.fixture(scope="module")
def endpoint(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    if not CNI_PLUGINS:
        pytest.skip("the CNI plugins are not installed")
    home = tmp_path_factory.mktemp("containerd")
    (home / "config.toml").write_text(CONFIG.format(home, CNI_PLUGINS))
    cni.write(home / "cni", [CIDR], bridge=BRIDGE)
    log = (home / "log").open("wb")
    process = subprocess.Popen(["containerd", "--config", str(home / "config.toml")], stdout=log, stderr=log)
    try:
        _import_images(home)
        yield f"unix://{home}/containerd.sock"
    finally:
        process.terminate()
        process.wait()
        subprocess.run(["ip", "link", "delete", BRIDGE], capture_output=True, check=False)
        _unmount(home)


def _import_images(home: Path) -> None:
    tools = docker_archive(
        home / "tools.tar", [programs()], tag=IMAGE, Env=["PATH=/bin"], Cmd=["sh", "-c", "echo default"]
    )
    pause = docker_archive(
        home / "pause.tar", [programs(("sleep",))], tag="cloudk8s.test/pause:1", Cmd=["/bin/sleep", "inf"]
    )
    deadline = time.monotonic() + 30
    for archive in (tools, pause):
        command = ["ctr", "--address", f"{home}/containerd.sock", "-n", "k8s.io", "images", "import", str(archive)]
        while (done := subprocess.run(command, capture_output=True, text=True, check=False)).returncode:
            if time.monotonic() > deadline:
                pytest.skip(f"containerd did not start: {done.stderr} {(home / 'log').read_text()[-2000:]}")
            time.sleep(0.2)


def _unmount(home: Path) -> None:
    mounted = [
        line.split()[1]
        for line in Path("/proc/mounts").read_text().splitlines()
        if line.split()[1].startswith(str(home))
    ]
    for path in reversed(mounted):
        subprocess.run(["umount", "-l", path], capture_output=True, check=False)
