"""Several API servers on one etcd, as clients behind a load balancer see them: like one."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from pathlib import Path

import pytest

from cloudk8s.client.interface import ListOptions
from cloudk8s.client.resources import CONFIG_MAPS, ENDPOINT_SLICES, SERVICES
from cloudk8s.controlplane.api_server import ApiServerOptions, RunningApiServer, running_api_server
from cloudk8s.errors import NotFound
from cloudk8s.settings import ClusterSettings
from tests.storage.etcd_server import EtcdServer

Servers = tuple[RunningApiServer, RunningApiServer]


@pytest.fixture
async def servers(tmp_path: Path) -> AsyncIterator[Servers]:
    """Two that start at the same moment, with nothing in the store."""
    etcd = EtcdServer(tmp_path)
    await asyncio.to_thread(etcd.start)
    try:
        async with AsyncExitStack() as stack:
            made = [
                stack.enter_async_context(
                    running_api_server(
                        ClusterSettings(data_dir=tmp_path / name, port=0, store=f"etcd://{etcd.endpoint}"),
                        ApiServerOptions(is_alone=False),
                    )
                )
                for name in ("one", "two")
            ]
            first, second = await asyncio.gather(*made)
            yield first, second
    finally:
        await asyncio.to_thread(etcd.stop)


def config_map(name: str, text: str = "") -> dict[str, object]:
    return {"metadata": {"name": name, "namespace": "default"}, "data": {"text": text}}


async def test_what_one_acknowledged_the_other_shows(servers: Servers) -> None:
    one, two = (server.client("somebody", "system:masters") for server in servers)
    for number in range(100):
        writer, reader = (one, two) if number % 2 else (two, one)
        name = f"m-{number}"
        await writer.create(CONFIG_MAPS, config_map(name), namespace="default")
        assert await reader.get(CONFIG_MAPS, name, namespace="default")
        found = await reader.list(CONFIG_MAPS, namespace="default")
        assert name in {item["metadata"]["name"] for item in found.items}
        await writer.delete(CONFIG_MAPS, name, namespace="default")
        with pytest.raises(NotFound):
            await reader.get(CONFIG_MAPS, name, namespace="default")


async def test_what_one_made_the_other_changes_and_deletes(servers: Servers) -> None:
    one, two = (server.client("somebody", "system:masters") for server in servers)
    for number in range(50):
        made = await one.create(CONFIG_MAPS, config_map(f"c-{number}"), namespace="default")
        changed = await two.update(CONFIG_MAPS, {**made, "data": {"text": "new"}})
        patched = await one.patch(CONFIG_MAPS, f"c-{number}", {"data": {"more": "x"}}, namespace="default")
        assert changed["data"] | {"more": "x"} == patched["data"]
        await two.delete(CONFIG_MAPS, f"c-{number}", namespace="default")


async def test_a_watch_goes_on_at_another_server_where_it_was_left(servers: Servers) -> None:
    one, two = (server.client("somebody", "system:masters") for server in servers)
    for number in range(20):
        made = await one.create(CONFIG_MAPS, config_map(f"w-{number}"), namespace="default")
        options = ListOptions(resource_version=made["metadata"]["resourceVersion"])
        async with two.watch(CONFIG_MAPS, namespace="default", options=options) as events:
            changed = {**made, "data": {"text": "new"}}
            await one.update(CONFIG_MAPS, changed)
            event = await asyncio.wait_for(anext(aiter(events)), 5)
            assert (event.type, event.object["data"]["text"]) == ("MODIFIED", "new")


async def test_no_address_of_a_service_is_given_twice(servers: Servers) -> None:
    clients = [server.client("somebody", "system:masters") for server in servers]

    async def make(number: int) -> str:
        spec = {"ports": [{"port": 80}]}
        service = {"metadata": {"name": f"s-{number}", "namespace": "default"}, "spec": spec}
        made = await clients[number % 2].create(SERVICES, service, namespace="default")
        return str(made["spec"]["clusterIP"])

    addresses = await asyncio.gather(*(make(number) for number in range(40)))
    assert len(set(addresses)) == 40


async def test_neither_says_alone_where_pods_find_the_api(servers: Servers) -> None:
    client = servers[0].client("somebody", "system:masters")
    with pytest.raises(NotFound):
        await client.get(ENDPOINT_SLICES, "kubernetes", namespace="default")
