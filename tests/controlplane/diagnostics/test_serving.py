"""The port of a component, asked as users do: with tokens and certificates of a real API server."""

from __future__ import annotations

import asyncio
import json
import os
import socket
import ssl
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
from prometheus_client.parser import text_string_to_metric_families

from cloudk8s.apiserver import kubeconfig
from cloudk8s.client.interface import Client, Resource
from cloudk8s.client.kubeconfig import Connection, load_kubeconfig
from cloudk8s.client.network import NetworkClient
from cloudk8s.client.resources import SERVICE_ACCOUNTS
from cloudk8s.controlplane.api_server import RunningApiServer, running_api_server
from cloudk8s.controlplane.controllers import running_controllers
from cloudk8s.controlplane.diagnostics.pages import Component
from cloudk8s.controlplane.diagnostics.serving import diagnosed
from cloudk8s.controlplane.diagnostics.settings import ServingSettings
from cloudk8s.controlplane.scheduler import running_scheduler
from cloudk8s.errors import Forbidden, SettingsError, StatusError, Unauthorized
from cloudk8s.machinery.clock import SystemClock
from cloudk8s.machinery.instruments import Instruments
from cloudk8s.settings import ClusterSettings

ROOT = Path(__file__).parents[3]
BINDINGS = Resource("rbac.authorization.k8s.io", "v1", "clusterrolebindings", "ClusterRoleBinding", namespaced=False)


@dataclass(frozen=True)
class Server:
    running: RunningApiServer
    client: Client
    kubeconfig: Path

    @property
    def admin(self) -> Connection:
        return load_kubeconfig(self.kubeconfig)


@pytest.fixture
async def server(tmp_path: Path) -> AsyncIterator[Server]:
    settings = ClusterSettings(data_dir=tmp_path / "data", port=0, store="memory://")
    async with running_api_server(settings) as running:
        path = tmp_path / "admin.conf"
        kubeconfig.write(path, running.access())
        yield Server(running, running.client("system:test", "system:masters"), path)


def component() -> Component:
    instruments = Instruments()
    instruments.counter("things_total", "Things.").add()
    return Component("kube-thing", "thing.config.k8s.io", lambda: {"a": 1}, instruments=instruments)


def free_port() -> int:
    with socket.socket() as made:
        made.bind(("127.0.0.1", 0))
        return int(made.getsockname()[1])


@asynccontextmanager
async def serving(server: Server, **settings: Any) -> AsyncIterator[int]:
    port = free_port()
    given = ServingSettings(secure_port=port, **settings)
    own = server.running.client("system:kube-scheduler")
    async with diagnosed(component(), given, own, clock=SystemClock()):
        yield port


@asynccontextmanager
async def caller(port: int, **identity: Any) -> AsyncIterator[NetworkClient]:
    """A client of the port; `identity` are fields of a connection."""
    client = NetworkClient(Connection(server=f"https://127.0.0.1:{port}", insecure=True, **identity))
    try:
        yield client
    finally:
        await client.close()


async def get(port: int, path: str, **identity: Any) -> Any:
    async with caller(port, **identity) as client:
        return await client.request("GET", path)


async def token(server: Server, name: str) -> str:
    """A token of a service account that may do nothing yet."""
    client = server.client
    await client.create(SERVICE_ACCOUNTS, {"metadata": {"name": name}}, namespace="default")
    made = await client.create(SERVICE_ACCOUNTS, {"spec": {}}, namespace="default", name=name, subresource="token")
    return str(made["status"]["token"])


