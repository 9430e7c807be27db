"""`/metrics`, as a scraper sees it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from prometheus_client.parser import text_string_to_metric_families

from cloudk8s.apiserver.authentication import UserInfo
from cloudk8s.apiserver.http.interface import Request, Response, Stream
from cloudk8s.apiserver.local import LocalApi, LocalConnection, joined
from cloudk8s.controlplane.api_server import RunningApiServer, running_api_server
from cloudk8s.errors import Forbidden
from cloudk8s.settings import ClusterSettings
from tests.apiserver.admission.cluster import ADMIN
from tests.apiserver.handlers.following import watch

MAPS = "/api/v1/namespaces/default/configmaps"
MARKS = {"allowWatchBookmarks": "true"}
Samples = dict[tuple[str, frozenset[tuple[str, str]]], float]


@pytest.fixture
async def server(tmp_path: Path) -> AsyncIterator[RunningApiServer]:
    async with running_api_server(ClusterSettings(data_dir=tmp_path, port=0, store="memory://")) as running:
        yield running


async def scrape(api: LocalApi) -> Samples:
    response: Response = await api.call("GET", "/metrics")
    assert response.content_type == "text/plain; version=0.0.4; charset=utf-8"
    families = text_string_to_metric_families(joined(response).decode())
    return {(item.name, frozenset(item.labels.items())): item.value for family in families for item in family.samples}


def value(samples: Samples, name: str, **labels: str) -> float:
    """The sum over all series with these labels."""
    return sum(number for (found, having), number in samples.items() if found == name and having >= labels.items())


async def test_requests_and_stored_objects_are_counted(server: RunningApiServer) -> None:
    api = server.assembly.local(ADMIN, agent="test")
    before = await scrape(api)
    for name in ("a", "b"):
        await api.call("POST", MAPS, body={"metadata": {"name": name}})
    await api.call("GET", f"{MAPS}/a")
    after = await scrape(api)
    get = {"verb": "GET", "resource": "configmaps", "version": "v1", "scope": "resource", "component": "apiserver"}
    assert value(after, "apiserver_request_total", **get, code="200") == 1
    assert value(after, "apiserver_request_total", verb="POST", resource="configmaps", code="201") == 2
    assert value(after, "apiserver_request_duration_seconds_count", **get) == 1
    assert value(after, "apiserver_request_duration_seconds_bucket", **get, le="+Inf") == 1
    assert value(after, "apiserver_request_total", subresource="/metrics", code="200") == 1
    for name, labels in (
        ("apiserver_storage_objects", {"resource": "configmaps"}),
        ("apiserver_resource_objects", {"group": "", "resource": "configmaps"}),
    ):
        assert value(after, name, **labels) == value(before, name, **labels) + 2
    assert value(after, "apiserver_storage_objects", resource="clusterroles.rbac.authorization.k8s.io") > 50
    assert value(after, "apiserver_current_inflight_requests", request_kind="readOnly") == 1, "the scrape itself"
    assert value(after, "apiserver_current_inflight_requests", request_kind="mutating") == 0


async def test_the_process_and_the_build_show_themselves(server: RunningApiServer) -> None:
    samples = await scrape(server.assembly.local(ADMIN, agent="test"))
    for name in ("process_resident_memory_bytes", "process_cpu_seconds_total", "process_open_fds"):
        assert value(samples, name) > 0
    assert value(samples, "kubernetes_build_info", major="1") == 1


async def test_a_watch_is_open_until_it_ends(server: RunningApiServer) -> None:
    api = server.assembly.local(ADMIN, agent="test")
    watch = server.assembly.server.handle(Request("GET", f"{MAPS}?watch=1", {}, b"", LocalConnection(ADMIN)))
    assert isinstance(watch, Stream)
    place = {"verb": "WATCH", "resource": "configmaps", "scope": "namespace"}
    during = await scrape(api)
    assert value(during, "apiserver_longrunning_requests", **place) == 1
    assert value(during, "apiserver_request_total", **place) == 0
    watch.stop()
    after = await scrape(api)
    assert value(after, "apiserver_longrunning_requests", **place) == 0
    assert value(after, "apiserver_request_total", **place, code="200") == 1


async def test_events_of_watches_are_counted(server: RunningApiServer) -> None:
    api = server.assembly.local(ADMIN, agent="test")
    place = {"group": "", "version": "v1", "resource": "configmaps"}
    await api.call("POST", MAPS, body={"metadata": {"name": "a"}})
    first, second = await watch(server, MAPS), await watch(server, MAPS, labelSelector="app=web")
    assert value(await scrape(api), "apiserver_watch_events_total", **place) == len(first.events)
    await api.call("POST", MAPS, body={"metadata": {"name": "b", "labels": {"app": "web"}}})
    await api.call("DELETE", f"{MAPS}/a")
    marked = await watch(server, MAPS, sendInitialEvents="true", resourceVersionMatch="NotOlderThan", **MARKS)
    told = len(first.events) + len(second.events) + len(marked.events)
    assert marked.told[-1][0] == "BOOKMARK"
    assert value(await scrape(api), "apiserver_watch_events_total", **place) == told
    for one in (first, second, marked):
        one.stop()


async def test_only_who_may_get_the_path_gets_it(server: RunningApiServer) -> None:
    nobody = server.assembly.local(UserInfo("nobody", groups=("system:authenticated",)), agent="test")
    with pytest.raises(Forbidden, match='cannot get path "/metrics"'):
        await nobody.call("GET", "/metrics")
    monitor = server.assembly.local(UserInfo("probe", groups=("system:monitoring", "system:authenticated")), agent="t")
    assert await scrape(monitor)


async def test_the_store_and_levels_are_measured(tmp_path: Path) -> None:
    async with running_api_server(ClusterSettings(data_dir=tmp_path, port=0)) as server:
        api = server.assembly.local(ADMIN, agent="test")
        await api.call("GET", f"{MAPS}")
        samples = await scrape(api)
    assert value(samples, "apiserver_storage_size_bytes", storage_cluster_id="etcd-0") > 10_000
    assert value(samples, "apiserver_flowcontrol_dispatched_requests_total", flow_schema="exempt") >= 2
    listed = {"verb": "LIST", "resource": "configmaps"}
    assert value(samples, "apiserver_request_sli_duration_seconds_count", **listed) == 1
