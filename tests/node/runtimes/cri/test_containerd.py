"""The CRI runtime with a real containerd, which the test starts for itself."""

from __future__ import annotations

import asyncio
import os
import shutil
from collections.abc import AsyncIterator
from contextlib import closing
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from cloudk8s.machinery.clock import SystemClock
from cloudk8s.node.pods import naming
from cloudk8s.node.runtimes.cri.runtime import CriRuntime
from cloudk8s.node.runtimes.interface import (
    STDOUT,
    Container,
    ContainerConfig,
    Credentials,
    DNSConfig,
    ImagePullFailed,
    Mount,
    RegistryUnavailable,
    Resources,
    RuntimeFailure,
    SandboxConfig,
    Security,
    StartFailed,
    StreamOptions,
    UserRange,
)

from ..host.archives import programs
from ..host.registry import Registry
from .conftest import IMAGE, PREFIX

pytestmark = [
    pytest.mark.root,
    pytest.mark.skipif(os.geteuid() != 0, reason="containerd needs root"),
    pytest.mark.skipif(
        not shutil.which("containerd") or not shutil.which("runc"), reason="containerd is not installed"
    ),
]


@pytest.fixture
async def runtime(endpoint: str, tmp_path: Path) -> AsyncIterator[CriRuntime]:
    runtime = CriRuntime(endpoint, clock=SystemClock(), directory=tmp_path / "cri", is_network_given=True)
    await runtime.start()
    yield runtime
    for sandbox in await runtime.list_sandboxes():
        await runtime.remove_sandbox(sandbox.id)
    await runtime.close()


@pytest.fixture
async def sandbox(runtime: CriRuntime, tmp_path: Path) -> str:
    return await sandbox_with(runtime, tmp_path)


async def sandbox_with(runtime: CriRuntime, tmp_path: Path, handler: str = "", **more: Any) -> str:
    config = SandboxConfig(
        "pod", "default", "uid-1", hostname="in-cri", log_directory=str(tmp_path / "logs"),
        dns=DNSConfig(("10.96.0.10",)), labels={naming.POD_UID: "uid-1"}, cgroup_parent="poduid-1", **more,
    )  # fmt: skip
    return await runtime.run_sandbox(config, handler=handler)


async def test_it_tells_what_it_is(runtime: CriRuntime) -> None:
    assert (await runtime.version()).name == "containerd"
    status = await runtime.status()
    assert (status.ready, status.network_ready) == (True, True)


async def test_a_sandbox_has_an_address_and_can_be_found(runtime: CriRuntime, sandbox: str) -> None:
    (found,) = await runtime.list_sandboxes(pod_uid="uid-1")

    assert (found.id, found.state, found.name, found.uid) == (sandbox, "ready", "pod", "uid-1")
    assert found.ips[0].startswith(PREFIX)
    assert await runtime.list_sandboxes(pod_uid="other") == []
    await runtime.stop_sandbox(sandbox)
    assert (await runtime.list_sandboxes())[0].state == "notready"
    await runtime.remove_sandbox(sandbox)
    await runtime.remove_sandbox(sandbox)


async def test_nothing_is_kept_of_containers_that_went_with_their_sandbox(runtime: CriRuntime, sandbox: str) -> None:
    await run(runtime, sandbox, "true")
    running = await start(runtime, sandbox, ("sleep", "100"))
    await runtime.update_resources(running, Resources(memory_limit=64 << 20))
    assert (len(runtime._finished), len(runtime._resources)) == (1, 2)
    await runtime.remove_sandbox(sandbox)
    assert (runtime._finished, runtime._resources, runtime._sandboxes) == ({}, {}, {})


async def test_a_handler_can_be_chosen(runtime: CriRuntime, tmp_path: Path) -> None:
    sandbox = await sandbox_with(runtime, tmp_path, "other")
    assert (await runtime.list_sandboxes())[0].handler == "other"
    assert log(await run(runtime, sandbox, "hostname")) == "in-cri"
    running = await start(runtime, sandbox, ("sleep", "100"))
    done = await runtime.exec_sync(running, ("sh", "-c", "echo $0 in"), timedelta(seconds=20))
    assert done.stdout == b"sh in\n"
    await runtime.remove_sandbox(sandbox)


async def test_a_handler_that_is_not_there_is_told(runtime: CriRuntime, tmp_path: Path) -> None:
    with pytest.raises(RuntimeFailure, match="nowhere"):
        await sandbox_with(runtime, tmp_path, "nowhere")