async def test_health_is_for_everybody_and_the_rest_for_those_who_may(server: Server) -> None:
    held = await token(server, "prom")
    async with serving(server, authorization_webhook_cache_unauthorized_ttl=0) as port:
        assert await get(port, "/healthz") == await get(port, "/readyz") == "ok"
        with pytest.raises(Forbidden, match=r'^forbidden: User "system:anonymous" cannot get path "/metrics"$'):
            await get(port, "/metrics")
        with pytest.raises(Unauthorized):
            await get(port, "/metrics", token="made-up")
        with pytest.raises(Forbidden, match="system:serviceaccount:default:prom"):
            await get(port, "/metrics", token=held)
        subjects = [{"kind": "ServiceAccount", "name": "prom", "namespace": "default"}]
        role = {"apiGroup": BINDINGS.group, "kind": "ClusterRole", "name": "system:monitoring"}
        await server.client.create(BINDINGS, {"metadata": {"name": "prom"}, "roleRef": role, "subjects": subjects})
        async with asyncio.timeout(5):
            while True:
                try:
                    page = await get(port, "/metrics", token=held)
                    break
                except Forbidden:
                    await asyncio.sleep(0.05)
        assert "things_total 1\n" in page
        assert "process_resident_memory_bytes" in page
        assert 'kubernetes_build_info{build_date="' in page


async def test_certificates_of_the_clusters_authority_are_believed(server: Server) -> None:
    admin = server.admin
    identity = {"certificate": admin.certificate, "key": admin.key}
    async with serving(server) as port:
        async with asyncio.timeout(10):
            while True:  # the authority is read from the cluster in the background
                try:
                    found = await get(port, "/configz", **identity)
                    break
                except Forbidden:
                    await asyncio.sleep(0.05)
        assert found == {"thing.config.k8s.io": {"a": 1}}
        assert "kubernetes_healthcheck{" in await get(port, "/metrics/slis", **identity)


async def test_another_cluster_may_be_asked_and_an_authority_given(server: Server) -> None:
    admin, pki = server.admin, server.running.pki
    given = {"client_ca_file": pki.ca.certificate, "authorization_kubeconfig": server.kubeconfig}
    async with serving(server, **given, authentication_kubeconfig=server.kubeconfig) as port:
        assert await get(port, "/configz", certificate=admin.certificate, key=admin.key)


async def test_the_certificate_is_kept_where_there_is_a_directory_and_may_be_given(
    server: Server, tmp_path: Path
) -> None:
    kept = tmp_path / "certs"
    async with serving(server, cert_dir=kept) as port:
        first = await asyncio.to_thread(ssl.get_server_certificate, ("127.0.0.1", port))
    async with serving(server, cert_dir=kept) as port:
        assert await asyncio.to_thread(ssl.get_server_certificate, ("127.0.0.1", port)) == first
    assert (kept / "kube-thing.key").stat().st_mode & 0o077 == 0
    pair = server.running.pki.serving
    async with serving(server, tls_cert_file=pair.certificate, tls_private_key_file=pair.key) as port:
        trusted = Connection(server=f"https://127.0.0.1:{port}", ca=server.admin.ca)
        client = NetworkClient(replace(trusted))
        assert await client.request("GET", "/livez") == "ok"
        await client.close()


async def test_a_port_or_certificate_that_cannot_be_used_is_the_users_mistake(server: Server, tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="go together"):
        async with serving(server, tls_cert_file=tmp_path / "a"):
            pass
    with pytest.raises(SettingsError, match="cannot serve"):
        async with serving(server, tls_cert_file=tmp_path / "a", tls_private_key_file=tmp_path / "b"):
            pass
    with socket.create_server(("127.0.0.1", 0)) as taken:
        settings = ServingSettings(secure_port=taken.getsockname()[1])
        with pytest.raises(SettingsError, match="choose another one, or 0 for none"):
            async with diagnosed(component(), settings, server.client, clock=SystemClock()):
                pass


@asynccontextmanager
async def process(server: Server, *arguments: str) -> AsyncIterator[asyncio.subprocess.Process]:
    path = os.pathsep.join(map(str, (ROOT, ROOT / "providers", ROOT / "plugins")))
    command = [sys.executable, "-m", "cloudk8s", arguments[0], "--kubeconfig", str(server.kubeconfig), *arguments[1:]]
    child = await asyncio.create_subprocess_exec(
        *command, env=os.environ | {"PYTHONPATH": path}, stderr=asyncio.subprocess.PIPE
    )
    try:
        yield child
    finally:
        if child.returncode is None:
            child.kill()
        await child.wait()


