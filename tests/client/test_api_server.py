"""Both transports against the API server itself, by the same contract as the fake."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest

from cloudk8s.client.http import Unreachable
from cloudk8s.client.informer import Informers
from cloudk8s.client.interface import Client
from cloudk8s.client.kubeconfig import in_cluster, parse_kubeconfig
from cloudk8s.client.network import NetworkClient
from cloudk8s.client.resources import CONFIG_MAPS, NAMESPACES, SERVICE_ACCOUNTS
from cloudk8s.controlplane.api_server import RunningApiServer, running_api_server
from cloudk8s.errors import Forbidden, Invalid
from cloudk8s.machinery.clock import SystemClock
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


async def token(server: RunningApiServer, account: str = "default") -> str:
    admin = server.client("system:test", "system:masters")
    made = await admin.create(SERVICE_ACCOUNTS, {"spec": {}}, namespace=NS, name=account, subresource="token")
    return str(made["status"]["token"])


async def who(client: NetworkClient) -> str:
    """Whom the server takes a client for."""
    body = {"apiVersion": "authentication.k8s.io/v1", "kind": "SelfSubjectReview"}
    answer = await client.request("POST", "/apis/authentication.k8s.io/v1/selfsubjectreviews", body=body)
    return str(answer["status"]["userInfo"]["username"])


async def test_the_kubeconfigs_credential_plugin_is_run_for_the_server(
    server: RunningApiServer, tmp_path: Path
) -> None:
    plugin = tmp_path / "login"
    answer = {"kind": "ExecCredential", "apiVersion": "client.authentication.k8s.io/v1"}
    status = f'{{"kind": "{answer["kind"]}", "status": {{"token": "{await token(server)}"}}}}'
    plugin.write_text(f"#!/bin/sh\necho '{status}'\n")
    plugin.chmod(0o755)
    document = server.access().as_config()
    run = {"apiVersion": answer["apiVersion"], "command": str(plugin), "interactiveMode": "Never"}
    document["users"][0]["user"] = {"exec": run}
    client = NetworkClient(parse_kubeconfig(document))
    assert await who(client) == f"system:serviceaccount:{NS}:default"
    await client.close()


async def test_a_pod_talks_to_its_cluster_by_the_files_of_its_account(
    server: RunningApiServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "token").write_text(await token(server))
    (tmp_path / "ca.crt").write_bytes(server.pki.ca.certificate.read_bytes())
    host, _, port = server.url.removeprefix("https://").partition(":")
    monkeypatch.setenv("KUBERNETES_SERVICE_HOST", host)
    monkeypatch.setenv("KUBERNETES_SERVICE_PORT", port)
    client = NetworkClient(in_cluster(tmp_path))
    assert await who(client) == f"system:serviceaccount:{NS}:default"
    await client.close()
    other = NetworkClient(replace(in_cluster(tmp_path), ca=b""))
    with pytest.raises(Unreachable, match="certificate"):
        await who(other)
    await other.close()


async def test_in_one_process_informers_share_what_the_server_holds(server: RunningApiServer) -> None:
    """Nothing is copied or decoded again for a second reader."""
    admin, clock = server.client("system:test", "system:masters"), SystemClock()
    await admin.create(CONFIG_MAPS, {"metadata": {"name": "one"}, "data": {"a": "b"}}, namespace=NS)
    first, second = (server.client(f"system:reader-{index}", "system:masters") for index in range(2))
    async with Informers(first, clock=clock) as here, Informers(second, clock=clock) as there:
        maps = here.of(CONFIG_MAPS, namespace=NS), there.of(CONFIG_MAPS, namespace=NS)
        for informer in maps:
            await informer.synced()
        one, other = (informer.get("one", NS) for informer in maps)
        assert one is not None
        assert other is not None
        assert one["data"] is other["data"]


async def test_in_one_process_the_same_rules_hold(server: RunningApiServer) -> None:
    nobody = server.client("system:serviceaccount:default:nobody")
    with pytest.raises(Forbidden, match="cannot create resource"):
        await nobody.create(CONFIG_MAPS, {"metadata": {"name": "x"}}, namespace=NS)
    with pytest.raises(Forbidden, match="cannot list resource"):
        await nobody.list(CONFIG_MAPS, namespace=NS)
    admin = server.client("system:test", "system:masters")
    with pytest.raises(Invalid, match=r"metadata\.name"):
        await admin.create(CONFIG_MAPS, {"metadata": {"name": "Not A Name"}}, namespace=NS)
    with pytest.raises(Forbidden, match="this namespace may not be deleted"):
        await admin.delete(NAMESPACES, "kube-system")
