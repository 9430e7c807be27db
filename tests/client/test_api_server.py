"""Both transports against the API server itself, by the same contract as the fake."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from cloudk8s.client.interface import Client
from cloudk8s.client.kubeconfig import parse_kubeconfig
from cloudk8s.client.network import NetworkClient
from cloudk8s.client.resources import NAMESPACES, SERVICE_ACCOUNTS
from cloudk8s.controlplane.api_server import RunningApiServer, running_api_server
from cloudk8s.settings import ClusterSettings
from tests.client.contract import NS, ClientContract


@pytest.fixture
async def server(tmp_path: Path) -> AsyncIterator[RunningApiServer]:
    settings = ClusterSettings(data_dir=tmp_path, port=0, store="memory://")
    async with running_api_server(settings) as server:
        admin = server.client("system:test", "system:masters")
        await admin.create(NAMESPACES, {"metadata": {"name": NS}})
        await admin.create(SERVICE_ACCOUNTS, {"metadata": {"name": "default"}}, namespace=NS)
        yield server


class TestInProcess(ClientContract):
    @pytest.fixture
    async def client(self, server: RunningApiServer) -> Client:
        return server.client("system:test", "system:masters")


class TestNetwork(ClientContract):
    @pytest.fixture
    async def client(self, server: RunningApiServer) -> AsyncIterator[Client]:
        client = NetworkClient(parse_kubeconfig(server.access().as_config()))
        yield client
        await client.close()
