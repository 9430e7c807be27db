"""The official Python client, unmodified: objects, watches, patches, the dynamic client, leader election."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import pytest

from tests.e2e.conftest import Cluster, Kubectl

kubernetes: Any = pytest.importorskip("kubernetes", reason="the official Python client is not installed")

pytestmark = pytest.mark.kubectl


@pytest.fixture
def api(control_plane: Cluster, namespace: str) -> Iterator[Any]:
    """An API client made from the kubeconfig that the cluster wrote."""
    configuration = kubernetes.client.Configuration()
    kubernetes.config.load_kube_config(
        config_file=control_plane.environment["KUBECONFIG"],
        context=f"cloudk8s-{control_plane.name}",
        client_configuration=configuration,
    )
    with kubernetes.client.ApiClient(configuration) as client:
        yield client


def config_map(name: str, **data: str) -> Any:
    return kubernetes.client.V1ConfigMap(metadata=kubernetes.client.V1ObjectMeta(name=name), data=data)


def test_objects_are_made_read_changed_and_deleted(api: Any, namespace: str) -> None:
    core = kubernetes.client.CoreV1Api(api)
    made = core.create_namespaced_config_map(namespace, config_map("conf", a="1"))
    made.data["b"] = "2"
    assert core.replace_namespaced_config_map("conf", namespace, made).data == {"a": "1", "b": "2"}
    assert core.patch_namespaced_config_map("conf", namespace, {"data": {"a": None}}).data == {"b": "2"}
    with pytest.raises(kubernetes.client.ApiException) as conflict:
        core.replace_namespaced_config_map("conf", namespace, made)
    assert (conflict.value.status, conflict.value.reason) == (409, "Conflict")
    core.delete_namespaced_config_map("conf", namespace)
    with pytest.raises(kubernetes.client.ApiException) as missing:
        core.read_namespaced_config_map("conf", namespace)
    assert missing.value.status == 404


def test_lists_come_in_chunks(api: Any, namespace: str) -> None:
    core = kubernetes.client.CoreV1Api(api)
    for index in range(5):
        core.create_namespaced_config_map(namespace, config_map(f"c{index}", set="five"))
    first = core.list_namespaced_config_map(namespace, limit=2, label_selector="")
    names = [item.metadata.name for item in first.items]
    while token := first.metadata._continue:
        first = core.list_namespaced_config_map(namespace, limit=2, _continue=token)
        names += [item.metadata.name for item in first.items]
    assert [name for name in names if name.startswith("c")] == ["c0", "c1", "c2", "c3", "c4"]


def test_a_watch_tells_every_change_once(api: Any, namespace: str) -> None:
    core = kubernetes.client.CoreV1Api(api)
    revision = core.list_namespaced_config_map(namespace).metadata.resource_version
    core.create_namespaced_config_map(namespace, config_map("conf", a="1"))
    core.patch_namespaced_config_map("conf", namespace, {"data": {"a": "2"}})
    core.delete_namespaced_config_map("conf", namespace)
    watch = kubernetes.watch.Watch()
    seen = []
    for event in watch.stream(
        core.list_namespaced_config_map, namespace, resource_version=revision,
        field_selector="metadata.name=conf", timeout_seconds=20,
    ):  # fmt: skip
        seen.append((event["type"], event["object"].data["a"]))
        if event["type"] == "DELETED":
            watch.stop()
    assert seen == [("ADDED", "1"), ("MODIFIED", "2"), ("DELETED", "2")]


def test_the_dynamic_client_applies_to_any_kind(api: Any, namespace: str) -> None:
    dynamic = kubernetes.dynamic.DynamicClient(api)
    deployments = dynamic.resources.get(api_version="apps/v1", kind="Deployment")
    labels = {"app": "web"}
    body = {
        "apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "web"},
        "spec": {
            "selector": {"matchLabels": labels},
            "template": {"metadata": {"labels": labels}, "spec": {"containers": [{"name": "web", "image": "nginx"}]}},
        },
    }  # fmt: skip
    applied = deployments.server_side_apply(body=body, namespace=namespace, field_manager="shop")
    assert applied.spec.replicas == 1
    assert {entry.manager for entry in applied.metadata.managedFields} == {"shop"}
    deployments.delete(name="web", namespace=namespace)


CANDIDATE = """
import sys, threading
from kubernetes import config
from kubernetes.leaderelection import electionconfig, leaderelection
from kubernetes.leaderelection.resourcelock.configmaplock import ConfigMapLock

name, namespace, context = sys.argv[1:]
config.load_kube_config(context=context)
lock = ConfigMapLock("leader", namespace, name)
lead = lambda: (print("leading", flush=True), threading.Event().wait())
election = electionconfig.Config(lock, 4, 3, 1, onstarted_leading=lead, onstopped_leading=sys.exit)
leaderelection.LeaderElection(election).run()
"""


def test_a_second_candidate_leads_when_the_first_is_killed(control_plane: Cluster, namespace: str) -> None:
    def candidate(name: str) -> subprocess.Popen[str]:
        command = [sys.executable, "-c", CANDIDATE, name, namespace, f"cloudk8s-{control_plane.name}"]
        environment = control_plane.environment
        return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, env=environment)

    with candidate("first") as first:
        assert first.stdout is not None
        assert first.stdout.readline() == "leading\n"
        with candidate("second") as second:
            assert second.stdout is not None
            assert holder(control_plane.kubectl, namespace) == "first"
            first.kill()
            assert second.stdout.readline() == "leading\n"
            assert holder(control_plane.kubectl, namespace) == "second"
            second.kill()


def holder(kubectl: Kubectl, namespace: str) -> str:
    record = json.loads(kubectl("get", "cm", "leader", "-n", namespace, "-o", "json"))
    note = record["metadata"]["annotations"]["control-plane.alpha.kubernetes.io/leader"]
    return str(json.loads(note.replace("'", '"'))["holderIdentity"])
