"""The node agent with containerd below it."""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import tempfile
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from cloudk8s.apiserver.streaming import channels as channel
from cloudk8s.client.interface import Object
from cloudk8s.client.resources import CORE_EVENTS, NODES, PODS
from cloudk8s.machinery.clock import SystemClock
from cloudk8s.machinery.quantity import parse
from cloudk8s.node.runtimes.cri.runtime import CriRuntime
from cloudk8s.node.runtimes.host.cgroups import directories_of
from cloudk8s.testing.fake_client import FakeClient
from tests.drivers.device_program import RESOURCE, DicePlugin, plugged_in

from ...conftest import Node, condition, container
from ...server.peer import Peer
from .conftest import IMAGE, PREFIX

pytestmark = [
    pytest.mark.root,
    pytest.mark.skipif(os.geteuid() != 0, reason="containerd needs root"),
    pytest.mark.skipif(
        not shutil.which("containerd") or not shutil.which("runc"), reason="containerd is not installed"
    ),
]


@pytest.fixture
async def cri_node(endpoint: str, tmp_path: Path) -> AsyncIterator[Node]:
    runtime = CriRuntime(endpoint, clock=SystemClock(), is_network_given=True)
    node = Node(tmp_path / "node", FakeClient(), runtime)
    await node.start()
    yield node
    await node.stop()
    left = CriRuntime(endpoint, clock=SystemClock(), is_network_given=True)
    await left.start()
    for sandbox in await left.list_sandboxes():
        await left.remove_sandbox(sandbox.id)
    await left.close()


async def test_a_pod_lives_on_containerd(cri_node: Node) -> None:
    registered = cri_node.client.peek(NODES, "n1")
    assert registered is not None
    assert registered["status"]["nodeInfo"]["containerRuntimeVersion"].startswith("containerd://")
    first = container("echo one > /shared/file", name="init", volumeMounts=[{"name": "v", "mountPath": "/shared"}])
    main = container(
        "trap 'exit 0' TERM; cat /shared/file /etc/hosts; echo from $POD; while :; do sleep 0.1; done",
        volumeMounts=[{"name": "v", "mountPath": "/shared"}],
        env=[{"name": "POD", "valueFrom": {"fieldRef": {"fieldPath": "metadata.name"}}}],
        readinessProbe={"exec": {"command": ["ls", "/shared/file"]}, "periodSeconds": 1},
    )
    await cri_node.run_pod(
        terminationGracePeriodSeconds=10, volumes=[{"name": "v", "emptyDir": {}}],
        initContainers=[first | {"image": IMAGE}], containers=[main | {"image": IMAGE}],
    )  # fmt: skip

    pod = await cri_node.until("p", lambda pod: condition(pod, "Ready").get("status") == "True")

    assert pod["status"]["podIP"].startswith(PREFIX)
    assert pod["status"]["containerStatuses"][0]["containerID"].startswith("containerd://")
    peer = Peer(cri_node.agent.port)
    _, log = await peer.get("/containerLogs/default/p/c")
    assert b"one" in log
    assert b"# Kubernetes-managed hosts file." in log
    assert b"from p" in log
    channels = await peer.channels(
        "/exec/default/p/c?command=sh&command=-c&command=echo+hi;exit+2&output=1&error=1", channel.V5
    )
    output = b""
    while (piece := await channels.read()) is not None:
        output += piece.data
    assert b"hi\n" in output
    assert b'"ExitCode","message":"2"' in output
    status, summary = await peer.get("/stats/summary")
    assert status == 200, summary
    (told,) = json.loads(summary)["pods"]
    assert told["process_stats"]["process_count"] >= 1
    assert told["network"]["name"] == "eth0"

    await cri_node.client.delete(PODS, "p", namespace="default")
    await cri_node.until_gone("p")


async def test_a_crash_is_restarted_with_its_count(cri_node: Node) -> None:
    await cri_node.run_pod(containers=[container("exit 1") | {"image": IMAGE}])

    pod = await cri_node.until("p", lambda pod: "CrashLoopBackOff" in str(pod.get("status")))

    assert pod["status"]["containerStatuses"][0]["restartCount"] == 1
    assert pod["status"]["containerStatuses"][0]["lastState"]["terminated"]["exitCode"] == 1


