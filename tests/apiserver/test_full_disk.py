"""An API server whose disk has no room left."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from cloudk8s.controlplane.api_server import running_api_server
from cloudk8s.errors import InternalError
from cloudk8s.settings import ClusterSettings
from tests.apiserver.admission.cluster import Cluster
from tests.apiserver.handlers.following import watch
from tests.storage.sqlite.small_disk import fill, mounted

pytestmark = pytest.mark.root
MAPS = "/api/v1/namespaces/a/configmaps"


async def test_it_refuses_writes_reads_on_and_recovers(tmp_path: Path) -> None:
    with mounted(tmp_path / "small", "12m") as folder:
        settings = ClusterSettings(data_dir=folder, port=0)
        async with running_api_server(settings) as server:
            cluster = Cluster(server)
            await cluster.namespace("a")
            await put(cluster, "before")
            watching = await watch(server, MAPS)
            await asyncio.to_thread(fill, folder / "ballast")
            for name in ("refused", "too"):
                with pytest.raises(InternalError, match="the disk is full; free some space and try again"):
                    await put(cluster, name)
            with pytest.raises(InternalError, match="the disk is full"):
                await cluster.call("PATCH", f"{MAPS}/before", {"data": {"x": "y" * 20_000}})
            assert await kept(cluster) == {"before": 20_000}
            await asyncio.to_thread((folder / "ballast").unlink)
            await put(cluster, "after")
            assert watching.told == [("ADDED", "before"), ("ADDED", "after")], "nobody heard of what was refused"
            watching.stop()
        async with running_api_server(settings) as again:
            assert await kept(Cluster(again)) == {"after": 20_000, "before": 20_000}


async def put(cluster: Cluster, name: str) -> None:
    await cluster.call("POST", MAPS, {"metadata": {"name": name}, "data": {"x": "x" * 20_000}})


async def kept(cluster: Cluster) -> dict[str, int]:
    items = (await cluster.call("GET", MAPS))["items"]
    return {item["metadata"]["name"]: len(item["data"]["x"]) for item in items}
