"""`custom.metrics.k8s.io` and `external.metrics.k8s.io` as autoscalers see them."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Sequence
from pathlib import Path
from typing import Any

import pytest

from cloudk8s.api.custom_metrics.source import ExternalValue
from cloudk8s.api.resource import Object
from cloudk8s.apiserver.authentication import UserInfo
from cloudk8s.apiserver.local import LocalApi, joined
from cloudk8s.controlplane.api_server import RunningApiServer, running_api_server
from cloudk8s.errors import Forbidden, MethodNotAllowed, NotFound
from cloudk8s.machinery import codec
from cloudk8s.machinery.quantity import Quantity, parse
from cloudk8s.settings import ClusterSettings

ADMIN = UserInfo("system:test", groups=("system:masters", "system:authenticated"))
CUSTOM = "/apis/custom.metrics.k8s.io/v1beta2/namespaces/default"
EXTERNAL = "/apis/external.metrics.k8s.io/v1beta1/namespaces/default"


class Source:
    """Pods and the namespace have `hits`; outside there is a `queue`."""

    def __init__(self) -> None:
        self.has_any = True
        self.changed: Callable[[], None] = lambda: None

    def of_object(self, obj: Object, metric: str) -> Quantity | None:
        values = {"a": "500m", "b": "2", "default": "7"}
        text = values.get(obj["metadata"]["name"]) if metric == "hits" else None
        return parse(text) if text else None

    def external(self, namespace: str, metric: str) -> Sequence[ExternalValue]:
        values = [ExternalValue(parse("3"), {"shard": "one"}), ExternalValue(parse("4"), {"shard": "two"})]
        return values if metric == "queue" else []

    def custom_names(self) -> frozenset[tuple[str, str]]:
        return frozenset({("pods", "hits"), ("namespaces", "hits")} if self.has_any else ())

    def external_names(self) -> frozenset[str]:
        return frozenset({"queue"} if self.has_any else ())

    def follow(self, on_change: Callable[[], None]) -> None:
        self.changed = on_change


@pytest.fixture
def source() -> Source:
    return Source()


@pytest.fixture
async def server(tmp_path: Path, source: Source) -> AsyncIterator[RunningApiServer]:
    settings = ClusterSettings(data_dir=tmp_path, port=0, store="memory://")
    async with running_api_server(settings) as server:
        server.assembly.serve_custom_metrics(source)
        yield server


@pytest.fixture
async def api(server: RunningApiServer) -> LocalApi:
    api = server.assembly.local(ADMIN, agent="test")
    await api.call("POST", "/api/v1/namespaces/default/serviceaccounts", body={"metadata": {"name": "default"}})
    for name in ("a", "b", "c"):
        pod = {
            "metadata": {"name": name, "labels": {"app": name}},
            "spec": {"containers": [{"name": "c", "image": "i"}]},
        }
        await api.call("POST", "/api/v1/namespaces/default/pods", body=pod)
    return api


async def got(api: LocalApi, path: str, query: dict[str, str] | None = None) -> Any:
    return codec.decode(joined(await api.call("GET", path, query)))


async def test_pods_have_metrics_together_and_alone(api: LocalApi) -> None:
    everything = await got(api, f"{CUSTOM}/pods/*/hits")
    assert everything["kind"] == "MetricValueList"
    assert [(item["describedObject"]["name"], item["value"]) for item in everything["items"]] == [
        ("a", "500m"),
        ("b", "2"),
    ]
    assert everything["items"][0]["describedObject"] == {
        "kind": "Pod", "namespace": "default", "name": "a", "apiVersion": "/v1",
    }  # fmt: skip
    assert everything["items"][0]["metric"] == {"name": "hits", "selector": None}
    (selected,) = (await got(api, f"{CUSTOM}/pods/*/hits", {"labelSelector": "app=b"}))["items"]
    assert selected["describedObject"]["name"] == "b"
    assert (await got(api, f"{CUSTOM}/pods/a/hits"))["items"][0]["value"] == "500m"
    old = await got(api, f"{CUSTOM.replace('v1beta2', 'v1beta1')}/pods/a/hits")
    assert old["items"][0]["metricName"] == "hits"


async def test_a_namespace_has_metrics_of_its_own(api: LocalApi) -> None:
    assert (await got(api, f"{CUSTOM}/metrics/hits"))["items"][0]["value"] == "7"


async def test_external_metrics_are_selected_by_their_labels(api: LocalApi) -> None:
    everything = await got(api, f"{EXTERNAL}/queue")
    assert everything["kind"] == "ExternalMetricValueList"
    assert [item["value"] for item in everything["items"]] == ["3", "4"]
    (two,) = (await got(api, f"{EXTERNAL}/queue", {"labelSelector": "shard=two"}))["items"]
    assert (two["metricName"], two["metricLabels"], two["value"]) == ("queue", {"shard": "two"}, "4")


async def test_what_is_not_there_is_not_found(api: LocalApi) -> None:
    for path, message in (
        (f"{CUSTOM}/pods/*/misses", "the server could not find the metric misses for pods"),
        (f"{CUSTOM}/pods/c/hits", "the server could not find the metric hits for pods c"),
        (f"{CUSTOM}/widgets/x/hits", "the server could not find the metric hits for widgets x"),
        (f"{EXTERNAL}/other", "the server could not find the metric other"),
    ):
        with pytest.raises(NotFound, match=message):
            await got(api, path)
    with pytest.raises(NotFound):
        await got(api, f"{CUSTOM}/pods")
    with pytest.raises(MethodNotAllowed):
        await api.call("POST", f"{CUSTOM}/pods/a/hits", body={})


async def test_discovery_lists_the_metrics_that_there_are_just_now(api: LocalApi, source: Source) -> None:
    listed = await got(api, "/apis/custom.metrics.k8s.io/v1beta2")
    assert [(item["name"], item["namespaced"]) for item in listed["resources"]] == [
        ("namespaces/hits", False), ("pods/hits", True),
    ]  # fmt: skip
    group = next(item for item in (await got(api, "/apis"))["groups"] if item["name"] == "custom.metrics.k8s.io")
    assert group["preferredVersion"]["version"] == "v1beta2"
    assert (await got(api, "/openapi/v2"))["paths"]
    source.has_any = False
    source.changed()
    assert all("metrics" not in item["name"] for item in (await got(api, "/apis"))["groups"])


async def test_only_who_may_sees_them(server: RunningApiServer) -> None:
    bob = server.assembly.local(UserInfo("bob", groups=("system:authenticated",)), agent="test")
    for path in (f"{CUSTOM}/pods/*/hits", f"{EXTERNAL}/queue"):
        with pytest.raises(Forbidden):
            await got(bob, path)
