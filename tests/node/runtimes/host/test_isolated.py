"""The host runtime with all the isolation that root gets."""

from __future__ import annotations

import asyncio
import errno
import os
import socket
import subprocess
from collections.abc import AsyncIterator, Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from cloudk8s.machinery.clock import SystemClock
from cloudk8s.node.runtimes.host import cgroups
from cloudk8s.node.runtimes.host.bridge import Bridge
from cloudk8s.node.runtimes.host.images import archive
from cloudk8s.node.runtimes.host.records import SandboxRecord
from cloudk8s.node.runtimes.host.runtime import HostRuntime
from cloudk8s.node.runtimes.interface import (
    Container,
    ContainerConfig,
    CreateFailed,
    DNSConfig,
    Mount,
    Namespaces,
    PortMapping,
    Resources,
    RuntimeFailure,
    SandboxConfig,
    Security,
    StartFailed,
    StreamOptions,
)

from .archives import docker_archive, layer, programs

pytestmark = [
    pytest.mark.root,
    pytest.mark.skipif(os.geteuid() != 0, reason="namespaces, mounts and cgroups of the host need root"),
]
_OWN = os.getpid()
CIDR, OTHER_CIDR = (f"10.{kind + _OWN % 20}.{_OWN // 20 % 256}.0/24" for kind in (200, 220))
"""Ranges and ports of this process: several may test on one host."""
PORT = 20_000 + _OWN % 5_000 * 2


@pytest.fixture(scope="module")
def image(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("image") / "tools.tar"
    env = ["PATH=/bin", "FROM_IMAGE=yes"]
    return docker_archive(
        path, [programs()], tag="tools:1", Env=env, Cmd=["sh", "-c", "echo default"], WorkingDir="/work"
    )


@pytest.fixture
async def runtime(tmp_path: Path, image: Path) -> AsyncIterator[HostRuntime]:
    runtime = HostRuntime(tmp_path / "state", clock=SystemClock(), node_name=f"test-{os.getpid()}")
    await runtime.start()
    if not (await runtime.status()).ready or runtime._isolation.missing:
        pytest.skip(f"this host does not give: {runtime._isolation.missing}")
    await runtime.update_pod_cidr([CIDR])
    archive.load(runtime._images.store, image)
    yield runtime
    await runtime.purge()
    await runtime.close()


@pytest.fixture
async def sandbox(runtime: HostRuntime, tmp_path: Path) -> str:
    return await make_sandbox(runtime, tmp_path)


async def make_sandbox(runtime: HostRuntime, tmp_path: Path, uid: str = "uid-1", **fields: Any) -> str:
    config = SandboxConfig(
        f"pod-{uid}", "default", uid, hostname=f"host-{uid}", log_directory=str(tmp_path / "logs" / uid),
        dns=DNSConfig(("10.96.0.10",), ("svc.cluster.local",), ("ndots:5",)), cgroup_parent=f"pod{uid}", **fields,
    )  # fmt: skip
    return await runtime.run_sandbox(config)


async def test_the_image_gives_root_environment_command_and_directory(runtime: HostRuntime, sandbox: str) -> None:
    assert await output(runtime, sandbox, "") == "default"
    assert (
        await output(runtime, sandbox, "echo $FROM_IMAGE $HOSTNAME; readlink /proc/self/cwd") == "yes host-uid-1\n/work"
    )
    assert "etc" in (await output(runtime, sandbox, "ls /")).split()
    assert not (await output(runtime, sandbox, "ls /; ls /proc/1/root/ | cat")).count("pyproject")


async def test_processes_hosts_names_and_files_are_the_containers_own(runtime: HostRuntime, sandbox: str) -> None:
    assert await output(runtime, sandbox, "echo $$") == "1"
    assert await output(runtime, sandbox, "hostname; cat /etc/hostname") == "host-uid-1\nhost-uid-1"
    resolver = await output(runtime, sandbox, "cat /etc/resolv.conf")
    assert resolver == "search svc.cluster.local\nnameserver 10.96.0.10\noptions ndots:5"
    assert await output(runtime, sandbox, "touch /made; ls /made") == "/made"
    assert "No such file" in await output(runtime, sandbox, "ls /made 2>&1")


async def test_a_pod_has_an_address_that_answers_and_its_containers_share_it(
    runtime: HostRuntime, tmp_path: Path, sandbox: str
) -> None:
    other = await make_sandbox(runtime, tmp_path, "uid-2")
    ips = {each.id: each.ips[0] for each in await runtime.list_sandboxes()}
    assert len(set(ips.values())) == 2
    script = (
        "import http.server as h, socketserver as s; s.TCPServer(('', 80), h.SimpleHTTPRequestHandler).serve_forever()"
    )
    await start(runtime, sandbox, ("python3", "-c", script), image="host", name="server")

    for source, target in ((None, ips[sandbox]), (sandbox, "127.0.0.1"), (other, ips[sandbox])):
        code = f"import urllib.request as u; print(u.urlopen('http://{target}/', timeout=5).status)"
        command = ("sh", "-c", f'for i in 1 2 3 4 5; do python3 -c "{code}" && break; sleep 0.2; done')
        if source is None:
            done = await asyncio.to_thread(subprocess.run, command, capture_output=True, text=True, check=False)
            result = str(done.stdout).strip()
        else:
            result = await output(runtime, source, command, image="host")
        assert result.splitlines()[-1] == "200"

    reader, writer = await runtime.port_forward(sandbox, 80)
    writer.write(b"HEAD / HTTP/1.0\r\n\r\n")
    assert b"200 OK" in await reader.read()
    writer.close()


async def test_volumes_are_mounted_and_readonly_ones_cannot_be_written(
    runtime: HostRuntime, sandbox: str, tmp_path: Path
) -> None:
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "file").write_text("content\n")
    (tmp_path / "single").write_text("one file\n")
    mounts = (
        Mount("/deep/down/data", str(tmp_path / "data"), readonly=True),
        Mount("/etc/resolv.conf", str(tmp_path / "single")),
    )
    script = "cat /deep/down/data/file /etc/resolv.conf; touch /deep/down/data/x 2>&1 | cat"

    shown = await output(runtime, sandbox, script, mounts=mounts)
    on_host = await output(runtime, sandbox, script, mounts=mounts, image="host")

    assert shown.splitlines()[:2] == ["content", "one file"]
    assert "Read-only file system" in shown
    assert on_host == shown
    assert not Path("/deep").exists()


