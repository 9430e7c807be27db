"""`metrics.k8s.io` as clients see it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from cloudk8s.api.resource import Object
from cloudk8s.api.resource_metrics.usage import Measurement, Usage
from cloudk8s.apiserver.authentication import UserInfo
from cloudk8s.apiserver.local import LocalApi, joined
from cloudk8s.controlplane.api_server import RunningApiServer, running_api_server
from cloudk8s.errors import Forbidden, MethodNotAllowed, NotFound
from cloudk8s.machinery import codec
from cloudk8s.settings import ClusterSettings

ADMIN = UserInfo("system:test", groups=("system:masters", "system:authenticated"))
BASE = "/apis/metrics.k8s.io/v1beta1"
PODS = f"{BASE}/namespaces/default/pods"
MOMENT = datetime(2026, 1, 1, tzinfo=UTC)
TABLE = "application/json;as=Table;g=meta.k8s.io;v=v1"


class Source:
    """Knows everything but what is called `young`."""

    def of_node(self, node: Object) -> Measurement | None:
        return self._measured(node, {"": Usage(1_500_000_000, 2**30)})

    def of_pod(self, pod: Object) -> Measurement | None:
        return self._measured(pod, {"web": Usage(123_456, 5 * 2**20), "log": Usage(1_000_000, 4097)})

    def _measured(self, obj: Object, usage: dict[str, Usage]) -> Measurement | None:
        if obj["metadata"]["name"] == "young":
            return None
        return Measurement(MOMENT, timedelta(seconds=15.25), usage)


@pytest.fixture
async def server(tmp_path: Path) -> AsyncIterator[RunningApiServer]:
    settings = ClusterSettings(data_dir=tmp_path, port=0, store="memory://")
    async with running_api_server(settings) as server:
        await server.assembly.serve_resource_metrics(Source())
        yield server


@pytest.fixture
async def api(server: RunningApiServer) -> LocalApi:
    api = server.assembly.local(ADMIN, agent="test")
    await api.call("POST", "/api/v1/namespaces/default/serviceaccounts", body={"metadata": {"name": "default"}})
    for name, phase in (("a", "Running"), ("b", "Running"), ("done", "Succeeded"), ("young", "Running")):
        containers = [{"name": "web", "image": "i"}, {"name": "log", "image": "i"}]
        pod = {"metadata": {"name": name, "labels": {"app": name}}, "spec": {"containers": containers}}
        await api.call("POST", "/api/v1/namespaces/default/pods", body=pod)
        path = f"/api/v1/namespaces/default/pods/{name}/status"
        merge = {"content-type": "application/merge-patch+json"}
        await api.call("PATCH", path, body={"status": {"phase": phase}}, headers=merge)
    for name in ("n1", "young"):
        await api.call("POST", "/api/v1/nodes", body={"metadata": {"name": name, "labels": {"zone": "z"}}})
    return api


async def got(api: LocalApi, path: str, query: dict[str, str] | None = None, *, accept: str = "") -> Any:
    return codec.decode(joined(await api.call("GET", path, query, headers={"accept": accept})))


async def test_pods_answer_as_the_metrics_server_does(api: LocalApi) -> None:
    pod = await got(api, f"{PODS}/a")
    made = pod["metadata"].pop("creationTimestamp")
    assert made
    assert pod == {
        "kind": "PodMetrics",
        "apiVersion": "metrics.k8s.io/v1beta1",
        "metadata": {"name": "a", "namespace": "default", "labels": {"app": "a"}},
        "timestamp": "2026-01-01T00:00:00Z",
        "window": "15.25s",
        "containers": [
            {"name": "log", "usage": {"cpu": "1m", "memory": "4097"}},
            {"name": "web", "usage": {"cpu": "123456n", "memory": "5Mi"}},
        ],
    }


async def test_lists_hold_what_runs_and_is_known_and_is_selected(api: LocalApi) -> None:
    everything = await got(api, f"{BASE}/pods")
    assert everything["kind"] == "PodMetricsList"
    assert [item["metadata"]["name"] for item in everything["items"]] == ["a", "b"]
    assert "kind" not in everything["items"][0]
    for query in ({"labelSelector": "app in (b, done)"}, {"fieldSelector": "metadata.name=b"}):
        assert [item["metadata"]["name"] for item in (await got(api, PODS, query))["items"]] == ["b"]
    (node,) = (await got(api, f"{BASE}/nodes", {"labelSelector": "zone=z"}))["items"]
    assert node["usage"] == {"cpu": "1500m", "memory": "1Gi"}


async def test_what_is_not_known_is_not_found_in_upstreams_words(api: LocalApi) -> None:
    with pytest.raises(NotFound, match=r'^podmetrics.metrics.k8s.io "default/young" not found$'):
        await got(api, f"{PODS}/young")
    with pytest.raises(NotFound, match=r'^nodemetrics.metrics.k8s.io "young" not found$'):
        await got(api, f"{BASE}/nodes/young")
    with pytest.raises(NotFound, match=r'^pods "nope" not found$'):
        await got(api, f"{PODS}/nope")
    with pytest.raises(NotFound, match=r'^nodes "nope" not found$'):
        await got(api, f"{BASE}/nodes/nope")


async def test_tables(api: LocalApi) -> None:
    table = await got(api, f"{BASE}/pods", accept=TABLE)
    assert [column["name"] for column in table["columnDefinitions"]] == ["Name", "cpu", "memory", "Window"]
    assert [column["format"] for column in table["columnDefinitions"]] == ["name", "quantity", "quantity", "duration"]
    assert [row["cells"] for row in table["rows"]] == [[name, "1123456n", "5246977", "15.25s"] for name in ("a", "b")]
    assert (await got(api, f"{BASE}/nodes/n1", accept=TABLE))["rows"][0]["cells"] == ["n1", "1500m", "1Gi", "15.25s"]
    assert (await got(api, f"{BASE}/pods", {"labelSelector": "app=x"}, accept=TABLE))["columnDefinitions"] is None


async def test_nothing_can_be_watched_or_written(api: LocalApi) -> None:
    for method, path, query in (
        ("GET", PODS, {"watch": "true"}), ("POST", PODS, None), ("DELETE", f"{PODS}/a", None),
    ):  # fmt: skip
        with pytest.raises(MethodNotAllowed):
            await api.call(method, path, query, body={})


async def test_discovery_and_documents_tell(api: LocalApi) -> None:
    group = next(item for item in (await got(api, "/apis"))["groups"] if item["name"] == "metrics.k8s.io")
    assert group["preferredVersion"] == {"groupVersion": "metrics.k8s.io/v1beta1", "version": "v1beta1"}
    assert (await got(api, BASE))["resources"][0] == {
        "name": "nodes", "singularName": "", "namespaced": False, "kind": "NodeMetrics", "verbs": ["get", "list"],
    }  # fmt: skip
    accept = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList"
    names = [item["metadata"].get("name", "") for item in (await got(api, "/apis", accept=accept))["items"]]
    assert names[-1] == "metrics.k8s.io"
    document = await got(api, "/openapi/v3/apis/metrics.k8s.io/v1beta1")
    assert f"{BASE}/namespaces/{{namespace}}/pods/{{name}}" in document["paths"]
    assert "io.k8s.metrics.pkg.apis.metrics.v1beta1.PodMetrics" in document["components"]["schemas"]
    service = await got(api, "/apis/apiregistration.k8s.io/v1/apiservices/v1beta1.metrics.k8s.io")
    assert (service["spec"]["groupPriorityMinimum"], service["status"]["conditions"][0]["reason"]) == (100, "Local")


async def test_only_who_may_sees_it(server: RunningApiServer, api: LocalApi) -> None:
    bob = server.assembly.local(UserInfo("bob", groups=("system:authenticated",)), agent="test")
    with pytest.raises(Forbidden, match=r'User "bob" cannot list resource "pods" in API group "metrics.k8s.io"'):
        await got(bob, PODS)
    role = await got(api, "/apis/rbac.authorization.k8s.io/v1/clusterroles/system:aggregated-metrics-reader")
    assert role["metadata"]["labels"]["rbac.authorization.k8s.io/aggregate-to-view"] == "true"


async def test_a_server_without_a_source_does_not_pretend(tmp_path: Path) -> None:
    settings = ClusterSettings(data_dir=tmp_path, port=0, store="memory://")
    async with running_api_server(settings) as server:
        api = server.assembly.local(ADMIN, agent="test")
        assert all(item["name"] != "metrics.k8s.io" for item in (await got(api, "/apis"))["groups"])
        with pytest.raises(NotFound):
            await got(api, f"{BASE}/nodes")
