"""The host runtime with real processes, without privileges."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from cloudk8s.machinery.clock import SystemClock
from cloudk8s.node.runtimes.host.isolation import NONE
from cloudk8s.node.runtimes.host.runtime import HostRuntime
from cloudk8s.node.runtimes.interface import (
    STDERR,
    STDOUT,
    Container,
    ContainerConfig,
    CreateFailed,
    ImageMissing,
    Resources,
    SandboxConfig,
    StartFailed,
    StreamOptions,
    UnknownId,
)

if sys.platform != "linux":
    pytest.skip("containers are Linux processes", allow_module_level=True)


@pytest.fixture
async def runtime(tmp_path: Path) -> AsyncIterator[HostRuntime]:
    runtime = HostRuntime(tmp_path / "state", clock=SystemClock(), isolation=NONE)
    await runtime.start()
    yield runtime
    for sandbox in await runtime.list_sandboxes():
        await runtime.remove_sandbox(sandbox.id)
    await runtime.close()


@pytest.fixture
async def sandbox(runtime: HostRuntime, tmp_path: Path) -> str:
    return await runtime.run_sandbox(SandboxConfig("pod", "default", "uid-1", log_directory=str(tmp_path / "logs")))


async def test_output_is_logged_line_by_line_with_stream_and_time(runtime: HostRuntime, sandbox: str) -> None:
    container = await run(runtime, sandbox, "echo out; echo err >&2; printf end")

    lines = Path(container.log_path).read_text().splitlines()

    assert [line.split(" ", 1)[1] for line in lines if " stdout " in line] == ["stdout F out", "stdout P end"]
    assert [line.split(" ", 1)[1] for line in lines if " stderr " in line] == ["stderr F err"]
    assert lines[0].split(" ")[0].endswith("Z")


@pytest.mark.parametrize(("script", "code", "reason"), [("exit 0", 0, "Completed"), ("exit 3", 3, "Error")])
async def test_exit_code_and_reason_are_kept(
    runtime: HostRuntime, sandbox: str, script: str, code: int, reason: str
) -> None:
    container = await run(runtime, sandbox, script)

    assert (container.state, container.exit_code, container.reason) == ("exited", code, reason)
    assert container.finished_at is not None
    assert container.started_at is not None
    assert container.finished_at >= container.started_at


async def test_a_missing_program_exits_with_128_and_says_which(runtime: HostRuntime, sandbox: str) -> None:
    container_id = await runtime.create_container(sandbox, ContainerConfig("c", "host", command=("no-such-program",)))

    with pytest.raises(StartFailed, match=r'exec: "no-such-program": executable file not found in \$PATH'):
        await runtime.start_container(container_id)

    container = await runtime.container_status(container_id)
    assert (container.state, container.exit_code, container.reason) == ("exited", 128, "StartError")


async def test_the_host_image_has_no_command_of_its_own(runtime: HostRuntime, sandbox: str) -> None:
    with pytest.raises(CreateFailed, match="no command specified"):
        await runtime.create_container(sandbox, ContainerConfig("c", "host"))


async def test_an_image_that_is_not_here_is_missing(runtime: HostRuntime, sandbox: str) -> None:
    assert await runtime.image_status("nginx:1.27") is None
    with pytest.raises(ImageMissing):
        await runtime.create_container(sandbox, ContainerConfig("c", "nginx:1.27"))


async def test_stop_sends_the_stop_signal_and_lets_the_process_end(runtime: HostRuntime, sandbox: str) -> None:
    script = "trap 'echo bye; exit 7' USR1; echo ready; while :; do sleep 0.05; done"
    container_id = await start(runtime, sandbox, script, stop_signal="SIGUSR1")
    await log_has(runtime, container_id, "ready")

    await runtime.stop_container(container_id, timedelta(seconds=10))

    container = await runtime.container_status(container_id)
    assert container.exit_code == 7
    assert "bye" in Path(container.log_path).read_text()


async def test_stop_kills_what_ignores_the_signal_and_its_children(runtime: HostRuntime, sandbox: str) -> None:
    script = "trap '' TERM; (setsid sleep 300 & echo child $!); echo ready; while :; do sleep 0.05; done"
    container_id = await start(runtime, sandbox, script)
    await log_has(runtime, container_id, "ready")

    await runtime.stop_container(container_id, timedelta(seconds=0.2))

    container = await runtime.container_status(container_id)
    assert container.exit_code == 137
    child = next(line.split()[-1] for line in Path(container.log_path).read_text().splitlines() if "child" in line)
    assert not Path(f"/proc/{child}").exists()


async def test_exec_runs_with_the_containers_environment(runtime: HostRuntime, sandbox: str) -> None:
    container_id = await start(runtime, sandbox, "sleep 300", env=(("COLOUR", "blue"),))

    result = await runtime.exec_sync(container_id, ["sh", "-c", "echo $COLOUR; echo oops >&2; exit 4"], None)

    assert (result.exit_code, result.stdout, result.stderr) == (4, b"blue\n", b"oops\n")


async def test_exec_is_killed_after_its_timeout(runtime: HostRuntime, sandbox: str) -> None:
    container_id = await start(runtime, sandbox, "sleep 300")

    with pytest.raises(TimeoutError):
        await runtime.exec_sync(container_id, ["sh", "-c", "sleep 321"], timedelta(seconds=0.1))

    result = await runtime.exec_sync(container_id, ["sh", "-c", "pgrep -f 'sleep 32[1]' || true"], None)
    assert result.stdout == b""


async def test_exec_streams_stdin_and_output(runtime: HostRuntime, sandbox: str) -> None:
    container_id = await start(runtime, sandbox, "sleep 300")
    session = await runtime.exec(container_id, ["cat"], StreamOptions(stdin=True))

    await session.write(b"x" * 300_000)
    await session.close_stdin()
    received = b""
    while (piece := await session.read()) is not None:
        assert piece[0] == STDOUT
        received += piece[1]

    assert received == b"x" * 300_000
    assert await session.wait() == 0
    await session.close()


async def test_exec_with_a_terminal_has_its_size(runtime: HostRuntime, sandbox: str) -> None:
    container_id = await start(runtime, sandbox, "sleep 300")
    session = await runtime.exec(
        container_id, ["sh", "-c", "read x; stty size"], StreamOptions(stdin=True, stderr=False, tty=True)
    )
    session.resize(120, 40)

    await session.write(b"\n")
    output = await read_all(session)

    assert b"40 120" in output[STDOUT]
    assert await session.wait() == 0
    await session.close()


async def test_exec_of_a_missing_program_fails(runtime: HostRuntime, sandbox: str) -> None:
    container_id = await start(runtime, sandbox, "sleep 300")

    with pytest.raises(StartFailed, match="executable file not found"):
        await runtime.exec(container_id, ["no-such-program"], StreamOptions())


async def test_attach_reads_and_writes_the_first_process(runtime: HostRuntime, sandbox: str) -> None:
    container_id = await start(runtime, sandbox, "while read line; do echo got $line; echo e >&2; done", stdin=True)
    session = await runtime.attach(container_id, StreamOptions(stdin=True))

    await session.write(b"hello\n")
    first = [await session.read(), await session.read()]
    await session.close()

    assert sorted(piece for piece in first if piece) == [(STDOUT, b"got hello\n"), (STDERR, b"e\n")]
    assert (await runtime.container_status(container_id)).state == "running"


async def test_stdin_ends_with_the_first_attach_where_it_is_once(runtime: HostRuntime, sandbox: str) -> None:
    container_id = await start(runtime, sandbox, "cat; echo done", stdin=True, stdin_once=True)
    session = await runtime.attach(container_id, StreamOptions(stdin=True))
    await session.write(b"hello\n")
    await session.close_stdin()

    container = await ended(runtime, container_id)
    await session.close()

    assert container.exit_code == 0
    assert [line.split(" ", 3)[3] for line in Path(container.log_path).read_text().splitlines()] == ["hello", "done"]


async def test_an_attach_ends_with_its_input_where_others_may_come(runtime: HostRuntime, sandbox: str) -> None:
    container_id = await start(runtime, sandbox, "cat; echo done", stdin=True)
    for word in (b"one\n", b"two\n"):
        session = await runtime.attach(container_id, StreamOptions(stdin=True))
        await session.write(word)
        assert await session.read() == (STDOUT, word)
        await session.close_stdin()
        async with asyncio.timeout(5):
            assert await session.read() is None
        await session.close()

    assert (await runtime.container_status(container_id)).state == "running"


async def test_an_attach_ends_where_its_input_and_the_container_end_at_once(runtime: HostRuntime, sandbox: str) -> None:
    container_id = await start(runtime, sandbox, "read line", stdin=True)
    session = await runtime.attach(container_id, StreamOptions(stdin=True))
    await session.write(b"go\n")
    await session.close_stdin()
    await ended(runtime, container_id)
    async with asyncio.timeout(5):
        await asyncio.gather(*session._pumps)  # type: ignore[attr-defined]
        assert await session.read() is None
    await session.close()


async def test_containers_are_adopted_after_the_agent_died(tmp_path: Path) -> None:
    first = HostRuntime(tmp_path / "state", clock=SystemClock(), isolation=NONE)
    await first.start()
    sandbox = await first.run_sandbox(SandboxConfig("pod", "default", "uid-1", log_directory=str(tmp_path / "logs")))
    goes_on = await start(first, sandbox, "echo ready; read x; exit 5", name="a", stdin=True)
    ends_alone = await start(first, sandbox, "sleep 0.2; exit 6", name="b")
    await first.close()
    await asyncio.sleep(0.5)

    second = HostRuntime(tmp_path / "state", clock=SystemClock(), isolation=NONE)
    await second.start()

    assert (await second.container_status(goes_on)).state == "running"
    assert (await second.container_status(ends_alone)).exit_code == 6
    session = await second.attach(goes_on, StreamOptions(stdin=True))
    await session.write(b"\n")
    assert (await ended(second, goes_on)).exit_code == 5
    await session.close()
    await second.remove_sandbox(sandbox)
    await second.close()
    assert await second.list_containers() == []


async def test_limits_that_were_changed_are_known_to_the_next_agent(tmp_path: Path) -> None:
    first = HostRuntime(tmp_path / "state", clock=SystemClock(), isolation=NONE)
    await first.start()
    sandbox = await first.run_sandbox(SandboxConfig("pod", "default", "uid-1", log_directory=str(tmp_path / "logs")))
    container_id = await start(first, sandbox, "sleep 300", resources=Resources(memory_limit=64 << 20))
    await first.update_resources(container_id, Resources(memory_limit=80 << 20))
    await first.close()

    second = HostRuntime(tmp_path / "state", clock=SystemClock(), isolation=NONE)
    await second.start()
    assert (await second.container_status(container_id)).resources == Resources(memory_limit=80 << 20)
    await second.remove_sandbox(sandbox)
    await second.close()


async def test_a_container_whose_shim_was_killed_is_dead(runtime: HostRuntime, sandbox: str) -> None:
    container_id = await start(runtime, sandbox, "echo $$; sleep 300")
    await log_has(runtime, container_id, "stdout")
    container = await runtime.container_status(container_id)
    pid = int(Path(container.log_path).read_text().split()[-1])

    os.kill(parent(pid), signal.SIGKILL)

    container = await ended(runtime, container_id)
    assert (container.exit_code, container.reason) == (137, "ContainerStatusUnknown")


async def test_events_tell_of_start_and_end(runtime: HostRuntime, sandbox: str) -> None:
    container = await run(runtime, sandbox, "exit 0")
    events = runtime.events()

    seen = [await anext(events) for _ in range(4)]

    assert [(event.type, event.pod_uid) for event in seen if event.container_id == container.id] == [
        ("created", "uid-1"),
        ("started", "uid-1"),
        ("stopped", "uid-1"),
    ]


async def test_the_log_goes_on_in_a_new_file_after_rotation(runtime: HostRuntime, sandbox: str) -> None:
    container_id = await start(runtime, sandbox, "echo one; read x; echo two", stdin=True)
    await log_has(runtime, container_id, "one")
    path = Path((await runtime.container_status(container_id)).log_path)
    path.rename(path.with_suffix(".1"))
    await runtime.reopen_log(container_id)
    session = await runtime.attach(container_id, StreamOptions(stdin=True))
    await session.write(b"\n")
    await ended(runtime, container_id)
    await session.close()

    assert "two" in path.read_text()
    assert "two" not in path.with_suffix(".1").read_text()


async def test_port_forward_reaches_a_listener(runtime: HostRuntime, sandbox: str) -> None:
    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(await reader.readline())
        writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]

    reader, writer = await runtime.port_forward(sandbox, port)
    writer.write(b"ping\n")

    assert await reader.readline() == b"ping\n"
    writer.close()
    server.close()
    with pytest.raises(OSError, match="refused"):
        await runtime.port_forward(sandbox, port)


async def test_stats_count_the_whole_tree(runtime: HostRuntime, sandbox: str) -> None:
    container_id = await start(runtime, sandbox, "sleep 300 & echo ready; wait")
    await log_has(runtime, container_id, "ready")

    (stats,) = await runtime.container_stats()

    assert (stats.id, stats.processes) == (container_id, 2)
    assert stats.memory_working_set > 0


async def test_unknown_ids_are_told_from_finished_work(runtime: HostRuntime) -> None:
    await runtime.stop_container("none", timedelta(0))
    await runtime.remove_container("none")
    await runtime.remove_sandbox("none")
    with pytest.raises(UnknownId):
        await runtime.container_status("none")


async def start(runtime: HostRuntime, sandbox: str, script: str, *, name: str = "c", **fields: Any) -> str:
    config = ContainerConfig(
        name, "host", command=("sh", "-c", script), log_path=f"{name}/0.log",
        labels={"io.kubernetes.pod.uid": "uid-1"}, **fields,
    )  # fmt: skip
    container_id = await runtime.create_container(sandbox, config)
    await runtime.start_container(container_id)
    return container_id


async def run(runtime: HostRuntime, sandbox: str, script: str) -> Container:
    return await ended(runtime, await start(runtime, sandbox, script))


async def ended(runtime: HostRuntime, container_id: str) -> Container:
    async with asyncio.timeout(20):
        while (container := await runtime.container_status(container_id)).state != "exited":
            await asyncio.sleep(0.01)
        return container


async def log_has(runtime: HostRuntime, container_id: str, text: str) -> None:
    path = Path((await runtime.container_status(container_id)).log_path)
    async with asyncio.timeout(20):
        while text not in path.read_text():
            await asyncio.sleep(0.01)


async def read_all(session: Any) -> dict[int, bytes]:
    output = {STDOUT: b"", STDERR: b""}
    while (piece := await session.read()) is not None:
        output[piece[0]] += piece[1]
    return output


def parent(pid: int) -> int:
    return int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])