async def test_a_part_of_a_volume_is_never_a_link_that_came_later(
    runtime: HostRuntime, sandbox: str, tmp_path: Path
) -> None:
    volume, secret = tmp_path / "volume", tmp_path / "secret"
    for directory in (volume / "part" / "of", secret / "of"):
        directory.mkdir(parents=True)
    (volume / "part" / "of" / "file").write_text("ours\n")
    (secret / "of" / "file").write_text("the host's\n")
    part = Mount("/part", str(volume / "part" / "of"), below=str(volume))
    single = Mount("/single", str(volume / "part" / "of" / "file"), below=str(volume), readonly=True)
    for image in ("tools:1", "host"):
        shown = await output(runtime, sandbox, "cat /part/file /single", mounts=(part, single), image=image)
        assert shown == "ours\nours"

    (volume / "part").rename(volume / "gone")
    (volume / "part").symlink_to(secret)

    for mount in (part, single):
        with pytest.raises(StartFailed, match="Too many levels of symbolic links"):
            await start(runtime, sandbox, "cat /part/file /single", mounts=(mount,))


async def test_the_host_image_is_the_hosts_own_tree(runtime: HostRuntime, sandbox: str, tmp_path: Path) -> None:
    (tmp_path / "seen").write_text("by the container")

    assert await output(runtime, sandbox, f"cat {tmp_path}/seen", image="host") == "by the container"
    assert await output(runtime, sandbox, "echo $$", image="host") == "1"


