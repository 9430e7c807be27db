"""The small plugins: what they fill in, and what they refuse."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from cloudk8s.controlplane.api_server import running_api_server
from cloudk8s.errors import Forbidden, NotFound
from cloudk8s.settings import ClusterSettings
from tests.apiserver.admission.cluster import Cluster

STORAGE = "/apis/storage.k8s.io/v1/storageclasses"
DEFAULT = {"storageclass.kubernetes.io/is-default-class": "true"}
ZONE, REGION = "topology.kubernetes.io/zone", "topology.kubernetes.io/region"


@pytest.fixture(autouse=True)
async def namespace(cluster: Cluster) -> None:
    await cluster.namespace("a")


async def claim(cluster: Cluster, name: str, **spec: Any) -> Any:
    whole = {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}, **spec}
    body = {"metadata": {"name": name}, "spec": whole}
    return await cluster.call("POST", "/api/v1/namespaces/a/persistentvolumeclaims", body)


async def storage_class(cluster: Cluster, name: str, annotations: dict[str, str] | None = None, **rest: Any) -> None:
    body = {"metadata": {"name": name, "annotations": annotations or {}}, "provisioner": "p", **rest}
    await cluster.call("POST", STORAGE, body)


async def node(cluster: Cluster, name: str, **labels: str) -> Any:
    return await cluster.call("POST", "/api/v1/nodes", {"metadata": {"name": name, "labels": labels}})


class TestNamespaces:
    async def test_nothing_is_created_where_there_is_no_namespace(self, cluster: Cluster) -> None:
        with pytest.raises(NotFound, match='namespaces "none" not found'):
            await cluster.pod("none", "p")

    async def test_nothing_is_created_in_one_that_ends(self, cluster: Cluster) -> None:
        await cluster.pod("a", "free")
        await cluster.call("DELETE", "/api/v1/namespaces/a")
        with pytest.raises(Forbidden, match="because it is being terminated") as refused:
            await cluster.pod("a", "p")
        causes = refused.value.status["details"]["causes"]
        assert causes[0]["reason"] == "NamespaceTerminating"
        binding = {"metadata": {"name": "free"}, "target": {"kind": "Node", "name": "n"}}
        with pytest.raises(Forbidden, match="because it is being terminated"):
            await cluster.call("POST", "/api/v1/namespaces/a/pods/free/binding", binding)

    @pytest.mark.parametrize("name", ["default", "kube-system", "kube-public"])
    async def test_some_stay(self, cluster: Cluster, name: str) -> None:
        with pytest.raises(Forbidden, match="this namespace may not be deleted"):
            await cluster.call("DELETE", f"/api/v1/namespaces/{name}")


class TestClaims:
    async def test_the_newest_default_class_is_chosen(self, cluster: Cluster) -> None:
        await storage_class(cluster, "plain")
        assert "storageClassName" not in (await claim(cluster, "before"))["spec"]
        await storage_class(cluster, "fast", DEFAULT)
        assert (await claim(cluster, "after"))["spec"]["storageClassName"] == "fast"
        assert (await claim(cluster, "none", storageClassName=""))["spec"]["storageClassName"] == ""

    async def test_claims_and_volumes_are_held_while_in_use(self, cluster: Cluster) -> None:
        assert (await claim(cluster, "c"))["metadata"]["finalizers"] == ["kubernetes.io/pvc-protection"]
        spec = {"capacity": {"storage": "1Gi"}, "accessModes": ["ReadWriteOnce"], "hostPath": {"path": "/x"}}
        made = await cluster.call("POST", "/api/v1/persistentvolumes", {"metadata": {"name": "v"}, "spec": spec})
        assert made["metadata"]["finalizers"] == ["kubernetes.io/pv-protection"]

    @pytest.mark.parametrize(
        ("allows", "phase", "problem"),
        [
            (True, "Bound", ""),
            (False, "Bound", "the storageclass that provisions the pvc must support resize"),
            (None, "Bound", "only dynamically provisioned pvc can be resized"),
        ],
    )
    async def test_a_claim_grows_where_its_class_allows_it(
        self, cluster: Cluster, allows: bool | None, phase: str, problem: str
    ) -> None:
        if allows is not None:
            await storage_class(cluster, "c", allowVolumeExpansion=allows)
        await claim(cluster, "c", storageClassName="c", volumeName="v")
        path = "/api/v1/namespaces/a/persistentvolumeclaims/c"
        await cluster.call("PATCH", f"{path}/status", {"status": {"phase": phase, "capacity": {"storage": "1Gi"}}})
        change = {"spec": {"resources": {"requests": {"storage": "2Gi"}}}}
        if problem:
            with pytest.raises(Forbidden, match=problem):
                await cluster.call("PATCH", path, change)
            return
        grown = await cluster.call("PATCH", path, change)
        assert grown["spec"]["resources"]["requests"]["storage"] == "2Gi"


class TestPods:
    async def test_a_pod_tolerates_for_five_minutes_what_may_pass(self, cluster: Cluster) -> None:
        given = [{"key": "node.kubernetes.io/not-ready", "operator": "Exists", "effect": "NoExecute"}]
        made = await cluster.pod("a", "p", {"tolerations": given})
        assert made["spec"]["tolerations"] == [
            *given,
            {
                "key": "node.kubernetes.io/unreachable",
                "operator": "Exists",
                "effect": "NoExecute",
                "tolerationSeconds": 300,
            },
        ]

    async def test_a_class_gives_priority(self, cluster: Cluster) -> None:
        path = "/apis/scheduling.k8s.io/v1/priorityclasses"
        await cluster.call("POST", path, {"metadata": {"name": "high"}, "value": 7, "preemptionPolicy": "Never"})
        spec = (await cluster.pod("a", "p", {"priorityClassName": "high"}))["spec"]
        assert (spec["priority"], spec["preemptionPolicy"]) == (7, "Never")
        assert (await cluster.pod("a", "q"))["spec"]["priority"] == 0
        with pytest.raises(Forbidden, match="no PriorityClass with name none was found"):
            await cluster.pod("a", "r", {"priorityClassName": "none"})
        with pytest.raises(Forbidden, match="must not be provided in pod spec"):
            await cluster.pod("a", "r", {"priority": 9})

    async def test_a_runtime_has_overhead_and_places(self, cluster: Cluster) -> None:
        made = {
            "metadata": {"name": "kata"}, "handler": "kata", "overhead": {"podFixed": {"cpu": "250m"}},
            "scheduling": {"nodeSelector": {"kata": "yes"}, "tolerations": [{"key": "kata", "operator": "Exists"}]},
        }  # fmt: skip
        await cluster.call("POST", "/apis/node.k8s.io/v1/runtimeclasses", made)
        spec = (await cluster.pod("a", "p", {"runtimeClassName": "kata"}))["spec"]
        assert spec["overhead"] == {"cpu": "250m"}
        assert spec["nodeSelector"] == {"kata": "yes"}
        assert {"key": "kata", "operator": "Exists"} in spec["tolerations"]
        with pytest.raises(Forbidden, match="conflict"):
            await cluster.pod("a", "q", {"runtimeClassName": "kata", "nodeSelector": {"kata": "no"}})
        with pytest.raises(Forbidden, match="none"):
            await cluster.pod("a", "r", {"runtimeClassName": "none"})

    @pytest.mark.parametrize("account", [None, True, False])
    @pytest.mark.parametrize("pod", [None, True, False])
    async def test_a_token_is_mounted_unless_pod_or_account_opt_out(
        self, cluster: Cluster, account: bool | None, pod: bool | None
    ) -> None:
        body: dict[str, Any] = {"metadata": {"name": "robot"}}
        if account is not None:
            body["automountServiceAccountToken"] = account
        await cluster.call("POST", "/api/v1/namespaces/a/serviceaccounts", body)
        spec: dict[str, Any] = {"serviceAccountName": "robot"}
        if pod is not None:
            spec["automountServiceAccountToken"] = pod
        made = (await cluster.pod("a", "p", spec))["spec"]
        mounts = [item["mountPath"] for item in made["containers"][0].get("volumeMounts") or ()]
        wanted = pod if pod is not None else account is not False
        assert mounts == (["/var/run/secrets/kubernetes.io/serviceaccount"] if wanted else [])

    async def test_an_account_has_to_exist(self, cluster: Cluster) -> None:
        with pytest.raises(Forbidden, match="error looking up service account a/none"):
            await cluster.pod("a", "p", {"serviceAccountName": "none"})

    async def test_a_pod_carries_the_place_of_its_node(self, cluster: Cluster) -> None:
        await node(cluster, "n", **{ZONE: "z1", REGION: "r1", "other": "x"})
        fixed = await cluster.pod("a", "fixed", {"nodeName": "n"})
        assert fixed["metadata"]["labels"] == {ZONE: "z1", REGION: "r1"}
        await cluster.pod("a", "free")
        binding = {"metadata": {"name": "free"}, "target": {"kind": "Node", "name": "n"}}
        await cluster.call("POST", "/api/v1/namespaces/a/pods/free/binding", binding)
        bound = await cluster.call("GET", "/api/v1/namespaces/a/pods/free")
        assert bound["metadata"]["labels"] == {ZONE: "z1", REGION: "r1"}

    async def test_the_place_of_the_node_wins(self, cluster: Cluster) -> None:
        await node(cluster, "n", **{ZONE: "z1"})
        labels = {ZONE: "elsewhere", "app": "web"}
        spec = {"containers": [{"name": "c", "image": "i"}], "nodeName": "n"}
        path = "/api/v1/namespaces/a/pods"
        fixed = await cluster.call("POST", path, {"metadata": {"name": "p", "labels": labels}, "spec": spec})
        assert fixed["metadata"]["labels"] == {ZONE: "z1", "app": "web"}
        free = {"metadata": {"name": "free", "labels": labels}, "spec": {"containers": spec["containers"]}}
        await cluster.call("POST", path, free)
        binding = {"metadata": {"name": "free"}, "target": {"kind": "Node", "name": "n"}}
        await cluster.call("POST", f"{path}/free/binding", binding)
        bound = await cluster.call("GET", f"{path}/free")
        assert bound["metadata"]["labels"] == {ZONE: "z1", "app": "web"}


async def test_pods_do_not_carry_it_in_older_versions(tmp_path: Path) -> None:
    pytest.importorskip("kubernetes_validate", reason="other versions come with the extra `schemas`")
    settings = ClusterSettings(data_dir=tmp_path, port=0, store="memory://", kubernetes_version="1.34")
    async with running_api_server(settings) as running:
        older = Cluster(running)
        await older.namespace("b")
        await node(older, "n", **{ZONE: "z1"})
        assert "labels" not in (await older.pod("b", "fixed", {"nodeName": "n"}))["metadata"]
        await older.pod("b", "free")
        target = {"kind": "Node", "name": "n"}
        binding = {"metadata": {"name": "free", "labels": {ZONE: "z1"}}, "target": target}
        await older.call("POST", "/api/v1/namespaces/b/pods/free/binding", binding)
        assert "labels" not in (await older.call("GET", "/api/v1/namespaces/b/pods/free"))["metadata"]


async def test_a_new_node_waits_until_it_is_ready(cluster: Cluster) -> None:
    made = await node(cluster, "n")
    assert {"key": "node.kubernetes.io/not-ready", "effect": "NoSchedule"} in made["spec"]["taints"]


async def test_an_ingress_gets_the_default_class(cluster: Cluster) -> None:
    mark = {"ingressclass.kubernetes.io/is-default-class": "true"}
    body = {"metadata": {"name": "nginx", "annotations": mark}, "spec": {"controller": "example.com/nginx"}}
    await cluster.call("POST", "/apis/networking.k8s.io/v1/ingressclasses", body)
    path = "/apis/networking.k8s.io/v1/namespaces/a/ingresses"
    backend = {"defaultBackend": {"service": {"name": "s", "port": {"number": 80}}}}
    made = await cluster.call("POST", path, {"metadata": {"name": "i"}, "spec": backend})
    assert made["spec"]["ingressClassName"] == "nginx"
    old = {"name": "j", "annotations": {"kubernetes.io/ingress.class": "other"}}
    assert "ingressClassName" not in (await cluster.call("POST", path, {"metadata": old, "spec": backend}))["spec"]
