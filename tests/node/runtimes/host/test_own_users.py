"""Pods whose users are none of the host's, with real processes and files."""

from __future__ import annotations

import asyncio
import os
import stat
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from cloudk8s.machinery.clock import SystemClock
from cloudk8s.node.runtimes.host.images import archive
from cloudk8s.node.runtimes.host.isolation import NONE
from cloudk8s.node.runtimes.host.runtime import HostRuntime
from cloudk8s.node.runtimes.interface import (
    Container,
    ContainerConfig,
    Mount,
    Namespaces,
    RuntimeFailure,
    SandboxConfig,
    Security,
    StartFailed,
    StreamOptions,
    UserRange,
)

from .archives import PROGRAMS, docker_archive, layer, programs

pytestmark = [
    pytest.mark.root,
    pytest.mark.skipif(os.geteuid() != 0, reason="ranges of users are root's to give"),
]
FIRST = 1_000_000_000
_OWN = os.getpid()
CIDR = f"10.{180 + _OWN % 20}.{_OWN // 20 % 256}.0/24"


@pytest.fixture(scope="module")
def tools(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("image") / "tools.tar"
    return docker_archive(path, [programs((*PROGRAMS, "chown", "tty"))], tag="tools:1")


@pytest.fixture
async def runtime(tmp_path: Path, tools: Path) -> AsyncIterator[HostRuntime]:
    runtime = HostRuntime(tmp_path / "state", clock=SystemClock(), node_name=f"users-{_OWN}")
    await runtime.start()
    if not (await runtime.status()).with_users:
        pytest.skip("file systems of this host cannot map owners")
    await runtime.update_pod_cidr([CIDR])
    archive.load(runtime._images.store, tools)
    yield runtime
    await runtime.purge()
    await runtime.close()


async def sandbox_of(runtime: HostRuntime, tmp_path: Path, first: int = FIRST, **fields: Any) -> str:
    config = SandboxConfig(
        "p", "default", f"uid-{first}", hostname="p", log_directory=str(tmp_path / "logs"), users=UserRange(first),
        **fields,
    )  # fmt: skip
    return await runtime.run_sandbox(config)


async def start(runtime: HostRuntime, sandbox: str, script: str, **fields: Any) -> str:
    config = ContainerConfig(**{"name": "c", "image": "tools:1", "command": ("sh", "-c", script)} | fields)
    container_id = await runtime.create_container(sandbox, config)
    await runtime.start_container(container_id)
    return container_id


async def output(runtime: HostRuntime, sandbox: str, script: str, **fields: Any) -> list[str]:
    container_id = await start(runtime, sandbox, script, **fields)
    async with asyncio.timeout(20):
        while (container := await runtime.container_status(container_id)).state != "exited":
            await asyncio.sleep(0.01)
    return log(container)


def log(container: Container) -> list[str]:
    return [line.split(" ", 3)[3] for line in Path(container.log_path).read_text().splitlines()]


def host_user(pid: int) -> str:
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return next(line.split()[1] for line in lines if line.startswith("Uid:"))


async def test_root_inside_is_another_user_outside(runtime: HostRuntime, tmp_path: Path) -> None:
    sandbox = await sandbox_of(runtime, tmp_path)
    container = await start(runtime, sandbox, "exec sleep 100", security=Security(run_as_user=0))
    other = await start(runtime, sandbox, "exec sleep 100", security=Security(run_as_user=1234))
    runs = [runtime._containers.get(each).run for each in (container, other)]
    assert [host_user(int((run or {})["main_pid"])) for run in runs] == [str(FIRST), str(FIRST + 1234)]
    assert (await runtime.container_status(other)).user == (1234, 0, (0,))


@pytest.mark.parametrize("image", ["tools:1", "host"])
async def test_files_of_volumes_belong_to_whom_they_did(runtime: HostRuntime, tmp_path: Path, image: str) -> None:
    volume = tmp_path / "volume"
    volume.mkdir()
    (volume / "given").write_text("x")
    (volume / "in").mkdir()
    (volume / "in" / "part").write_text("of it")
    os.chown(volume / "given", 1000, 2000)
    sandbox = await sandbox_of(runtime, tmp_path)
    script = "echo hi > /vol/made; chown 7:8 /vol/given; stat -c '%n %u %g' /vol/*; cat /proc/self/uid_map; cat /part"
    part = Mount("/part", str(volume / "in" / "part"), below=str(volume))
    said = await output(runtime, sandbox, script, image=image, mounts=(Mount("/vol", str(volume)), part))
    assert said[:3] == ["/vol/given 7 8", "/vol/in 0 0", "/vol/made 0 0"]
    assert said[4] == "of it"
    assert said[3].split() == ["0", str(FIRST), "65536"]
    owners = [(each.stat().st_uid, each.stat().st_gid) for each in (volume / "made", volume / "given")]
    assert owners == [(0, 0), (7, 8)]


async def test_the_image_belongs_to_the_pods_root_and_stays_as_it_is(runtime: HostRuntime, tmp_path: Path) -> None:
    sandbox = await sandbox_of(runtime, tmp_path)
    said = await output(runtime, sandbox, "stat -c %u / /bin /bin/sh; echo x > /bin/new; cat /bin/new; hostname")
    assert said == ["0", "0", "0", "x", "p"]
    layers = (tmp_path / "state" / "images" / "layers").glob("*/bin/sh")
    assert {path.stat().st_uid for path in layers} == {0}
    written = next((tmp_path / "state" / "containers").glob("*/upper/bin/new"))
    assert written.stat().st_uid == FIRST


async def test_the_hosts_own_tree_is_nobodys(runtime: HostRuntime, tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text("x")
    secret.chmod(0o600)
    sandbox = await sandbox_of(runtime, tmp_path)
    said = await output(runtime, sandbox, f"cat {secret} || echo refused; stat -c %u /etc", image="host")
    assert said[-2:] == ["refused", "65534"]


async def test_commands_and_terminals_are_the_pods_too(runtime: HostRuntime, tmp_path: Path) -> None:
    sandbox = await sandbox_of(runtime, tmp_path)
    container = await start(runtime, sandbox, "exec sleep 100", security=Security(run_as_user=1000))
    script = "id -u; echo $$; cat /proc/1/comm; cat /proc/self/uid_map; echo again > /dev/stdout"
    result = await runtime.exec_sync(container, ("sh", "-c", script), timedelta(seconds=20))
    said = result.stdout.decode().split()
    assert (said[0], said[2], said[4], said[-1]) == ("1000", "sleep", str(FIRST), "again")
    assert said[1] != "1"
    options = StreamOptions(stdin=True, stdout=True, stderr=False, tty=True)
    session = await runtime.exec(container, ("sh", "-c", "tty; exit 3"), options)
    piece = await session.read()
    assert piece is not None
    assert b"/dev/pts/0" in piece[1]
    assert await session.wait() == 3
    await session.close()


async def test_the_pods_network_and_processes_are_its_own_to_change(runtime: HostRuntime, tmp_path: Path) -> None:
    own = Namespaces(pid="pod")
    sysctls = {"net.ipv4.ip_unprivileged_port_start": "0"}
    sandbox = await sandbox_of(runtime, tmp_path, namespaces=own, sysctls=sysctls)
    first = await start(runtime, sandbox, "exec sleep 100", namespaces=own)
    script = (
        "cat /proc/sys/net/ipv4/ip_unprivileged_port_start; cat /proc/[0-9]*/comm; echo y > /dev/shm/x; cat /dev/shm/x"
    )
    said = await output(runtime, sandbox, script, namespaces=own)
    assert said[0] == "0"
    assert "sleep" in said
    assert said[-1] == "y"
    assert (await runtime.list_sandboxes())[0].ips
    await runtime.stop_container(first, timedelta(0))


async def test_an_image_can_be_a_volume(runtime: HostRuntime, tmp_path: Path) -> None:
    parts = [layer({"data": None, "data/a": b"one\n"}), layer({"data/b": b"two\n"})]
    (data,) = archive.load(runtime._images.store, docker_archive(tmp_path / "d.tar", parts, tag="data:1"))
    (flat,) = archive.load(runtime._images.store, docker_archive(tmp_path / "f.tar", parts[:1], tag="data:2"))
    sandbox = await sandbox_of(runtime, tmp_path)
    said = await output(
        runtime, sandbox, "cat /d/a /d/b /f/data/a; stat -c %u /d/a /f/data/a; touch /d/x 2>&1",
        mounts=(Mount("/d", "/data", readonly=True, image=data.id), Mount("/f", "/", readonly=True, image=flat.id)),
    )  # fmt: skip
    assert said[:5] == ["one", "two", "one", "0", "0"]
    assert "Read-only file system" in said[5]


async def test_the_root_of_each_pod_is_another_user_of_the_host(runtime: HostRuntime, tmp_path: Path) -> None:
    one, two = await sandbox_of(runtime, tmp_path), await sandbox_of(runtime, tmp_path, FIRST + 65_536)
    left = await start(runtime, one, "exec sleep 100")
    right = await start(runtime, two, "exec sleep 100")
    users = [host_user(int((runtime._containers.get(each).run or {})["main_pid"])) for each in (left, right)]
    assert users == [str(FIRST), str(FIRST + 65_536)]


async def test_a_missing_program_is_told_and_nothing_runs_on(runtime: HostRuntime, tmp_path: Path) -> None:
    sandbox = await sandbox_of(runtime, tmp_path)
    with pytest.raises(StartFailed, match="no such file"):
        await start(runtime, sandbox, "", command=("/bin/missing",))


async def test_what_cannot_be_mapped_is_refused(runtime: HostRuntime, tmp_path: Path) -> None:
    sandbox = await sandbox_of(runtime, tmp_path)
    with pytest.raises(StartFailed, match="map the owners"):
        await start(runtime, sandbox, "true", mounts=(Mount("/vol", "/proc"),))


async def test_the_devices_of_the_host_stay_its_own(runtime: HostRuntime, tmp_path: Path) -> None:
    before = os.stat("/dev/null")
    sandbox = await sandbox_of(runtime, tmp_path)
    plain = await runtime.run_sandbox(SandboxConfig("q", "default", "plain", log_directory=str(tmp_path / "logs")))
    await output(runtime, sandbox, "echo x > /dev/null", security=Security(run_as_user=1234))
    await output(runtime, plain, "echo x > /dev/null", security=Security(run_as_user=1234))
    after = os.stat("/dev/null")
    assert (after.st_uid, after.st_gid) == (before.st_uid, before.st_gid) == (0, 0)
    assert stat.S_ISCHR(after.st_mode)


async def test_without_the_means_there_is_no_such_pod(tmp_path: Path) -> None:
    runtime = HostRuntime(tmp_path / "state", clock=SystemClock(), isolation=NONE)
    await runtime.start()
    try:
        assert (await runtime.status()).with_users == ()
        with pytest.raises(RuntimeFailure, match="no users of their own"):
            await sandbox_of(runtime, tmp_path)
    finally:
        await runtime.close()


async def test_the_whole_of_proc_can_be_shown(runtime: HostRuntime, tmp_path: Path) -> None:
    sandbox = await sandbox_of(runtime, tmp_path)
    script = "grep -c ' /proc/' /proc/self/mountinfo; id -u"
    hidden = await output(runtime, sandbox, script, image="host")
    shown = await output(runtime, sandbox, script, image="host", security=Security(unmasked_proc=True))
    assert int(hidden[0]) > 3
    assert shown == ["0", "0"]


async def test_a_privileged_container_is_so_in_its_pod_only(runtime: HostRuntime, tmp_path: Path) -> None:
    sandbox = await sandbox_of(runtime, tmp_path)
    script = "mount -t tmpfs x /mnt && echo mounted; echo 1 > /proc/sys/kernel/panic || echo refused"
    said = await output(runtime, sandbox, script, image="host", security=Security(privileged=True))
    assert "mounted" in said
    assert "refused" in said


async def test_the_first_process_can_have_a_terminal(runtime: HostRuntime, tmp_path: Path) -> None:
    sandbox = await sandbox_of(runtime, tmp_path)
    said = await output(runtime, sandbox, "tty; stat -c %u $(tty)", tty=True, security=Security(run_as_user=1000))
    assert said == ["/dev/pts/0", "1000"]