@pytest.mark.parametrize(
    ("security", "shown"),
    [
        (Security(), "uid=0 gid=0 groups=0"),
        (Security(run_as_user=1002), "uid=1002 gid=0 groups=0"),
        (Security(run_as_user=1001, run_as_group=2002), "uid=1001 gid=2002 groups=2002"),
        (Security(run_as_username="web"), "uid=1000 gid=1001 groups=1001,3000"),
        (Security(run_as_user=1000, supplemental_groups=(77,)), "uid=1000 gid=1001 groups=1001,3000,77"),
        (Security(run_as_user=1000, supplemental_groups=(77,), strict_groups=True), "uid=1000 gid=1001 groups=1001,77"),
    ],
)
async def test_users_and_groups(runtime: HostRuntime, sandbox: str, security: Security, shown: str) -> None:
    script = 'echo "uid=$(id -u) gid=$(id -g) groups=$(id -G)"'

    result = await output(runtime, sandbox, script, security=security)

    assert sorted(result.replace(" ", ",").split(",")) == sorted(shown.replace(" ", ",").split(","))


async def test_the_user_reaches_its_output_and_is_reported(runtime: HostRuntime, sandbox: str) -> None:
    container = await run(runtime, sandbox, "echo through > /dev/stdout", security=Security(run_as_user=1000))

    assert log(container) == "through"
    assert container.user == (1000, 1001, (1001, 3000))


async def test_a_readonly_root_refuses_writing(runtime: HostRuntime, sandbox: str) -> None:
    result = await output(runtime, sandbox, "touch /file 2>&1", security=Security(readonly_root=True))

    assert "Read-only file system" in result


async def test_capabilities_are_limited_unless_privileged(runtime: HostRuntime, sandbox: str) -> None:
    script = "mount -t tmpfs none /tmp 2>&1 && echo mounted"

    assert "mounted" not in await output(runtime, sandbox, script)
    assert await output(runtime, sandbox, script, security=Security(privileged=True)) == "mounted"
    shown = "while read k v; do case $k in CapEff:) echo $v;; esac; done < /proc/self/status"
    assert await output(runtime, sandbox, shown, security=Security(capabilities_drop=("ALL",))) == "0" * 16


async def test_no_new_privileges_is_set(runtime: HostRuntime, sandbox: str) -> None:
    script = "while read k v; do case $k in NoNewPrivs:) echo $v;; esac; done < /proc/self/status"

    assert await output(runtime, sandbox, script, security=Security(no_new_privileges=True)) == "1"


async def test_a_container_beyond_its_memory_is_killed_as_such(runtime: HostRuntime, sandbox: str) -> None:
    command = ("python3", "-c", "x = bytearray(300 << 20)")

    container = await run(runtime, sandbox, command, image="host", resources=Resources(memory_limit=40 << 20))

    assert (container.exit_code, container.reason) == (137, "OOMKilled")


async def test_limits_are_written_and_can_change(runtime: HostRuntime, sandbox: str) -> None:
    limits = Resources(cpu_shares=204, cpu_quota=20_000, memory_limit=64 << 20)
    container_id = await start(runtime, sandbox, "sleep 300", resources=limits)
    groups = runtime._containers.get(container_id).record.cgroups
    assert quota_and_memory(groups) == ["20000", str(64 << 20)]

    await runtime.update_resources(container_id, Resources(cpu_quota=30_000, memory_limit=80 << 20))

    assert quota_and_memory(groups) == ["30000", str(80 << 20)]
    (stats,) = await runtime.container_stats()
    assert stats.memory_working_set > 0
    assert stats.processes >= 1


def quota_and_memory(groups: Sequence[str]) -> list[str]:
    """The limits in force, of either version."""
    names = ("cpu.cfs_quota_us", "cpu.max", "memory.limit_in_bytes", "memory.max")
    files = [Path(group) / name for name in names for group in groups]
    return [file.read_text().split()[0] for file in files if file.exists()]


