"""A real nginx before real backends, driven through the API."""

from __future__ import annotations

import asyncio
import base64
import http.server
import shutil
import ssl
import threading
import urllib.error
import urllib.request
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from cloudk8s.client.events import EventRecorder
from cloudk8s.client.informer import Informers
from cloudk8s.client.interface import Object
from cloudk8s.client.resources import CORE_EVENTS
from cloudk8s.controllers.interface import ControllerContext
from cloudk8s.controlplane.background import background
from cloudk8s.machinery.clock import SystemClock
from cloudk8s.settings import ClusterSettings
from cloudk8s.testing.fake_client import FakeClient
from cloudk8s_ingress.certificates import self_signed
from cloudk8s_ingress.controller import INGRESSES, NODES, SECRETS, SERVICES, SLICES, IngressController
from tests.plugins.ingress.objects import ingress, path

pytestmark = pytest.mark.skipif(
    shutil.which("nginx", path="/usr/sbin:/usr/bin") is None, reason="nginx is not installed"
)


class Backend(http.server.BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        told = f"{self.server.server_port} {self.path} {self.headers['Host']} {self.headers['X-Forwarded-Proto']}"  # type: ignore[attr-defined]
        self.send_response(200)
        self.end_headers()
        self.wfile.write(told.encode())

    def log_message(self, *_: object) -> None:
        """Tests need no log."""


@pytest.fixture
def backend() -> Iterator[int]:
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Backend) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server.server_port
        server.shutdown()


@dataclass(frozen=True)
class Proxy:
    client: FakeClient
    clock: SystemClock
    directory: Path

    async def serve(self, made: Object) -> Object:
        """Make an Ingress and wait until it has an address."""
        await self.client.create(INGRESSES, made, namespace="d")
        return await self.published(made["metadata"]["name"])

    async def published(self, name: str) -> Object:
        for _ in range(400):
            found = await self.client.get(INGRESSES, name, namespace="d")
            if found.get("status"):
                return found
            await self.clock.sleep(0.02)
        raise AssertionError(f"{name} has no address; events: {self.events()}")

    def events(self) -> list[str]:
        return [f"{event['reason']}: {event['message']}" for event in self.client.all(CORE_EVENTS)]

    async def get(self, found: Object, host: str, target: str = "/", *, tls: bool = False) -> tuple[int, str]:
        """Ask once the proxy listens: a reload takes a moment."""
        place = found["status"]["loadBalancer"]["ingress"][0]
        port = place["ports"][1 if tls else 0]["port"]
        url = f"{'https' if tls else 'http'}://{place['ip']}:{port}{target}"
        for _ in range(100):
            try:
                return await asyncio.to_thread(fetch, url, host)
            except urllib.error.URLError as error:
                if not isinstance(error.reason, ConnectionRefusedError):
                    raise
                await self.clock.sleep(0.05)
        raise AssertionError(f"nobody listens at {url}")


def fetch(url: str, host: str) -> tuple[int, str]:
    class Stay(urllib.request.HTTPRedirectHandler):
        def redirect_request(self, *_: Any) -> None:
            return None

    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    opener = urllib.request.build_opener(Stay, urllib.request.HTTPSHandler(context=context))
    try:
        with opener.open(urllib.request.Request(url, headers={"Host": host}), timeout=10) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, error.headers.get("Location", "")


@asynccontextmanager
async def proxying(directory: Path, port: int) -> AsyncIterator[Proxy]:
    """A controller in a cluster with one node and the Service `web`."""
    clock = SystemClock()
    client = FakeClient(clock=clock)
    await client.create(NODES, {"metadata": {"name": "n"}})
    status = {"daemonEndpoints": {"kubeletEndpoint": {"Port": 1}}}
    await client.patch(NODES, "n", {"status": status}, subresource="status")
    service = {"metadata": {"name": "web"}, "spec": {"ports": [{"name": "http", "port": 80, "targetPort": port}]}}
    await client.create(SERVICES, service, namespace="d")
    piece = {
        "metadata": {"name": "web-1", "labels": {"kubernetes.io/service-name": "web"}}, "addressType": "IPv4",
        "endpoints": [{"addresses": ["127.0.0.1"], "conditions": {"ready": True}}],
        "ports": [{"name": "http", "port": port}],
    }  # fmt: skip
    await client.create(SLICES, piece, namespace="d")
    informers, events = Informers(client, clock=clock), EventRecorder(client, "ingress", clock=clock)
    settings = ClusterSettings(data_dir=directory, name=directory.name)
    controller = IngressController(ControllerContext(client, informers, events, clock, settings))
    async with informers:
        await informers.synced()
        async with background(controller.run(), events.run(), names=("ingress", "events")):
            yield Proxy(client, clock, directory)
    assert not Path(f"/run/cloudk8s-ingress-{directory.name}").exists()