@pytest.mark.parametrize("handler", ["", "other"])
async def test_a_pod_has_users_of_its_own(runtime: CriRuntime, tmp_path: Path, handler: str) -> None:
    if handler not in (await runtime.status()).with_users:
        pytest.skip("this containerd, or what it runs, gives no users")
    sandbox = await sandbox_with(runtime, tmp_path, handler, users=UserRange(1_000_000_000))
    (tmp_path / "v").mkdir()
    script = "id -u; cat /proc/self/uid_map; echo x > /v/made; stat -c %u /v/made /bin"
    said = log(await run(runtime, sandbox, script, mounts=(Mount("/v", str(tmp_path / "v")),))).split()
    assert said == ["0", "0", "1000000000", "65536", "0", "0"]
    assert (tmp_path / "v" / "made").stat().st_uid == 0

    later = CriRuntime(runtime._endpoint, clock=SystemClock(), is_network_given=True)
    await later.start()
    assert log(await run(later, sandbox, "cat /proc/self/uid_map")).split() == ["0", "1000000000", "65536"]
    await later.close()


async def test_a_container_runs_and_its_end_is_known(runtime: CriRuntime, sandbox: str, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("mounted\n")
    container = await run(
        runtime, sandbox, "hostname; cat /data; echo $X; id -u; exit 3", env=(("X", "y"),),
        mounts=(Mount("/data", str(tmp_path / "file"), readonly=True),), security=Security(run_as_user=1000),
    )  # fmt: skip

    assert (container.state, container.exit_code, container.reason, container.name) == ("exited", 3, "Error", "c")
    assert container.started_at is not None
    assert log(container).split() == ["in-cri", "mounted", "y", "1000"]


async def test_a_part_of_a_volume_is_held_from_when_it_was_looked_for(
    runtime: CriRuntime, sandbox: str, tmp_path: Path
) -> None:
    volume, secret = tmp_path / "volume", tmp_path / "secret"
    for directory in (volume / "part", secret):
        directory.mkdir(parents=True)
        (directory / "file").write_text(directory.name)
    part = Mount("/part", str(volume / "part"), below=str(volume))
    single = Mount("/single", str(volume / "part" / "file"), below=str(volume), readonly=True)
    config = ContainerConfig(
        "c", IMAGE, command=("sh", "-c", "cat /part/file /single; echo x > /part/made"), log_path="c-0.log",
        labels={naming.POD_UID: "uid-1", naming.CONTAINER_NAME: "c"}, mounts=(part, single),
    )  # fmt: skip
    container_id = await runtime.create_container(sandbox, config)
    (volume / "part").rename(volume / "gone")
    (volume / "part").symlink_to(secret)

    await runtime.start_container(container_id)
    assert log(await finished(runtime, container_id)) == "partpart"
    assert (volume / "gone" / "made").read_text() == "x\n"
    with pytest.raises(OSError, match="Too many levels of symbolic links"):
        await runtime.create_container(sandbox, replace(config, attempt=1))
    await runtime.stop_sandbox(sandbox)
    assert str(tmp_path / "cri") not in Path("/proc/self/mountinfo").read_text()
    assert (volume / "gone" / "file").exists()


async def test_the_image_says_what_to_run(runtime: CriRuntime, sandbox: str) -> None:
    assert log(await run(runtime, sandbox, "")) == "default"
    image = await runtime.image_status(IMAGE)
    assert image is not None
    assert IMAGE in image.tags
    assert image in await runtime.list_images()
    assert await runtime.image_status("cloudk8s.test/none:1") is None
    assert (await runtime.image_filesystem()).mountpoint


async def test_what_cannot_be_pulled_or_started_is_told(runtime: CriRuntime, sandbox: str) -> None:
    with pytest.raises((ImagePullFailed, RegistryUnavailable)):
        await runtime.pull_image("127.0.0.1:1/none:1")
    with pytest.raises(StartFailed, match="executable file not found"):
        await start(runtime, sandbox, ("no-such-program",))
    with pytest.raises(RuntimeFailure):
        await runtime.container_status("none")
    await runtime.stop_container("none", timedelta(0))
    await runtime.remove_container("none")


@pytest.mark.parametrize("scheme", ["basic", "bearer"])
async def test_an_image_is_pulled_with_a_login(runtime: CriRuntime, scheme: str) -> None:
    with closing(Registry()) as registry:
        registry.add("team/private", "1", [programs()], Env=["PATH=/bin"])
        registry.scheme = scheme
        name = f"{registry.host}/team/private:1"
        with pytest.raises((ImagePullFailed, RegistryUnavailable)):
            await runtime.pull_image(name)
        pulled = await runtime.pull_image(name, Credentials("me", "secret"))
    image = await runtime.image_status(name)
    assert image is not None
    assert pulled in (image.id, *image.digests)
    await runtime.remove_image(name)
    assert await runtime.image_status(name) is None


async def test_stop_lets_the_process_end(runtime: CriRuntime, sandbox: str) -> None:
    container_id = await start(runtime, sandbox, "trap 'exit 7' TERM; while :; do sleep 0.05; done")
    await asyncio.sleep(0.3)

    await runtime.stop_container(container_id, timedelta(seconds=10))

    assert (await runtime.container_status(container_id)).exit_code == 7
    await runtime.remove_container(container_id)
    assert await runtime.list_containers() == []


async def test_commands_run_inside_with_streams(runtime: CriRuntime, sandbox: str) -> None:
    container_id = await start(runtime, sandbox, "sleep 300")

    result = await runtime.exec_sync(container_id, ["sh", "-c", "echo out; echo err >&2; exit 4"], None)
    assert (result.exit_code, result.stdout, result.stderr) == (4, b"out\n", b"err\n")
    with pytest.raises(TimeoutError):
        await runtime.exec_sync(container_id, ["sleep", "300"], timedelta(seconds=1))

    session = await runtime.exec(container_id, ["sh", "-c", "cat; exit 5"], StreamOptions(stdin=True))
    await session.write(b"hello\n")
    await session.close_stdin()
    received = b""
    while (piece := await session.read()) is not None:
        received += piece[1] if piece[0] == STDOUT else b""
    assert received == b"hello\n"
    assert await session.wait() == 5
    await session.close()


async def test_a_port_where_nobody_listens_is_told(runtime: CriRuntime, sandbox: str) -> None:
    reader, writer = await runtime.port_forward(sandbox, 1)

    with pytest.raises(OSError, match="connection refused"):
        await reader.read()
    writer.close()


async def test_resources_and_statistics(runtime: CriRuntime, sandbox: str) -> None:
    container_id = await start(
        runtime, sandbox, "sleep 300", resources=Resources(cpu_shares=100, memory_limit=64 << 20)
    )

    await runtime.update_resources(container_id, Resources(cpu_shares=200, cpu_quota=20_000, memory_limit=80 << 20))

    (stats,) = [each for each in await runtime.container_stats() if each.id == container_id]
    assert stats.memory_working_set > 0
    assert stats.processes >= 1
    (network,) = (await runtime.network_stats())[sandbox]
    assert network.interface == "eth0"
    resources = (await runtime.container_status(container_id)).resources
    assert resources is not None
    assert resources.memory_limit == 80 << 20


async def test_who_stays_is_measured_while_others_go(runtime: CriRuntime, sandbox: str, tmp_path: Path) -> None:
    labels = {naming.POD_UID: "uid-2"}
    config = SandboxConfig("other", "default", "uid-2", log_directory=str(tmp_path / "logs"), labels=labels)
    other = await runtime.run_sandbox(config)
    going = asyncio.create_task(runtime.remove_sandbox(other))
    while not going.done():
        assert sandbox in await runtime.network_stats()
        await runtime.container_stats()
    assert set(await runtime.network_stats()) == {sandbox}


async def test_events_tell_of_starts_and_ends(runtime: CriRuntime, sandbox: str) -> None:
    events = runtime.events()
    waiting = asyncio.ensure_future(anext(events))
    await asyncio.sleep(0.1)
    await run(runtime, sandbox, "exit 0")

    async with asyncio.timeout(10):
        event = await waiting
        while event.type != "stopped":
            event = await anext(events)
    assert event.pod_uid == "uid-1"


async def start(runtime: CriRuntime, sandbox: str, script: str | tuple[str, ...], **fields: Any) -> str:
    command = script if isinstance(script, tuple) else ("sh", "-c", script) if script else ()
    attempt = len(await runtime.list_containers())
    labels = {naming.POD_UID: "uid-1", naming.CONTAINER_NAME: "c"}
    config = ContainerConfig(
        "c", IMAGE, command=command, attempt=attempt, log_path=f"c-{attempt}.log", labels=labels, **fields
    )
    container_id = await runtime.create_container(sandbox, config)
    await runtime.start_container(container_id)
    return container_id


async def run(runtime: CriRuntime, sandbox: str, script: str, **fields: Any) -> Container:
    return await finished(runtime, await start(runtime, sandbox, script, **fields))


async def finished(runtime: CriRuntime, container_id: str) -> Container:
    async with asyncio.timeout(30):
        while (container := await runtime.container_status(container_id)).state != "exited":
            await asyncio.sleep(0.05)
    return container


def log(container: Container) -> str:
    lines = Path(container.log_path).read_bytes().splitlines()
    return "\n".join(line.split(b" ", 3)[3].decode() for line in lines)