async def test_a_container_starts_no_more_processes_than_its_limit(runtime: HostRuntime, sandbox: str) -> None:
    script = "for i in 1 2 3 4 5 6 7 8; do sleep 5 & done; echo all"

    container = await run(runtime, sandbox, script, resources=Resources(pids_limit=4))

    assert container.exit_code != 0
    assert "all" not in log(container).splitlines()


async def test_the_pods_memory_ends_the_container_that_takes_it(runtime: HostRuntime, tmp_path: Path) -> None:
    sandbox = await make_sandbox(runtime, tmp_path, "uid-8", resources=Resources(memory_limit=60 << 20))
    await start(runtime, sandbox, "sleep 300", name="modest")

    greedy = await run(runtime, sandbox, ("python3", "-c", "x = bytearray(300 << 20)"), name="greedy", image="host")

    assert (greedy.exit_code, greedy.reason) == (137, "OOMKilled")
    assert [each.name for each in await runtime.list_containers() if each.state == "running"] == ["modest"]


async def test_all_pods_together_have_no_more_than_their_node(runtime: HostRuntime, sandbox: str) -> None:
    assert await runtime.limit_pods(Resources(cpu_shares=2048, memory_limit=60 << 20, pids_limit=500))
    await start(runtime, sandbox, "sleep 300", name="modest")

    greedy = await run(runtime, sandbox, ("python3", "-c", "x = bytearray(300 << 20)"), name="greedy", image="host")

    assert (greedy.exit_code, greedy.reason) == (137, "OOMKilled")
    assert [each.name for each in await runtime.list_containers() if each.state == "running"] == ["modest"]
    pids = [path / "pids.max" for path in runtime._groups.roots if (path / "pids.max").exists()]
    assert [path.read_text().strip() for path in pids] == ["500"]


async def test_memory_that_is_in_use_is_not_taken_away(runtime: HostRuntime, sandbox: str) -> None:
    command = ("python3", "-c", "import time; x = bytearray(60 << 20); print('full', flush=True); time.sleep(300)")
    container_id = await start(runtime, sandbox, command, image="host", resources=Resources(memory_limit=100 << 20))
    async with asyncio.timeout(10):
        while "full" not in Path((await runtime.container_status(container_id)).log_path).read_text():
            await asyncio.sleep(0.05)

    await runtime.update_sandbox(sandbox, Resources(memory_limit=20 << 20))
    with pytest.raises(RuntimeFailure, match="below current usage"):
        await runtime.update_resources(container_id, Resources(memory_limit=20 << 20))

    assert (await runtime.container_status(container_id)).state == "running"
    resources = (await runtime.container_status(container_id)).resources
    assert resources is not None
    assert resources.memory_limit == 100 << 20


async def test_what_a_container_wrote_into_its_own_files_is_measured(runtime: HostRuntime, sandbox: str) -> None:
    await start(runtime, sandbox, "for i in 1 2 3; do head -c 1000000 /dev/zero > /f$i; done; echo done; sleep 300")
    (container,) = await runtime.list_containers()
    async with asyncio.timeout(10):
        while "done" not in Path(container.log_path).read_text():
            await asyncio.sleep(0.05)

    (stats,) = await runtime.container_stats()

    assert 3_000_000 <= stats.writable_layer_bytes < 3_200_000
    assert stats.writable_layer_inodes >= 3


async def test_exec_enters_the_container(runtime: HostRuntime, sandbox: str) -> None:
    container_id = await start(runtime, sandbox, "touch /inside; sleep 300", security=Security(run_as_user=0))

    result = await runtime.exec_sync(
        container_id,
        ["sh", "-c", "until test -e /inside; do sleep 0.01; done; ls /inside; hostname; id -u; cat /proc/1/cmdline"],
        timedelta(seconds=10),
    )

    lines = result.stdout.decode().splitlines()
    assert lines[:3] == ["/inside", "host-uid-1", "0"]
    assert "sleep" in lines[3]
    with pytest.raises(TimeoutError):
        await runtime.exec_sync(container_id, ["sleep", "300"], timedelta(seconds=0.2))


