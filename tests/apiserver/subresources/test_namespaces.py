"""Finalizers of a namespace's spec: written by their own subresource, each by whom it belongs to."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from cloudk8s.controlplane.api_server import RunningApiServer, running_api_server
from cloudk8s.settings import ClusterSettings
from tests.apiserver.handlers.following import refusal, sent

ONE = "/api/v1/namespaces/one"
MINE = "example.com/mine"


@pytest.fixture
async def server(tmp_path: Path) -> AsyncIterator[RunningApiServer]:
    async with running_api_server(ClusterSettings(data_dir=tmp_path, port=0, store="memory://")) as running:
        await sent(running, "POST", "/api/v1/namespaces", body={"metadata": {"name": "one"}})
        yield running


async def finalized(server: RunningApiServer, *finalizers: str) -> Any:
    read = refusal(await sent(server, "GET", ONE))
    return refusal(await sent(server, "PUT", f"{ONE}/finalize", body=read | {"spec": {"finalizers": finalizers}}))


async def test_one_is_added_and_removed_and_the_others_stay(server: RunningApiServer) -> None:
    added = await finalized(server, "kubernetes", MINE)
    assert added["spec"]["finalizers"] == ["kubernetes", MINE]
    plain = added | {"spec": {"finalizers": []}}
    kept = refusal(await sent(server, "PUT", ONE, body=plain))
    assert kept["spec"]["finalizers"] == ["kubernetes", MINE], "an update leaves them alone"
    removed = await finalized(server, "kubernetes")
    assert (removed["spec"]["finalizers"], removed["status"]["phase"]) == (["kubernetes"], "Active")


async def test_a_namespace_goes_with_the_last_of_them_once_it_is_deleted(server: RunningApiServer) -> None:
    await finalized(server, "kubernetes", MINE)
    assert refusal(await sent(server, "DELETE", ONE))["status"]["phase"] == "Terminating"
    await finalized(server, MINE)
    assert (await sent(server, "GET", ONE)).status == 200
    await finalized(server)
    assert (await sent(server, "GET", ONE)).status == 404
