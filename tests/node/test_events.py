"""What events tell of pods and of their node, by upstream's reasons and in its words."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import pytest

from cloudk8s.client.resources import NODES, PODS
from cloudk8s.node.runtimes.interface import RuntimeFailure
from cloudk8s.testing.fake_client import FakeClient

from .conftest import Node, clear, container


async def test_a_container_that_is_ended_is_told(node: Node) -> None:
    await node.run_pod()
    await node.until_phase("p", "Running")

    await node.client.delete(PODS, "p", namespace="default")
    await node.until_gone("p")

    assert (await node.events("p", "Killing"))["Killing"] == "Stopping container c"


async def test_a_crash_that_repeats_is_told(node: Node) -> None:
    pod = await node.run_pod(containers=[container("exit 1")])

    told = await node.events("p", "BackOff")

    uid = pod["metadata"]["uid"]
    assert told["BackOff"] == f"Back-off restarting failed container c in pod p_default({uid})"


async def test_a_failed_probe_is_told_and_what_comes_of_it(node: Node) -> None:
    bad = {"exec": {"command": ["sh", "-c", "echo ill; exit 1"]}, "periodSeconds": 1, "failureThreshold": 1}
    await node.run_pod(containers=[container("exec sleep 300", livenessProbe=bad)])

    told = await node.events("p", "Unhealthy", "Killing")

    assert told["Unhealthy"] == "Liveness probe failed: ill\n"
    assert told["Killing"] == "Container c failed liveness probe, will be restarted"


async def test_a_volume_that_is_not_there_is_told(node: Node) -> None:
    mounts = [{"name": "v", "mountPath": "/v"}]
    secret = {"name": "v", "secret": {"secretName": "none"}}
    await node.run_pod(containers=[container("true", volumeMounts=mounts)], volumes=[secret])

    told = await node.events("p", "FailedMount")

    assert told["FailedMount"] == 'MountVolume.SetUp failed for volume "v" : secret "none" not found'


async def test_a_name_that_is_no_image_is_told(node: Node) -> None:
    await node.run_pod(containers=[{"name": "c", "image": "No Name"}])

    told = await node.events("p", "InspectFailed", "Failed")

    assert told["InspectFailed"].startswith('Failed to apply default image tag "No Name"')
    assert told["Failed"] == "Error: InvalidImageName"


async def test_a_sandbox_that_is_lost_is_told(node: Node) -> None:
    await node.run_pod()
    await node.until_phase("p", "Running")
    (sandbox,) = await node.runtime.list_sandboxes()

    await node.runtime.stop_sandbox(sandbox.id)

    told = await node.events("p", "SandboxChanged")
    assert told["SandboxChanged"] == "Pod sandbox changed, it will be killed and re-created."


async def test_a_hook_before_the_end_that_fails_is_told_and_the_pod_ends(node: Node) -> None:
    hook = {"preStop": {"exec": {"command": ["sh", "-c", "echo no; exit 5"]}}}
    await node.run_pod(containers=[container("exec sleep 300", lifecycle=hook)], terminationGracePeriodSeconds=20)
    await node.until_phase("p", "Running")

    await node.client.delete(PODS, "p", namespace="default")
    await node.until_gone("p")

    told = await node.events("p", "FailedPreStopHook")
    assert told["FailedPreStopHook"] == "PreStopHook failed: command 'sh -c echo no; exit 5' exited with 5: no\n"


async def test_a_pod_that_can_not_be_ended_is_told_and_tried_again(node: Node, monkeypatch: pytest.MonkeyPatch) -> None:
    works = node.runtime.stop_container
    tries: list[str] = []

    async def fail_first(container_id: str, grace: timedelta) -> None:
        tries.append(container_id)
        if len(tries) == 1:
            raise RuntimeFailure("it does not listen")
        await works(container_id, grace)

    monkeypatch.setattr(node.runtime, "stop_container", fail_first)
    await node.run_pod()
    await node.until_phase("p", "Running")

    await node.client.delete(PODS, "p", namespace="default")
    await node.until_gone("p")

    assert (await node.events("p", "FailedKillPod"))["FailedKillPod"] == "error killing pod: it does not listen"
    assert len(tries) == 2


async def test_a_node_that_takes_no_pods_is_told(node: Node) -> None:
    await node.client.patch(NODES, "n1", {"spec": {"unschedulable": True}})
    assert (await node.events("n1", "NodeNotSchedulable"))["NodeNotSchedulable"].startswith("Node n1 status is now: ")
    await node.client.patch(NODES, "n1", {"spec": {"unschedulable": False}})
    await node.events("n1", "NodeSchedulable")


@pytest.fixture
async def alone(tmp_path: Path) -> AsyncIterator[Node]:
    """A node that was not told of a cluster's DNS."""
    node = Node(tmp_path / "alone", FakeClient(), cluster_dns=())
    await node.start()
    yield node
    await node.stop()
    await clear(tmp_path / "alone")


async def test_names_that_a_pod_can_not_have_are_told(alone: Node) -> None:
    wishes = {"nameservers": [f"192.0.2.{number}" for number in range(9)]}
    await alone.run_pod(dnsConfig=wishes)

    told = await alone.events("p", "MissingClusterDNS", "DNSConfigForming")

    assert told["MissingClusterDNS"].endswith('Falling back to "Default" policy.')
    assert told["DNSConfigForming"].startswith("Nameserver limits were exceeded")
    await alone.events("n1", "MissingClusterDNS")