COMPONENTS = {
    "scheduler": ("kube-scheduler", "componentconfig", "sched-handler-sync"),
    "controller-manager": ("kube-controller-manager", "kubecontrollermanager.config.k8s.io", "namespace-controller"),
    "cloud-controller-manager": ("cloud-controller-manager", "cloudcontrollermanager.config.k8s.io", "leaderElection"),
}


@pytest.mark.parametrize("command", COMPONENTS)
async def test_each_component_serves_its_pages(server: Server, command: str, tmp_path: Path) -> None:
    name, group, check = COMPONENTS[command]
    port, admin = free_port(), server.admin
    clouds = tmp_path / "clouds.yaml"
    clouds.write_text("clouds: [{name: a, provider: simulated}]\ncontrollers: {cluster_cidrs: [10.244.0.0/16]}\n")
    more = ("--config", str(clouds)) if command.startswith("cloud") else ()
    identity = {"certificate": admin.certificate, "key": admin.key}
    async with process(server, command, "--secure-port", str(port), *more):
        text = ""
        async with asyncio.timeout(30):
            while f"[+]{check} ok" not in text or "[+]leaderElection ok" not in text:
                await asyncio.sleep(0.1)
                try:
                    text = await get(port, "/readyz?verbose=1") + await get(port, "/healthz?verbose=1")
                except (StatusError, OSError) as error:
                    text = str(error)
        pages = {}
        for path in ("/metrics", "/configz"):
            pages[path] = await get(port, path, **identity)
        async with caller(port, **identity) as client:
            accept = {"Accept": "text/plain"}
            # A header of its own comes after the client's, and both count.
            flags = await client.request("GET", "/flagz", headers=accept)
            status = await client.request("GET", "/statusz", headers=accept)
        families = [family.name for family in text_string_to_metric_families(pages["/metrics"])]
        assert len(families) == len(set(families)), "Prometheus refuses a page that tells of a metric twice"
        assert {"rest_client_requests", "process_resident_memory_bytes"} <= set(families)
        assert f'leader_election_master_status{{name="{name}"}} 1' in pages["/metrics"]
        assert list(pages["/configz"]) == [group]
        if command == "scheduler":
            assert await get(port, "/metrics/resources", **identity) == "", "there are no pods yet"
        assert f"secure-port={port}" in flags.splitlines()
        assert status.splitlines()[1] == f"{name} statusz"
        assert "PRIVATE KEY" not in json.dumps(pages["/configz"])


async def test_the_old_flag_of_the_cloud_controller_manager_names_the_new_one(server: Server) -> None:
    async with process(server, "cloud-controller-manager", "--health-port", "1") as child:
        _, stderr = await child.communicate()
        assert child.returncode == 2
        assert "--secure-port" in stderr.decode()


async def test_controllers_and_scheduler_of_one_process_serve_when_asked(server: Server) -> None:
    clock, admin = SystemClock(), server.admin
    ports = free_port(), free_port()
    identity = {"certificate": admin.certificate, "key": admin.key}
    async with (
        running_controllers(server.running, ["namespace-controller"], clock=clock, port=ports[0]) as context,
        running_scheduler(server.running, context.informers, clock=clock, port=ports[1]),
    ):
        texts = ["", ""]
        async with asyncio.timeout(10):
            while "[+]namespace-controller ok" not in texts[0] or "[+]sched-handler-sync ok" not in texts[1]:
                await asyncio.sleep(0.05)
                found = (("healthz", ports[0]), ("readyz", ports[1]))
                texts = [await _said(port, f"/{path}?verbose=1") for path, port in found]
        async with asyncio.timeout(10):
            while "scheduler_pending_pods" not in (text := await _said(ports[1], "/metrics", **identity)):
                await asyncio.sleep(0.05)
        assert 'scheduler_pending_pods{queue="active"} 0\n' in text
        assert 'workqueue_depth{name="namespace"} ' in await _said(ports[0], "/metrics", **identity)


async def _said(port: int, path: str, **identity: Any) -> str:
    try:
        return str(await get(port, path, **identity))
    except StatusError as error:
        return str(error)