async def test_a_pod_that_has_ended_keeps_its_address(cri_node: Node) -> None:
    await cri_node.run_pod(restartPolicy="Never", containers=[container("sleep 0.5") | {"image": IMAGE}])
    seen: set[str] = set()

    def has_ended(pod: Object) -> bool:
        status = pod.get("status") or {}
        seen.add(status.get("podIP", ""))
        return status.get("phase") == "Succeeded" and condition(pod, "PodReadyToStartContainers")["status"] == "False"

    pod = await cri_node.until("p", has_ended)

    assert pod["status"]["podIP"].startswith(PREFIX)
    assert not [address for address in seen if address and not address.startswith(PREFIX)]


async def test_an_image_that_is_nowhere_is_told(cri_node: Node) -> None:
    await cri_node.run_pod(containers=[{"name": "c", "image": "127.0.0.1:1/none:1"}])

    pod = await cri_node.until("p", lambda pod: "Pull" in str(pod.get("status", {}).get("containerStatuses")))

    assert pod["status"]["phase"] == "Pending"


async def test_devices_and_limits_of_the_pod_reach_containerd(cri_node: Node, tmp_path: Path) -> None:
    (tmp_path / "six").write_text("6\n")
    plugins = cri_node.settings.root_dir / "device-plugins"
    plugins.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="dev") as short:
        link = Path(short) / "plugins"
        link.symlink_to(plugins)  # a socket's path may have 107 bytes only
        await use_a_die(cri_node, DicePlugin(files=[tmp_path / "six"]), link)


async def test_all_pods_are_limited_to_the_machine_together(cri_node: Node) -> None:
    async with asyncio.timeout(20):
        while "NodeAllocatableEnforced" not in {event["reason"] for event in cri_node.client.all(CORE_EVENTS)}:
            await asyncio.sleep(0.02)
    whole = parse((cri_node.client.peek(NODES, "n1") or {})["status"]["capacity"]["memory"]).value
    groups = directories_of("kubepods", ".")
    files = [Path(group, name) for group in groups for name in ("memory.max", "memory.limit_in_bytes")]
    (limit,) = [int(file.read_text()) for file in files if file.exists()]
    assert whole - 4096 < limit <= whole
    await cri_node.run_pod(containers=[container("sleep 300") | {"image": IMAGE}])
    await cri_node.until_phase("p", "Running")


async def use_a_die(cri_node: Node, plugin: DicePlugin, directory: Path) -> None:
    async with plugged_in(plugin, directory):
        async with asyncio.timeout(20):
            while RESOURCE not in (cri_node.client.peek(NODES, "n1") or {})["status"]["allocatable"]:
                await asyncio.sleep(0.02)
        limits = {RESOURCE: "1", "memory": "64Mi"}
        user = container("echo $DICE; cat /dice/six; sleep 100", resources={"limits": limits, "requests": limits})
        pod = await cri_node.run_pod(containers=[user | {"image": IMAGE}])
        await cri_node.until_phase("p", "Running")
        async with asyncio.timeout(20):
            while cri_node.log(pod).split() != ["d1", "6"]:
                await asyncio.sleep(0.02)
        groups = directories_of("kubepods", f"burstable/pod{pod['metadata']['uid']}")
        files = [Path(group, name) for group in groups for name in ("memory.max", "memory.limit_in_bytes")]
        assert [file.read_text().strip() for file in files if file.exists()] == [str(64 << 20)]


async def test_pods_of_another_node_on_the_same_runtime_are_left_alone(
    cri_node: Node, endpoint: str, tmp_path: Path
) -> None:
    await cri_node.run_pod(containers=[container("sleep 300") | {"image": IMAGE}])
    await cri_node.until_phase("p", "Running")

    async def left_by_a_neighbour(name: str) -> int:
        runtime = CriRuntime(endpoint, clock=SystemClock(), is_network_given=True)
        neighbour = Node(tmp_path / name, FakeClient(), runtime)
        await neighbour.start()
        found = await cri_node.runtime.list_containers()
        await neighbour.stop()
        return sum(each.state == "running" for each in found)

    assert await left_by_a_neighbour("second") == 1
    await cri_node.stop()
    shutil.rmtree(cri_node.settings.logs_dir)
    later = CriRuntime(endpoint, clock=SystemClock(), is_network_given=True)
    await later.start()
    cri_node.runtime = later
    assert await left_by_a_neighbour("third") == 0, "nobody comes back for it"
    await later.close()
    await cri_node.start()
