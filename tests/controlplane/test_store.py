"""Stores named by settings, and two API servers on one of them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from cloudk8s.client import resources
from cloudk8s.controlplane.api_server import running_api_server
from cloudk8s.controlplane.store import open_configured_store
from cloudk8s.errors import SettingsError
from cloudk8s.settings import ClusterSettings
from tests.storage.etcd_server import EtcdServer
from tests.storage.writing import PODS, create


@pytest.fixture
def etcd(tmp_path: Path) -> Iterator[EtcdServer]:
    server = EtcdServer(tmp_path)
    server.start()
    yield server
    server.stop()


async def test_without_a_setting_it_is_a_file_in_the_data_directory(tmp_path: Path) -> None:
    data_dir = tmp_path / "with a space, 100% odd?"
    data_dir.mkdir()
    store = await open_configured_store(ClusterSettings(data_dir=data_dir))
    await create(store, "a/web")
    await store.close()
    assert (data_dir / "store.db").stat().st_size > 0


async def test_an_unknown_scheme_names_those_of_plugins_too(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="etcd://, memory://, sqlite://"):
        await open_configured_store(ClusterSettings(data_dir=tmp_path, store="postgres://localhost"))


async def test_a_disabled_plugin_serves_no_scheme(tmp_path: Path) -> None:
    settings = ClusterSettings(data_dir=tmp_path, store="etcd://127.0.0.1:1", disabled_plugins=("etcd",))
    with pytest.raises(SettingsError, match="no known scheme"):
        await open_configured_store(settings)


async def test_two_api_servers_share_an_etcd(tmp_path: Path, etcd: EtcdServer) -> None:
    settings = ClusterSettings(data_dir=tmp_path / "one", port=0, store=f"etcd://{etcd.endpoint}/cluster")
    async with running_api_server(settings) as one:
        other = replace(settings, data_dir=tmp_path / "two")
        async with running_api_server(other) as two:
            here, there = (server.client("system:test", "system:masters") for server in (one, two))
            config = {"metadata": {"name": "conf"}, "data": {"a": "1"}}
            async with there.watch(resources.CONFIG_MAPS, namespace="default") as events:
                created = await here.create(resources.CONFIG_MAPS, config, namespace="default")
                assert (await anext(aiter(events))).object == created
            assert await there.get(resources.CONFIG_MAPS, "conf", namespace="default") == created
            assert one.core.store.count(PODS) == 0