async def test_hosts_and_paths_lead_to_pods(tmp_path: Path, backend: int) -> None:
    async with proxying(tmp_path, backend) as proxy:
        found = await proxy.serve(ingress("i", ("shop.example", path("/cart", "web"))))
        assert await proxy.get(found, "shop.example", "/cart/1?a=b") == (
            200,
            f"{backend} /cart/1?a=b shop.example http",
        )
        assert await proxy.get(found, "shop.example", "/cart") == (200, f"{backend} /cart shop.example http")
        assert (await proxy.get(found, "shop.example", "/carts"))[0] == 404
        assert (await proxy.get(found, "other.example", "/cart"))[0] == 404


async def test_hosts_with_a_certificate_redirect_and_speak_tls(tmp_path: Path, backend: int) -> None:
    pair = self_signed(datetime.now(UTC))
    data = {"tls.crt": base64.b64encode(pair.certificate).decode(), "tls.key": base64.b64encode(pair.key).decode()}
    async with proxying(tmp_path, backend) as proxy:
        await proxy.client.create(
            SECRETS, {"metadata": {"name": "s"}, "type": "kubernetes.io/tls", "data": data}, namespace="d"
        )
        tls = [{"hosts": ["shop.example"], "secretName": "s"}]
        found = await proxy.serve(ingress("i", ("shop.example", path("/", "web")), tls=tls))
        status, target = await proxy.get(found, "shop.example", "/a")
        assert (status, target.removesuffix("/a").split(":")[:2]) == (308, ["https", "//shop.example"])
        assert await proxy.get(found, "shop.example", "/a", tls=True) == (200, f"{backend} /a shop.example https")
        keys = [file for file in (proxy.directory / "ingress").iterdir() if file.suffix == ".key"]
        assert {oct(file.stat().st_mode & 0o777) for file in keys} == {"0o600"}


async def test_changes_are_taken_without_restarting(tmp_path: Path, backend: int) -> None:
    async with proxying(tmp_path, backend) as proxy:
        first = await proxy.serve(ingress("a", ("a.example", path("/", "web"))))
        await proxy.serve(ingress("b", ("*.b.example", path("/", "web"))))
        for _ in range(100):
            if (await proxy.get(first, "x.b.example"))[0] == 200:
                break
            await proxy.clock.sleep(0.05)
        assert (await proxy.get(first, "x.b.example"))[0] == 200
        assert (await proxy.get(first, "x.y.b.example"))[0] == 404
        assert (await proxy.get(first, "a.example"))[0] == 200


async def test_services_without_endpoints_answer_503(tmp_path: Path, backend: int) -> None:
    async with proxying(tmp_path, backend) as proxy:
        found = await proxy.serve(ingress("i", ("h.example", path("/", "nowhere"))))
        assert (await proxy.get(found, "h.example"))[0] == 503
        assert any(event.startswith("BackendNotFound: Service d/nowhere has no port 80") for event in proxy.events())


async def test_nothing_of_an_ingress_becomes_a_directive(tmp_path: Path, backend: int) -> None:
    evil = '/x" { return 200 owned; } location "/y\\'
    async with proxying(tmp_path, backend) as proxy:
        found = await proxy.serve(ingress("i", ("h.example", path(evil, "web"), path("/ok", "web"))))
        assert (await proxy.get(found, "h.example", "/x"))[0] == 404
        assert (await proxy.get(found, "h.example", "/ok"))[0] == 200


async def test_ingresses_of_other_classes_are_left_alone(tmp_path: Path, backend: int) -> None:
    async with proxying(tmp_path, backend) as proxy:
        other = ingress("other", ("h.example", path("/", "web")), ingressClassName="alb")
        await proxy.client.create(INGRESSES, other, namespace="d")
        found = await proxy.serve(ingress("ours", ("o.example", path("/", "web"))))
        assert (await proxy.get(found, "h.example"))[0] == 404
        assert "status" not in await proxy.client.get(INGRESSES, "other", namespace="d")
