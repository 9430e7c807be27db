"""Clients that read nothing but protobuf."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from cloudk8s.api.protobuf import decode_body
from cloudk8s.api.protobuf.wire import fields
from cloudk8s.apiserver.http.interface import Request, Response, Stream
from cloudk8s.apiserver.local import LocalConnection, joined
from cloudk8s.controlplane.api_server import RunningApiServer, running_api_server
from cloudk8s.machinery import codec
from cloudk8s.settings import ClusterSettings
from tests.apiserver.admission.cluster import ADMIN

MAPS = "/api/v1/namespaces/default/configmaps"
PROTOBUF = "application/vnd.kubernetes.protobuf"


@pytest.fixture
async def server(tmp_path: Path) -> AsyncIterator[RunningApiServer]:
    async with running_api_server(ClusterSettings(data_dir=tmp_path, port=0, store="memory://")) as running:
        api = running.assembly.local(ADMIN, agent="test")
        await api.call("POST", MAPS, body={"metadata": {"name": "a"}, "data": {"x": "1"}})
        yield running


async def ask(server: RunningApiServer, target: str, accept: str = PROTOBUF, body: Any = None) -> Any:
    headers = {"accept": accept, "content-type": "application/json"}
    data = codec.encode(body) if body else b""
    request = Request("POST" if body else "GET", target, headers, data, LocalConnection(ADMIN))
    answer: Any = server.assembly.server.handle(request)
    return await answer if asyncio.iscoroutine(answer) else answer


def read(server: RunningApiServer, answer: Response) -> Any:
    assert answer.content_type == PROTOBUF
    return decode_body(joined(answer), server.core.registry.schema)


async def test_objects_lists_and_refusals(server: RunningApiServer) -> None:
    one = read(server, await ask(server, f"{MAPS}/a"))
    assert (one["kind"], one["data"], one["metadata"]["name"]) == ("ConfigMap", {"x": "1"}, "a")
    many = read(server, await ask(server, MAPS))
    assert (many["kind"], [item["data"] for item in many["items"]]) == ("ConfigMapList", [{"x": "1"}])
    made = await ask(server, MAPS, body={"metadata": {"name": "b"}})
    assert (made.status, read(server, made)["metadata"]["name"]) == (201, "b")
    refused = await ask(server, f"{MAPS}/none")
    status = read(server, refused)
    assert (refused.status, status["reason"], status["details"]["name"]) == (404, "NotFound", "none")


async def test_who_reads_json_too_gets_json(server: RunningApiServer) -> None:
    answer = await ask(server, f"{MAPS}/a", f"{PROTOBUF},application/json")
    assert answer.content_type == "application/json"


async def test_watches_are_framed_by_length(server: RunningApiServer) -> None:
    answer = await ask(server, f"{MAPS}?watch=1", f"{PROTOBUF};stream=watch")
    assert isinstance(answer, Stream)
    assert answer.content_type == f"{PROTOBUF};stream=watch"
    written: list[bytes] = []

    class Writer:
        is_closed = False
        write = staticmethod(written.append)
        write_framed = staticmethod(lambda chunk: written.append(chunk.partition(b"\r\n")[2][:-2]))

    answer.start(Writer())  # type: ignore[arg-type]
    frame = b"".join(written)
    answer.stop()
    assert int.from_bytes(frame[:4], "big") == len(frame) - 4
    event = dict(fields(frame[4:]))
    assert event[1] == b"ADDED"
    assert isinstance(event[2], bytes)
    raw = dict(fields(event[2]))[1]
    assert isinstance(raw, bytes)
    assert decode_body(raw, server.core.registry.schema)["metadata"]["name"] == "a"


async def test_custom_resources_have_no_protobuf_form(server: RunningApiServer) -> None:
    schema = {"openAPIV3Schema": {"type": "object"}}
    spec = {
        "group": "x.example", "scope": "Namespaced", "names": {"plural": "things", "kind": "Thing"},
        "versions": [{"name": "v1", "served": True, "storage": True, "schema": schema}],
    }  # fmt: skip
    definitions = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"
    api = server.assembly.local(ADMIN, agent="test")
    await api.call("POST", definitions, body={"metadata": {"name": "things.x.example"}, "spec": spec})
    path = "/apis/x.example/v1/namespaces/default/things"
    for _ in range(200):
        answer = await ask(server, path)
        if answer.status != 404:
            break
        await asyncio.sleep(0)
    assert answer.status == 406
    assert read(server, answer)["reason"] == "NotAcceptable"