async def test_a_terminal_has_a_name_in_the_container(runtime: HostRuntime, sandbox: str) -> None:
    container = await run(runtime, sandbox, "readlink /proc/self/fd/0; ls /dev/pts", tty=True, stdin=True)
    assert log(container).split() == ["/dev/pts/0", "0", "ptmx"]

    container_id = await start(runtime, sandbox, "sleep 300")
    options = StreamOptions(stdin=True, stderr=False, tty=True)
    session = await runtime.exec(container_id, ["sh", "-c", "readlink /proc/self/fd/0; test -t 0 && echo yes"], options)
    seen = b""
    while (piece := await session.read()) is not None:
        seen += piece[1]
    assert seen.split() == [b"/dev/pts/0", b"yes"]
    assert await session.wait() == 0
    await session.close()


async def test_containers_may_share_processes(runtime: HostRuntime, tmp_path: Path) -> None:
    shared = await make_sandbox(runtime, tmp_path, "uid-3", namespaces=Namespaces(pid="pod"))
    namespaces = Namespaces(pid="pod")
    await start(runtime, shared, "sleep 299", name="a", namespaces=namespaces)

    seen = await output(runtime, shared, "cat /proc/*/cmdline", name="b", namespaces=namespaces)

    assert "sleep\x00299" in seen


async def test_shared_memory_is_the_pods(runtime: HostRuntime, sandbox: str) -> None:
    await run(runtime, sandbox, "echo hello > /dev/shm/note")

    assert await output(runtime, sandbox, "cat /dev/shm/note") == "hello"


async def test_a_sysctl_is_set_for_the_pod_only(runtime: HostRuntime, tmp_path: Path) -> None:
    before = Path("/proc/sys/kernel/shm_rmid_forced").read_text()
    tuned = await make_sandbox(runtime, tmp_path, "uid-4", sysctls={"kernel.shm_rmid_forced": "1"})

    assert await output(runtime, tuned, "cat /proc/sys/kernel/shm_rmid_forced") == "1"
    assert Path("/proc/sys/kernel/shm_rmid_forced").read_text() == before


async def test_the_nodes_network_can_be_used(runtime: HostRuntime, tmp_path: Path) -> None:
    namespaces = Namespaces(network="node")
    plain = await make_sandbox(runtime, tmp_path, "uid-5", namespaces=namespaces)

    shown = await output(runtime, plain, "readlink /proc/self/ns/net", namespaces=namespaces)

    assert shown == os.readlink("/proc/self/ns/net")


