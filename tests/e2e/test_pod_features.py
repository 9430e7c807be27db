"""Every feature of pods that can be seen from within, on both runtimes: all are made at once, then looked at."""

from __future__ import annotations

import json
import os
import re
import shutil
import time
from collections.abc import Collection, Iterator
from contextlib import closing
from typing import Any

import pytest

from tests.e2e.conftest import Kubectl
from tests.e2e.pod_cases import CASES, EVENTS, OBJECTS, Case
from tests.e2e.runtime_clusters import cluster_on
from tests.node.runtimes.host.archives import programs
from tests.node.runtimes.host.registry import Registry

pytestmark = [
    pytest.mark.kubectl,
    pytest.mark.root,
    pytest.mark.skipif(os.geteuid() != 0, reason="namespaces of the host and containerd need root"),
    pytest.mark.skipif(shutil.which("kubectl") is None, reason="kubectl is not installed"),
]
PATIENCE = 90.0


@pytest.fixture(scope="module", params=["host", pytest.param("cri", marks=pytest.mark.slow)])
def runtime(request: pytest.FixtureRequest) -> str:
    return str(request.param)


class Pods:
    """All pods of the cluster, listed anew when the last list is a moment old."""

    def __init__(self, kubectl: Kubectl, made: Collection[str]) -> None:
        self.kubectl = kubectl
        self._made = made
        self._seen: dict[str, dict[str, Any]] = {}
        self._seen_at = 0.0

    def get(self, name: str) -> dict[str, Any]:
        if name not in self._made:
            pytest.skip("this runtime, or this version of it, differs")
        if time.monotonic() - self._seen_at > 0.5:
            listed = json.loads(self.kubectl("get", "pods", "-o", "json"))["items"]
            self._seen = {pod["metadata"]["name"]: pod for pod in listed}
            self._seen_at = time.monotonic()
        return self._seen[f"{name}-x"]


@pytest.fixture(scope="module")
def pods(runtime: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pods]:
    home = tmp_path_factory.mktemp(f"pods-{runtime}")
    with cluster_on(runtime, home) as cluster, closing(Registry()) as registry:
        registry.add("team/private", "1", [programs()], Env=["PATH=/bin"])
        registry.scheme = "bearer"
        until_there(cluster.kubectl)
        objects = [{"apiVersion": "v1", **each} for each in OBJECTS]
        features = features_of(cluster.kubectl)
        wanted = {name: case for name, case in CASES.items() if has(features, case)}
        objects += [named(name, case) for name, case in wanted.items()]
        text = json.dumps({"apiVersion": "v1", "kind": "List", "items": objects})
        cluster.kubectl("create", "-f", "-", stdin=text.replace("TOLD", str(home)).replace("REGISTRY", registry.host))
        yield Pods(cluster.kubectl, wanted)


def features_of(kubectl: Kubectl) -> dict[str, bool]:
    """What the node says of its default handler.

    It says nothing of image volumes, which containerd has since 2.1, and of parts of them since 2.2.
    """
    status = json.loads(kubectl("get", "nodes", "-o", "json"))["items"][0]["status"]
    found = next((each.get("features") or {} for each in status["runtimeHandlers"] if not each.get("name")), {})
    version = status["nodeInfo"]["containerRuntimeVersion"]
    without, without_parts = (re.match(rf"containerd://(1|2\.{minor})\.", version) for minor in ("0", "[01]"))
    return {**found, "imageVolumes": not without, "partsOfImages": not without_parts}


def has(features: dict[str, bool], case: Case) -> bool:
    feature = case.needs.removeprefix("not ")
    return not feature or bool(features.get(feature)) == (feature == case.needs)


def until_there(kubectl: Kubectl) -> None:
    deadline = time.monotonic() + 30
    while kubectl.run("get", "serviceaccount", "default").returncode:
        assert time.monotonic() < deadline
        time.sleep(0.2)


def named(name: str, case: Case) -> dict[str, Any]:
    return {**case.pod, "metadata": {**case.pod["metadata"], "name": f"{name}-x"}}


def is_settled(case: Case, pod: dict[str, Any]) -> bool:
    if case.says and pod["status"].get("phase") not in ("Succeeded", "Failed"):
        return False
    return case.shows is None or (
        ("containerStatuses" in pod["status"] or "reason" in pod["status"]) and bool(case.shows(pod))
    )


@pytest.mark.parametrize("name", CASES)
def test_the_pod_is_as_its_spec_says(pods: Pods, name: str) -> None:
    case = CASES[name]
    deadline = time.monotonic() + PATIENCE
    while not is_settled(case, pods.get(name)):
        assert time.monotonic() < deadline, pods.kubectl("describe", "pod", f"{name}-x")
        time.sleep(0.3)
    if case.says:
        log = pods.kubectl("logs", f"{name}-x", "-c", "main")
        for pattern in case.says:
            assert re.search(pattern, log, re.MULTILINE), f"{pattern} is not in:\n{log}"


@pytest.mark.parametrize("name", EVENTS)
def test_events_tell_what_happened(pods: Pods, name: str) -> None:
    reason, words = EVENTS[name]
    deadline = time.monotonic() + 20
    pods.get(name)
    while True:
        selector = f"involvedObject.name={name}-x"
        events = json.loads(pods.kubectl("get", "events", "--field-selector", selector, "-o", "json"))["items"]
        if any(each["reason"] == reason and words in each["message"] for each in events):
            return
        assert time.monotonic() < deadline, [(each["reason"], each["message"]) for each in events]
        time.sleep(0.3)
