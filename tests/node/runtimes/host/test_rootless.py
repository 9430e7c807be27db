"""The host runtime for a user without privileges: what user namespaces give, and a clear word about the rest.

As root, the file runs itself again as an ordinary user.
"""

from __future__ import annotations

import asyncio
import os
import shutil
import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from cloudk8s.machinery.clock import SystemClock
from cloudk8s.node.runtimes.host.images import archive
from cloudk8s.node.runtimes.host.runtime import HostRuntime
from cloudk8s.node.runtimes.interface import Container, ContainerConfig, Mount, SandboxConfig, Security

from .archives import docker_archive, programs

needs_user = pytest.mark.skipif(os.geteuid() == 0, reason="root has more than user namespaces give")
NOBODY = 65534


@pytest.mark.root
@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become another user")
def test_all_of_this_as_an_ordinary_user(tmp_path: Path) -> None:
    if shutil.which("setpriv") is None:
        pytest.skip("setpriv is not installed")
    home = Path("/tmp") / f"rootless-{os.getpid()}"
    home.mkdir()
    os.chown(home, NOBODY, NOBODY)
    become = ["setpriv", f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups", "--bounding-set=-all"]
    arguments = ["-m", "pytest", "-q", "-x", "-p", "no:cacheprovider", __file__, f"--basetemp={home}/t"]
    environment = os.environ | {"HOME": str(home), "PYTHONDONTWRITEBYTECODE": "1", "PYTHONPATH": ":".join(sys.path)}
    python = usable_python(become)
    try:
        done = subprocess.run(
            [*become, python, *arguments], capture_output=True, text=True, env=environment, check=False
        )
    finally:
        shutil.rmtree(home, ignore_errors=True)
    assert done.returncode == 0, done.stdout + done.stderr


def usable_python(become: list[str]) -> str:
    """An interpreter of this version that an ordinary user may run, too."""
    version = f"python{sys.version_info.major}.{sys.version_info.minor}"
    for candidate in (os.path.realpath(sys.executable), shutil.which(version, path="/usr/bin:/usr/local/bin") or ""):
        command = [*become, "sh", "-c", f"{candidate} -c ''"]  # the shell has no privileges any more, setpriv still has
        if candidate and subprocess.run(command, capture_output=True, check=False).returncode == 0:
            return candidate
    pytest.skip(f"no {version} here may be run by an ordinary user")


@pytest.fixture
async def runtime(tmp_path: Path) -> AsyncIterator[HostRuntime]:
    runtime = HostRuntime(tmp_path / "state", clock=SystemClock())
    await runtime.start()
    if not runtime._isolation.mounts:
        pytest.skip("this host gives ordinary users no user namespaces")
    yield runtime
    await runtime.purge()
    await runtime.close()


@pytest.fixture
async def sandbox(runtime: HostRuntime, tmp_path: Path) -> str:
    config = SandboxConfig("pod", "default", "uid-1", hostname="rootless", log_directory=str(tmp_path / "logs"))
    return await runtime.run_sandbox(config)


@needs_user
async def test_it_says_what_is_missing(runtime: HostRuntime) -> None:
    missing = " ".join((await runtime.status()).missing_isolation)

    assert "network" in missing
    assert "mount" not in missing


@needs_user
async def test_images_volumes_and_processes_are_the_containers_own(
    runtime: HostRuntime, sandbox: str, tmp_path: Path
) -> None:
    archive.load(
        runtime._images.store, docker_archive(tmp_path / "i.tar", [programs()], tag="tools:1", Env=["PATH=/bin"])
    )
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "file").write_text("content\n")
    data = str(tmp_path / "data")
    mounts = (Mount("/data", data, readonly=True), Mount("/part", f"{data}/file", below=data))
    script = "echo $$; hostname; cat /data/file /part; id -u; ls /"

    container = await run(runtime, sandbox, "tools:1", script, mounts=mounts)

    lines = log(container).splitlines()
    assert lines[:5] == ["1", "rootless", "content", "content", "0"]
    assert "data" in lines


@needs_user
async def test_volumes_are_mounted_over_the_hosts_tree_too(runtime: HostRuntime, sandbox: str, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("content\n")
    mounts = (Mount("/etc/deep/file", str(tmp_path / "file")), Mount("/fresh/file", str(tmp_path / "file")))

    container = await run(runtime, sandbox, "host", "cat /etc/deep/file /fresh/file; ls /etc/passwd", mounts=mounts)

    assert log(container) == "content\ncontent\n/etc/passwd"


@needs_user
async def test_the_wanted_user_is_what_the_process_sees(runtime: HostRuntime, sandbox: str) -> None:
    container = await run(runtime, sandbox, "host", "id -u", security=Security(run_as_user=1001))

    assert log(container) == "1001"
    assert container.user is not None
    assert container.user[0] == 1001


@needs_user
async def test_commands_run_inside(runtime: HostRuntime, sandbox: str) -> None:
    container_id = await start(runtime, sandbox, "host", "sleep 300", security=Security(run_as_user=1001))

    result = await runtime.exec_sync(container_id, ["sh", "-c", "hostname; id -u"], None)

    assert result.stdout == b"rootless\n1001\n"


async def start(runtime: HostRuntime, sandbox: str, image: str, script: str, **fields: object) -> str:
    config = ContainerConfig("c", image, command=("sh", "-c", script), log_path="c/0.log", **fields)  # type: ignore[arg-type]
    container_id = await runtime.create_container(sandbox, config)
    await runtime.start_container(container_id)
    return container_id


async def run(runtime: HostRuntime, sandbox: str, image: str, script: str, **fields: object) -> Container:
    container_id = await start(runtime, sandbox, image, script, **fields)
    async with asyncio.timeout(30):
        while (container := await runtime.container_status(container_id)).state != "exited":
            await asyncio.sleep(0.01)
    return container


def log(container: Container) -> str:
    lines = Path(container.log_path).read_bytes().splitlines()
    return "\n".join(line.split(b" ", 3)[3].decode() for line in lines)