async def test_nothing_stays_of_a_sandbox_that_could_not_be_finished(
    runtime: HostRuntime, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    holders: list[int] = []

    async def refuse(record: SandboxRecord) -> None:
        assert record.holder is not None
        holders.append(int(record.holder["pid"]))
        raise RuntimeFailure("nft refused the pod network's rules")

    monkeypatch.setattr(runtime._network, "open_ports", refuse)
    with pytest.raises(RuntimeFailure, match="nft refused"):
        await make_sandbox(runtime, tmp_path)

    async with asyncio.timeout(5):
        while Path(f"/proc/{holders[0]}").exists() and "Z" not in Path(f"/proc/{holders[0]}/stat").read_text():
            await asyncio.sleep(0.02)
    assert await runtime.list_sandboxes() == []
    assert not list((tmp_path / "state" / "sandboxes").glob("*"))


async def test_a_handler_that_is_not_there_is_refused(runtime: HostRuntime, tmp_path: Path) -> None:
    config = SandboxConfig("pod", "default", "uid-h", log_directory=str(tmp_path / "logs"))
    with pytest.raises(RuntimeFailure, match='no runtime for "gvisor" is configured'):
        await runtime.run_sandbox(config, handler="gvisor")
    await runtime.run_sandbox(config, handler="host")


async def test_a_missing_program_is_told(runtime: HostRuntime, sandbox: str) -> None:
    with pytest.raises(StartFailed, match="executable file not found"):
        await start(runtime, sandbox, ("no-such-program",))


async def test_nothing_is_left_in_the_kernel(tmp_path: Path, image: Path) -> None:
    directory, name = tmp_path / "state", f"left-{os.getpid()}"
    runtime = HostRuntime(directory, clock=SystemClock(), node_name=name)
    await runtime.start()
    await runtime.update_pod_cidr([OTHER_CIDR])
    sandbox = await make_sandbox(runtime, tmp_path)
    await start(runtime, sandbox, "sleep 300", image="host")
    bridge = Bridge(directory)
    made = kernel_traces(directory, bridge, sandbox, name)
    assert all(made)

    await runtime.purge()
    await runtime.close()

    assert not any(kernel_traces(directory, bridge, sandbox, name))


async def test_the_nodes_address_on_the_pods_link_stays_whatever_pods_come(
    tmp_path: Path, runtime: HostRuntime, sandbox: str
) -> None:
    """By nature a bridge has the lowest address of its ports; pods that know another are cut off for half a minute."""
    port = f"veth{sandbox[:11]}"
    here = Path("/sys/class/net", port, "master/address")
    before = here.read_text()
    await asyncio.to_thread(subprocess.run, ["ip", "link", "set", port, "address", "02:00:00:00:00:01"], check=True)
    await make_sandbox(runtime, tmp_path, uid="another")
    assert here.read_text() == before


async def test_a_pod_with_the_address_of_one_that_has_gone_is_reached_at_once(
    tmp_path: Path, runtime: HostRuntime
) -> None:
    """Who talked to the former pod remembers its hardware address for a while."""
    await runtime.update_pod_cidr([OTHER_CIDR.replace("/24", "/30")])  # one address beside the node's
    for uid in ("one", "another"):
        sandbox = await make_sandbox(runtime, tmp_path, uid=uid)
        (made,) = await runtime.list_sandboxes()
        assert await asyncio.to_thread(answer_of, made.ips[0]) == errno.ECONNREFUSED
        await runtime.stop_sandbox(sandbox)
        await runtime.remove_sandbox(sandbox)


def answer_of(address: str) -> int:
    """What a port says at which nobody listens."""
    with socket.socket() as client:
        client.settimeout(2)
        return client.connect_ex((address, 9))


def kernel_traces(directory: Path, bridge: Bridge, sandbox: str, node_name: str) -> tuple[list[str], ...]:
    """What the kernel has of one runtime: interfaces, mounts, rules, control groups."""
    ours = {bridge.name, bridge.host_interface(sandbox)}
    links = [link for link in os.listdir("/sys/class/net") if link in ours]
    mounts = [line for line in Path("/proc/self/mounts").read_text().splitlines() if str(directory) in line]
    tables = subprocess.run(["nft", "list", "tables"], capture_output=True, text=True, check=False).stdout
    rules = [line for line in tables.splitlines() if bridge.name.removeprefix("ck") in line]
    groups = [str(path) for path in Path("/sys/fs/cgroup").rglob(f"cloudk8s/{node_name}*")]
    return links, mounts, rules, groups


async def start(
    runtime: HostRuntime, sandbox: str, script: str | tuple[str, ...], *, name: str = "c", image: str = "tools:1",
    **fields: Any,
) -> str:  # fmt: skip
    command = script if isinstance(script, tuple) else ("sh", "-c", script) if script else ()
    attempt = len(await runtime.list_containers())
    config = ContainerConfig(name, image, command=command, attempt=attempt, log_path=f"{name}/{attempt}.log", **fields)
    container_id = await runtime.create_container(sandbox, config)
    await runtime.start_container(container_id)
    return container_id


async def run(runtime: HostRuntime, sandbox: str, script: str | tuple[str, ...], **fields: Any) -> Container:
    container_id = await start(runtime, sandbox, script, **fields)
    async with asyncio.timeout(30):
        while (container := await runtime.container_status(container_id)).state != "exited":
            await asyncio.sleep(0.01)
    return container


async def output(runtime: HostRuntime, sandbox: str, script: str | tuple[str, ...], **fields: Any) -> str:
    return log(await run(runtime, sandbox, script, **fields))


def log(container: Container) -> str:
    lines = Path(container.log_path).read_bytes().splitlines()
    return "\n".join(line.split(b" ", 3)[3].decode() for line in lines)


async def test_an_image_can_be_a_volume(runtime: HostRuntime, sandbox: str, tmp_path: Path) -> None:
    layers = [layer({"data": None, "data/a": b"one\n", "data/b": b"old\n"}), layer({"data/b": b"two\n"})]
    (data,) = archive.load(runtime._images.store, docker_archive(tmp_path / "data.tar", layers, tag="data:1"))
    whole, part = (
        Mount("/whole", "/", readonly=True, image=data.id),
        Mount("/part", "/data", readonly=True, image=data.id),
    )

    shown = await output(runtime, sandbox, "cat /whole/data/* /part/*; touch /part/x 2>&1", mounts=(whole, part))

    assert shown.splitlines()[:4] == ["one", "two", "one", "two"]
    assert "Read-only file system" in shown


async def test_an_image_stays_as_long_as_a_container_has_it_as_a_volume(
    runtime: HostRuntime, sandbox: str, tmp_path: Path
) -> None:
    (data,) = archive.load(
        runtime._images.store, docker_archive(tmp_path / "data.tar", [layer({"file": b"kept\n"})], tag="data:1")
    )
    mount = Mount("/data", "/", readonly=True, image=data.id)
    container_id = await start(runtime, sandbox, "sleep 100", mounts=(mount,))

    await runtime.remove_image(data.id)

    result = await runtime.exec_sync(container_id, ["cat", "/data/file"], timedelta(seconds=5))
    assert result.stdout == b"kept\n"


async def test_a_port_of_the_host_leads_to_the_pod(runtime: HostRuntime, tmp_path: Path) -> None:
    mappings = (PortMapping(80, PORT), PortMapping(80, PORT + 1, host_ip="127.0.0.1"))
    pod = await make_sandbox(runtime, tmp_path, "uid-6", port_mappings=mappings)
    script = (
        "import http.server as h, socketserver as s; s.TCPServer(('', 80), h.SimpleHTTPRequestHandler).serve_forever()"
    )
    await start(runtime, pod, ("python3", "-c", script), image="host")
    (ip,) = next(each.ips for each in await runtime.list_sandboxes())

    for address in ((ip, 80), ("127.0.0.1", PORT), ("127.0.0.1", PORT + 1)):
        assert b"200 OK" in await fetch(*address), address
    await runtime.remove_sandbox(pod)
    with pytest.raises(OSError):
        await fetch("127.0.0.1", PORT, tries=1)


async def fetch(host: str, port: int, *, tries: int = 50) -> bytes:
    for _ in range(tries - 1):
        try:
            return await fetch(host, port, tries=1)
        except OSError:
            await asyncio.sleep(0.1)
    async with asyncio.timeout(2):
        reader, writer = await asyncio.open_connection(host, port)
        writer.write(b"HEAD / HTTP/1.0\r\n\r\n")
        answer = await reader.read()
        writer.close()
        return answer


async def test_a_seccomp_profile_holds_for_the_container_and_for_commands_in_it(
    runtime: HostRuntime, sandbox: str
) -> None:
    security = Security(seccomp="RuntimeDefault")
    config = ContainerConfig("c", "tools:1", command=("sleep", "100"), log_path="c/0.log", security=security)
    container = await runtime.create_container(sandbox, config)
    await runtime.start_container(container)
    for path in ("/proc/1/status", "/proc/self/status"):
        result = await runtime.exec_sync(container, ["cat", path], timedelta(seconds=5))
        assert b"Seccomp:\t2" in result.stdout


async def test_a_profile_that_is_not_there_is_told(runtime: HostRuntime, sandbox: str) -> None:
    config = ContainerConfig("c", "tools:1", security=Security(seccomp="/nonexistent/profile.json"))
    with pytest.raises(CreateFailed, match="cannot load seccomp profile"):
        await runtime.create_container(sandbox, config)


async def test_a_pod_is_limited_as_a_whole(runtime: HostRuntime, tmp_path: Path) -> None:
    whole = Resources(cpu_shares=512, memory_limit=64 << 20)
    sandbox = await make_sandbox(runtime, tmp_path, "uid-9", resources=whole)
    groups = [Path(path) for path in runtime._sandboxes.get(sandbox).cgroups]
    files = [path / name for path in groups for name in ("memory.max", "memory.limit_in_bytes")]
    assert [file.read_text().strip() for file in files if file.exists()] == [str(64 << 20)]

    await runtime.update_sandbox(sandbox, Resources(cpu_shares=512, memory_limit=128 << 20))

    assert [file.read_text().strip() for file in files if file.exists()] == [str(128 << 20)]
    await runtime.remove_sandbox(sandbox)
    assert not any(path.exists() for path in groups)


async def test_burstable_pods_weigh_what_they_asked_for_together(runtime: HostRuntime, tmp_path: Path) -> None:
    for uid in ("b1", "b2"):
        config = SandboxConfig(
            uid, "default", uid, log_directory=str(tmp_path / uid), cgroup_parent=f"burstable/pod{uid}",
            resources=Resources(cpu_shares=512),
        )  # fmt: skip
        await runtime.run_sandbox(config)
    files = [root / "burstable" / name for root in runtime._groups.roots for name in ("cpu.shares", "cpu.weight")]
    wanted = "1024" if runtime._groups.version == "v1" else str(cgroups.weight(1024))
    assert [file.read_text().strip() for file in files if file.exists()] == [wanted]


def mounting(*words: str | Path) -> None:
    subprocess.run(words, check=True)


async def test_mounts_travel_as_the_propagation_says(runtime: HostRuntime, sandbox: str, tmp_path: Path) -> None:
    shared = tmp_path / "shared"
    shared.mkdir()
    mounting("mount", "-t", "tmpfs", "shared", shared)
    try:
        mounting("mount", "--make-shared", shared)
        for name in ("in", "out", "none"):
            (shared / name).mkdir()
        mounts = (
            Mount("/both", str(shared), propagation="bidirectional"),
            Mount("/from-host", str(shared), propagation="host_to_container"),
            Mount("/alone", str(shared)),
        )
        container_id = await start(
            runtime, sandbox, "exec sleep 100", image="host", mounts=mounts, security=Security(privileged=True)
        )

        async def inside(script: str) -> str:
            result = await runtime.exec_sync(container_id, ("sh", "-c", script), timedelta(seconds=20))
            return (result.stdout + result.stderr).decode().strip()

        mounting("mount", "-t", "tmpfs", "later", shared / "in")
        (shared / "in" / "file").write_text("x")
        assert (
            await inside("ls /both/in /from-host/in /alone/in")
            == "/alone/in:\n\n/both/in:\nfile\n\n/from-host/in:\nfile"
        )
        assert (
            await inside("mount -t tmpfs out /both/out && touch /both/out/made; mount -t tmpfs none /from-host/none")
            == ""
        )
        assert (shared / "out" / "made").exists(), "what is mounted inside is seen by the host"
        assert not os.path.ismount(shared / "none")
        await runtime.stop_container(container_id, timedelta(0))
    finally:
        mounting("umount", "-R", "-l", shared)


async def test_what_the_host_does_not_share_cannot_travel_both_ways(
    runtime: HostRuntime, sandbox: str, tmp_path: Path
) -> None:
    alone = tmp_path / "alone"
    alone.mkdir()
    mounting("mount", "-t", "tmpfs", "alone", alone)
    try:
        mounting("mount", "--make-private", alone)
        mounts = (Mount("/both", str(alone), propagation="bidirectional"),)
        with pytest.raises(StartFailed, match="not a shared mount"):
            await start(runtime, sandbox, "true", mounts=mounts, security=Security(privileged=True))
    finally:
        mounting("umount", "-l", alone)
