from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from cloudk8s.apiserver.admission.node_labels import forbidden_labels
from cloudk8s.apiserver.authentication.user import UserInfo
from cloudk8s.controlplane.api_server import RunningApiServer, running_api_server
from cloudk8s.errors import Forbidden
from cloudk8s.machinery.codec import decode
from cloudk8s.settings import ClusterSettings

MASTER = UserInfo("root", groups=("system:masters", "system:authenticated"))
N1 = UserInfo("system:node:n1", groups=("system:nodes", "system:authenticated"))
PODS = "/api/v1/namespaces/default/pods"


@pytest.fixture
async def server(tmp_path: Path) -> AsyncIterator[RunningApiServer]:
    settings = ClusterSettings(data_dir=tmp_path, port=0, store="memory://")
    async with running_api_server(settings) as running:
        yield running


async def call(
    server: RunningApiServer, method: str, path: str, body: Any = None, user: UserInfo = N1, patch: str = ""
) -> Any:
    headers = {"content-type": f"application/{patch}-patch+json"} if patch else None
    answer = await server.assembly.local(user, agent="test").call(method, path, body=body, headers=headers)
    return decode(answer.body if isinstance(answer.body, bytes) else b"".join(answer.body))


def pod(name: str, node: str = "n1", **metadata: Any) -> dict[str, Any]:
    containers = [{"name": "c", "image": "i"}]
    return {"metadata": {"name": name, **metadata}, "spec": {"nodeName": node, "containers": containers}}


async def make_pod(server: RunningApiServer, name: str, node: str) -> Any:
    await call(server, "POST", "/api/v1/namespaces/default/serviceaccounts", {"metadata": {"name": name}}, MASTER)
    body = pod(name, node)
    body["spec"] |= {"serviceAccountName": name, "automountServiceAccountToken": False}
    return await call(server, "POST", PODS, body, MASTER)


async def test_a_kubelet_registers_its_own_node_only(server: RunningApiServer) -> None:
    await call(server, "POST", "/api/v1/nodes", {"metadata": {"name": "n1", "labels": {"kubernetes.io/os": "linux"}}})
    with pytest.raises(Forbidden, match='node "n1" is not allowed to modify node "n2"'):
        await call(server, "POST", "/api/v1/nodes", {"metadata": {"name": "n2"}})
    labels = {"labels": {"node-restriction.kubernetes.io/x": "y"}}
    with pytest.raises(Forbidden, match=r"is not allowed to modify labels: node-restriction\.kubernetes\.io/x"):
        await call(server, "PATCH", "/api/v1/nodes/n1", {"metadata": labels}, patch="merge")
    taints = [{"key": "a", "effect": "NoSchedule"}]
    with pytest.raises(Forbidden, match='node "n1" is not allowed to modify taints'):
        await call(server, "PATCH", "/api/v1/nodes/n1", {"spec": {"taints": taints}}, patch="merge")
    status = {"status": {"capacity": {"pods": "10"}}}
    await call(server, "PATCH", "/api/v1/nodes/n1/status", status, patch="merge")


async def test_a_kubelet_creates_mirror_pods_only(server: RunningApiServer) -> None:
    node = await call(server, "POST", "/api/v1/nodes", {"metadata": {"name": "n1"}})
    await call(server, "POST", "/api/v1/namespaces/default/serviceaccounts", {"metadata": {"name": "default"}}, MASTER)
    mirror = {"kubernetes.io/config.mirror": "x"}
    owner = {"apiVersion": "v1", "kind": "Node", "name": "n1", "uid": node["metadata"]["uid"], "controller": True}
    for body, problem in (
        (pod("a"), "can only create mirror pods"),
        (pod("a", "n2", annotations=mirror), "spec.nodeName set to itself"),
        (pod("a", annotations=mirror), "can only create pods with an owner reference set to itself"),
        (pod("a", annotations=mirror, ownerReferences=[owner | {"uid": "z"}]), "node n1 UID mismatch"),
        (pod("a", annotations=mirror, ownerReferences=[owner | {"controller": False}]), "a controller owner reference"),
    ):
        with pytest.raises(Forbidden, match=problem):
            await call(server, "POST", PODS, body)
    refers = pod("a", annotations=mirror, ownerReferences=[owner])
    refers["spec"]["volumes"] = [{"name": "v", "configMap": {"name": "c"}}]
    with pytest.raises(Forbidden, match="can not create pods that reference configmaps"):
        await call(server, "POST", PODS, refers)
    await call(server, "POST", PODS, pod("a", annotations=mirror, ownerReferences=[owner]))


