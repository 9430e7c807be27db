"""A containerd of a test's own, with its state in a directory that goes away.

The environment variable CLOUDK8S_CONTAINERD names a directory with other programs than the host's: containerd, ctr, its
shim and runc. A second handler, `other`, is runc too.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from ..host.archives import docker_archive, programs

CNI_PLUGINS = next((path for path in ("/usr/lib/cni", "/opt/cni/bin") if Path(path, "bridge").exists()), "")
PAUSE = "cloudk8s.test/pause:1"
PATH = os.pathsep.join(filter(None, (os.environ.get("CLOUDK8S_CONTAINERD", ""), os.environ.get("PATH", os.defpath))))
_CONFIG = """
version = 2
root = "{0}/root"
state = "{0}/state"
[grpc]
  address = "{0}/containerd.sock"
[plugins."io.containerd.grpc.v1.cri"]
  sandbox_image = "{2}"
  restrict_oom_score_adj = true
  [plugins."io.containerd.grpc.v1.cri".cni]
    bin_dir = "{1}"
    conf_dir = "{0}/cni"
  [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc]
    runtime_type = "io.containerd.runc.v2"
  [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.other]
    runtime_type = "io.containerd.runc.v2"
[plugins."io.containerd.internal.v1.opt"]
  path = "{0}/opt"
"""


def is_installed() -> bool:
    """Whether containerd, runc and the CNI plugins are on this host."""
    return bool(CNI_PLUGINS and shutil.which("containerd", path=PATH) and shutil.which("runc", path=PATH))


@contextmanager
def running_containerd(home: Path, *, prefix: Sequence[str] = ()) -> Iterator[str]:
    """Serve at the endpoint that is returned; the networks it reads are in `home/cni`.

    `prefix` begins the command: where it runs.
    """
    home.chmod(0o711)  # pods with users of their own are nobody here
    (home / "config.toml").write_text(_CONFIG.format(home, CNI_PLUGINS, PAUSE))
    log = (home / "log").open("wb")
    command = [*prefix, str(shutil.which("containerd", path=PATH)), "--config", str(home / "config.toml")]
    process = subprocess.Popen(command, stdout=log, stderr=log, env={**os.environ, "PATH": PATH})
    try:
        pause = docker_archive(home / "pause.tar", [programs(("sleep",))], tag=PAUSE, Cmd=["/bin/sleep", "inf"])
        import_image(home, pause)
        yield f"unix://{home}/containerd.sock"
    finally:
        process.terminate()
        process.wait()
        _unmount(home)


def import_image(home: Path, archive: Path) -> None:
    """Load an archive; waits until the runtime answers."""
    command = [
        str(shutil.which("ctr", path=PATH)),
        "--address",
        f"{home}/containerd.sock",
        "-n",
        "k8s.io",
        "images",
        "import",
        str(archive),
    ]
    deadline = time.monotonic() + 30
    while (done := subprocess.run(command, capture_output=True, text=True, check=False)).returncode:
        if time.monotonic() > deadline:
            raise AssertionError(f"containerd did not start: {done.stderr} {(home / 'log').read_text()[-2000:]}")
        time.sleep(0.2)


def _unmount(home: Path) -> None:
    mounted = [
        line.split()[1]
        for line in Path("/proc/mounts").read_text().splitlines()
        if line.split()[1].startswith(str(home))
    ]
    for path in reversed(mounted):
        subprocess.run(["umount", "-l", path], capture_output=True, check=False)
