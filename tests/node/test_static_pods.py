"""Static pods and their mirrors."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

import pytest

from cloudk8s.client.interface import DeleteOptions, Object
from cloudk8s.client.resources import PODS
from cloudk8s.machinery.clock import SystemClock
from cloudk8s.node.pods import static
from cloudk8s.node.pods.static import StaticPods, static_pod

from .conftest import Node, container


def manifest(script: str = "sleep 300") -> dict[str, object]:
    spec = {"terminationGracePeriodSeconds": 1, "containers": [container(script)]}
    return {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "s"}, "spec": spec}


def test_a_manifest_becomes_a_pod_of_this_node() -> None:
    pod = static_pod(manifest(), file="f", node_name="n1", seen="now")
    other = static_pod(manifest("sleep 1"), file="f", node_name="n1", seen="now")

    assert (pod["metadata"]["name"], pod["metadata"]["namespace"], pod["spec"]["nodeName"]) == ("s-n1", "default", "n1")
    assert pod["metadata"]["annotations"]["kubernetes.io/config.source"] == "file"
    assert pod["metadata"]["uid"] != other["metadata"]["uid"]
    assert pod["metadata"]["uid"] == static_pod(manifest(), file="f", node_name="n1", seen="later")["metadata"]["uid"]


async def test_a_static_pod_runs_is_mirrored_and_goes_with_its_file(node: Node, tmp_path: Path) -> None:
    directory = tmp_path / "manifests"
    directory.mkdir()
    source = StaticPods(directory, "n1", clock=SystemClock(), changed=node.agent.workers.changed)
    (directory / "s.yaml").write_text(json.dumps(manifest()))

    await source.look()
    mirror = await node.until_phase("s-n1", "Running")

    annotations = mirror["metadata"]["annotations"]
    assert annotations["kubernetes.io/config.mirror"] == annotations["kubernetes.io/config.hash"]
    assert mirror["metadata"]["ownerReferences"][0]["kind"] == "Node"

    await node.client.delete(PODS, "s-n1", namespace="default", options=DeleteOptions(grace_period_seconds=0))
    again = await node.until_phase("s-n1", "Running")
    assert again["metadata"]["uid"] != mirror["metadata"]["uid"]
    assert len(await node.runtime.list_sandboxes()) == 1, "the pod itself goes on"

    (directory / "s.yaml").unlink()
    await source.look()
    await node.until_gone("s-n1")


async def test_a_file_that_is_no_pod_is_passed_over(node: Node, tmp_path: Path) -> None:
    (tmp_path / "broken.yaml").write_text("{:")
    (tmp_path / "empty.yaml").write_text("")
    seen: list[object] = []

    await StaticPods(tmp_path, "n1", clock=SystemClock(), changed=lambda old, new: seen.append(new)).look()

    assert seen == []


async def test_a_changed_manifest_is_another_pod_in_the_place_of_the_first(
    node: Node, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(static, "_RETRY_SECONDS", 0.1)
    source = StaticPods(tmp_path / "manifests", "n1", clock=SystemClock(), changed=node.agent.workers.changed)
    (tmp_path / "manifests").mkdir()
    (tmp_path / "manifests" / "s.yaml").write_text(json.dumps(manifest("echo first; exec sleep 300")))
    await source.look()
    first = await node.until_phase("s-n1", "Running")

    (tmp_path / "manifests" / "s.yaml").write_text(json.dumps(manifest("echo second; exec sleep 300")))
    await source.look()

    second = await node.until(
        "s-n1", lambda pod: hash_of(pod) != hash_of(first) and pod.get("status", {}).get("phase") == "Running"
    )
    assert "second" in str(second["spec"])
    async with asyncio.timeout(10):
        while len(await node.runtime.list_sandboxes()) != 1:
            await asyncio.sleep(0.02)


def hash_of(pod: Object) -> str:
    return str(pod["metadata"]["annotations"]["kubernetes.io/config.hash"])