async def test_a_kubelet_keeps_to_its_own_pods(server: RunningApiServer) -> None:
    for node in ("n1", "n2"):
        await make_pod(server, f"on-{node}", node)
    status = {"status": {"phase": "Running"}}
    await call(server, "PATCH", f"{PODS}/on-n1/status", status, patch="merge")
    with pytest.raises(Forbidden, match=r"can only update pod status for pods with spec.nodeName set to itself"):
        await call(server, "PATCH", f"{PODS}/on-n2/status", status, patch="merge")
    labelled = {"metadata": {"labels": {"a": "b"}}}
    with pytest.raises(Forbidden, match="cannot update labels through pod status"):
        await call(server, "PATCH", f"{PODS}/on-n1/status", labelled, patch="merge")
    with pytest.raises(Forbidden, match=r"can only delete pods with spec.nodeName set to itself"):
        await call(server, "DELETE", f"{PODS}/on-n2")
    eviction = {"metadata": {"name": "on-n2"}, "apiVersion": "policy/v1", "kind": "Eviction"}
    with pytest.raises(Forbidden, match=r"node n1 can only evict pods with spec.nodeName set to itself"):
        await call(server, "POST", f"{PODS}/on-n2/eviction", eviction)
    await call(server, "DELETE", f"{PODS}/on-n1")


async def test_a_kubelet_asks_tokens_for_its_pods_only(server: RunningApiServer) -> None:
    own, other = await make_pod(server, "mine", "n1"), await make_pod(server, "theirs", "n2")
    await make_pod(server, "also", "n1")

    async def ask(account: str, **bound: Any) -> Any:
        spec = {"boundObjectRef": {"apiVersion": "v1", "kind": "Pod", **bound}} if bound else {}
        path = f"/api/v1/namespaces/default/serviceaccounts/{account}/token"
        return await call(server, "POST", path, {"spec": spec})

    uid = own["metadata"]["uid"]
    assert (await ask("mine", name="mine", uid=uid))["status"]["token"]
    for problem, bound in (
        ("not bound to a pod", {}),
        ("without a uid", {"name": "mine"}),
        ("does not match the UID in record", {"name": "mine", "uid": "z"}),
        ("scheduled on a different node", {"name": "theirs", "uid": other["metadata"]["uid"]}),
    ):
        with pytest.raises(Forbidden, match=problem):
            await ask("mine", **bound)


async def test_leases_are_the_nodes_own(server: RunningApiServer) -> None:
    path = "/apis/coordination.k8s.io/v1/namespaces/kube-node-lease/leases"
    await call(server, "POST", path, {"metadata": {"name": "n1"}, "spec": {}})
    with pytest.raises(Forbidden, match="can only access node lease with the same name as the requesting node"):
        await call(server, "POST", path, {"metadata": {"name": "n2"}, "spec": {}})


def test_labels_that_are_a_kubelets_to_set() -> None:
    free = {"a": "", "example.com/a": "", "kubernetes.io/hostname": "", "topology.kubernetes.io/zone": ""}
    free |= {"node.kubernetes.io/x": "", "sub.kubelet.kubernetes.io/x": ""}
    assert forbidden_labels(free, {}) == []
    refused = {"k8s.io/a": "", "x.kubernetes.io/a": "", "node-role.kubernetes.io/control-plane": ""}
    assert forbidden_labels(refused, {}) == sorted(refused)
    assert forbidden_labels(refused, refused) == []
    assert forbidden_labels({}, refused) == sorted(refused)
