"""A running server heeds the objects, says so in its answers, and keeps their condition."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from cloudk8s.apiserver.authentication import UserInfo
from cloudk8s.apiserver.http.interface import Request, Response
from cloudk8s.apiserver.local import LocalConnection, joined
from cloudk8s.controlplane.api_server import ApiServerOptions, RunningApiServer, running_api_server
from cloudk8s.machinery import codec
from cloudk8s.settings import ClusterSettings
from tests.apiserver.admission.cluster import ADMIN
from tests.apiserver.flow_control.test_control import level, schema

API = "/apis/flowcontrol.apiserver.k8s.io/v1"
BOB = UserInfo("bob", groups=("system:authenticated",))


@pytest.fixture
async def server(tmp_path: Path) -> AsyncIterator[RunningApiServer]:
    async with running_api_server(ClusterSettings(data_dir=tmp_path, port=0, store="memory://")) as running:
        yield running


async def sent(server: RunningApiServer, method: str, path: str, body: Any = None, user: UserInfo = ADMIN) -> Response:
    data = codec.encode(body) if body else b""
    headers = {"content-type": "application/json", "user-agent": "test"}
    answer: Any = server.assembly.server.handle(Request(method, path, headers, data, LocalConnection(user)))
    response: Response = await answer if asyncio.iscoroutine(answer) else answer
    return response


async def make(server: RunningApiServer, plural: str, obj: dict[str, Any]) -> None:
    obj["metadata"] = {"name": obj["metadata"]["name"]}
    assert (await sent(server, "POST", f"{API}/{plural}", obj)).status == 201


async def condition(server: RunningApiServer, name: str, status: str) -> dict[str, Any]:
    """The condition of a schema, once it has that status."""
    for _ in range(200):
        obj = codec.decode(joined(await sent(server, "GET", f"{API}/flowschemas/{name}")))
        for found in (obj.get("status") or {}).get("conditions") or ():
            if found["status"] == status:
                return dict(found)
        await asyncio.sleep(0)
    raise AssertionError(f"{name} does not become {status}")


async def test_answers_name_the_schema_and_the_level(server: RunningApiServer) -> None:
    schemas = codec.decode(joined(await sent(server, "GET", f"{API}/flowschemas")))["items"]
    uids = {item["metadata"]["name"]: item["metadata"]["uid"] for item in schemas}
    for user, name in ((ADMIN, "exempt"), (BOB, "global-default")):
        answer = await sent(server, "GET", "/api/v1/namespaces", user=user)
        assert f"X-Kubernetes-PF-FlowSchema-UID: {uids[name]}\r\n" in answer.flow


async def test_a_level_without_seats_refuses_reads_and_writes(server: RunningApiServer) -> None:
    await make(server, "flowschemas", schema("people"))
    found = await condition(server, "people", "True")
    assert (found["type"], found["reason"]) == ("Dangling", "NotFound")
    await make(server, "prioritylevelconfigurations", level(nominalConcurrencyShares=0, borrowingLimitPercent=0))
    assert (await condition(server, "people", "False"))["reason"] == "Found"
    for method, body in (("GET", None), ("POST", {"metadata": {"name": "a"}})):
        answer = await sent(server, method, "/api/v1/namespaces/default/configmaps", body, BOB)
        assert answer.status == 429
        assert ("Retry-After", "1") in answer.headers
    page = joined(await sent(server, "GET", "/metrics")).decode()
    labels = 'flow_schema="people",priority_level="few"'
    assert f'rejected_requests_total{{{labels},reason="concurrency-limit"}} 2.0' in page
    assert 'nominal_limit_seats{priority_level="few"} 0.0' in page
    refused = [line for line in page.splitlines() if line.startswith("apiserver_request_terminations_total{")]
    assert [line.partition('verb="')[2][:4] for line in refused] == ["LIST", "POST"]
    assert all('code="429"' in line and line.endswith(" 1.0") for line in refused)


async def test_the_number_of_seats_is_an_option(tmp_path: Path) -> None:
    settings = ClusterSettings(data_dir=tmp_path, port=0, store="memory://")
    async with running_api_server(settings, ApiServerOptions(seats=49)) as server:
        page = joined(await sent(server, "GET", "/metrics")).decode()
    assert 'nominal_limit_seats{priority_level="global-default"} 4.0' in page
