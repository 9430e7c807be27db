"""The walking skeleton, from inside the process."""

from pathlib import Path

import pytest

from cloudk8s.client import resources
from cloudk8s.controlplane.api_server import running_api_server
from cloudk8s.errors import NotFound
from cloudk8s.settings import ClusterSettings


async def test_objects_live_and_die_in_a_running_server(tmp_path: Path) -> None:
    settings = ClusterSettings(data_dir=tmp_path, port=0, store="memory://")
    async with running_api_server(settings) as server:
        client = server.client("system:test", "system:masters")
        names = [item["metadata"]["name"] for item in (await client.list(resources.NAMESPACES)).items]
        assert names == ["default", "kube-node-lease", "kube-public", "kube-system"]
        config = {"metadata": {"name": "conf"}, "data": {"a": "1"}}
        created = await client.create(resources.CONFIG_MAPS, config, namespace="default")
        assert created["metadata"]["uid"]
        async with client.watch(resources.CONFIG_MAPS, namespace="default", send_initial_events=True) as events:
            stream = aiter(events)
            assert (await anext(stream)).object["data"] == {"a": "1"}
            assert (await anext(stream)).type == "BOOKMARK"
            await client.delete(resources.CONFIG_MAPS, "conf", namespace="default")
            assert (await anext(stream)).type == "DELETED"
        with pytest.raises(NotFound, match='configmaps "conf" not found'):
            await client.get(resources.CONFIG_MAPS, "conf", namespace="default")
