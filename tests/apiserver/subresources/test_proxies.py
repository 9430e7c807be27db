"""Requests to what runs in the cluster, through the API server."""

from __future__ import annotations

import asyncio
import socket
import threading
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from cloudk8s.apiserver.http.interface import Request, Response, Stream
from cloudk8s.apiserver.local import LocalConnection, joined
from cloudk8s.apiserver.relay import pages
from cloudk8s.apiserver.relay.backend import Target
from cloudk8s.apiserver.relay.kubelet import Kubelets
from cloudk8s.controlplane.api_server import RunningApiServer, running_api_server
from cloudk8s.machinery import codec
from cloudk8s.settings import ClusterSettings
from tests.apiserver.admission.cluster import ADMIN
from tests.apiserver.handlers.following import Watching

NAME = "backend.example"
"""Stands for loopback, which slices may not name."""
DEFAULT = "/api/v1/namespaces/default"


@dataclass
class Backend:
    """Answers every request with what a test wants, and keeps what it got."""

    answer: bytes = b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 2\r\n\r\nhi"
    requests: list[str] = field(default_factory=list)
    port: int = 0

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        self.requests.append(head.decode())
        writer.write(self.answer)
        await writer.drain()
        writer.close()


@pytest.fixture
async def backend() -> AsyncIterator[Backend]:
    backend = Backend()
    server = await asyncio.start_server(backend.serve, "127.0.0.1", 0)
    backend.port = server.sockets[0].getsockname()[1]
    async with server:
        yield backend


@pytest.fixture
async def server(tmp_path: Path, backend: Backend, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[RunningApiServer]:
    look_up = socket.getaddrinfo

    def resolved(host: str, *how: Any, **options: Any) -> Any:
        return look_up("127.0.0.1" if host == NAME else host, *how, **options)

    monkeypatch.setattr(socket, "getaddrinfo", resolved)
    async with running_api_server(ClusterSettings(data_dir=tmp_path, port=0, store="memory://")) as running:
        api = running.assembly.local(ADMIN, agent="test")
        await api.call("POST", f"{DEFAULT}/serviceaccounts", body={"metadata": {"name": "default"}})
        ports = [{"containerPort": backend.port, "name": "web"}]
        pod = {"metadata": {"name": "web"}, "spec": {"containers": [{"name": "c", "image": "i", "ports": ports}]}}
        await api.call("POST", f"{DEFAULT}/pods", body=pod)
        merge = {"Content-Type": "application/merge-patch+json"}
        status = {"status": {"podIP": "127.0.0.1", "podIPs": [{"ip": "127.0.0.1"}]}}
        await api.call("PATCH", f"{DEFAULT}/pods/web/status", body=status, headers=merge)
        service = {"metadata": {"name": "web"}, "spec": {"ports": [{"port": 80, "name": "web"}]}}
        await api.call("POST", f"{DEFAULT}/services", body=service)
        piece = {
            "metadata": {"name": "web", "labels": {"kubernetes.io/service-name": "web"}}, "addressType": "FQDN",
            "endpoints": [{"addresses": [NAME]}], "ports": [{"name": "web", "port": backend.port}],
        }  # fmt: skip
        path = "/apis/discovery.k8s.io/v1/namespaces/default/endpointslices"
        await api.call("POST", path, body=piece)
        yield running


async def ask(server: RunningApiServer, method: str, target: str, **headers: str) -> Response | Stream:
    lower = {"host": "api.example:6443", "authorization": "Bearer secret", **headers}
    answer: Any = server.assembly.server.handle(Request(method, target, lower, b"", LocalConnection(ADMIN)))
    response: Response | Stream = await answer if asyncio.iscoroutine(answer) else answer
    return response


@pytest.mark.parametrize(
    "place", ["pods/web", "pods/http:web:web", "services/web", "services/web:80", "services/web:web"]
)
async def test_requests_reach_pods_and_services(server: RunningApiServer, backend: Backend, place: str) -> None:
    answer = await ask(server, "GET", f"{DEFAULT}/{place}/proxy/a/b?c=d")
    assert isinstance(answer, Response)
    assert (answer.status, answer.body, answer.content_type) == (200, b"hi", "text/plain")
    (request,) = backend.requests
    assert request.startswith("GET /a/b?c=d HTTP/1.1\r\n")
    assert "x-forwarded-for: 127.0.0.1\r\n" in request
    assert "x-forwarded-host: api.example:6443\r\n" in request
    assert "secret" not in request


async def test_the_root_ends_with_a_slash(server: RunningApiServer, backend: Backend) -> None:
    answer = await ask(server, "GET", f"{DEFAULT}/services/web/proxy?a=b")
    assert isinstance(answer, Response)
    assert (answer.status, answer.headers) == (301, [("Location", f"{DEFAULT}/services/web/proxy/?a=b")])
    assert backend.requests == []


@pytest.mark.parametrize("place", [f"{DEFAULT}/pods/web/proxy", f"{DEFAULT}/services/web/proxy"])
async def test_every_method_reaches_the_backend_and_only_readers_are_sent_to_the_slash(
    server: RunningApiServer, backend: Backend, place: str
) -> None:
    usual = backend.answer
    for method in ("DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT"):
        backend.answer = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n" if method == "HEAD" else usual
        answer = await ask(server, method, f"{place}/some/path?method={method}")
        assert isinstance(answer, Response)
        assert answer.status == 200, method
        assert backend.requests.pop().startswith(f"{method} /some/path?method={method} HTTP/1.1\r\n")
        answer = await ask(server, method, f"{place}?method={method}")
        assert isinstance(answer, Response)
        assert answer.status == (301 if method in ("GET", "HEAD") else 200), method
        assert [head.split(" ")[0] for head in backend.requests] == ([] if answer.status == 301 else [method])
        backend.requests.clear()


async def test_a_namespace_and_a_pod_may_be_called_like_the_subresource(
    server: RunningApiServer, backend: Backend
) -> None:
    api = server.assembly.local(ADMIN, agent="test")
    await api.call("POST", "/api/v1/namespaces", body={"metadata": {"name": "proxy-1"}})
    await api.call("POST", "/api/v1/namespaces/proxy-1/serviceaccounts", body={"metadata": {"name": "default"}})
    pod = {"metadata": {"name": "proxy"}, "spec": {"containers": [{"name": "c", "image": "i"}]}}
    await api.call("POST", "/api/v1/namespaces/proxy-1/pods", body=pod)
    merge = {"Content-Type": "application/merge-patch+json"}
    status = {"status": {"podIP": "127.0.0.1", "podIPs": [{"ip": "127.0.0.1"}]}}
    await api.call("PATCH", "/api/v1/namespaces/proxy-1/pods/proxy/status", body=status, headers=merge)
    prefix = f"/api/v1/namespaces/proxy-1/pods/proxy:{backend.port}/proxy"
    backend.answer = b"HTTP/1.1 302 Found\r\nLocation: /b\r\nContent-Length: 0\r\n\r\n"
    for path in ("/", "/proxy//a/"):
        answer = await ask(server, "GET", prefix + path)
        assert dict(answer.headers)["location"] == f"{prefix}/b"
        assert backend.requests.pop().startswith(f"GET {path} HTTP/1.1\r\n")


@pytest.mark.parametrize("framing", ["Content-Length: 13", "Connection: close"])
async def test_links_of_pages_lead_through_the_proxy(server: RunningApiServer, backend: Backend, framing: str) -> None:
    head = f"HTTP/1.1 200 OK\r\nContent-Type: text/html; charset=utf-8\r\n{framing}\r\n\r\n".encode()
    backend.answer = head + b'<a href="/x">'
    answer = await ask(server, "GET", f"{DEFAULT}/pods/web/proxy/a")
    assert isinstance(answer, Response)
    assert answer.body == f'<a href="{DEFAULT}/pods/web/proxy/x">'.encode()


async def test_nobody_waits_while_links_are_changed(
    server: RunningApiServer, backend: Backend, monkeypatch: pytest.MonkeyPatch
) -> None:
    where: list[threading.Thread] = []
    rewritten = pages.rewritten

    def noted(page: bytes, link: pages.Link) -> bytes:
        where.append(threading.current_thread())
        return rewritten(page, link)

    monkeypatch.setattr(pages, "rewritten", noted)
    backend.answer = b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: 2\r\n\r\nhi"
    assert (await ask(server, "GET", f"{DEFAULT}/pods/web/proxy/a")).status == 200
    assert threading.current_thread() not in where
    assert where


@pytest.mark.parametrize("place", ["nodes/n1", "nodes/n1:PORT", "nodes/https:n1:PORT"])
async def test_a_kubelet_is_spoken_to_as_one_also_where_its_port_is_named(
    server: RunningApiServer, backend: Backend, monkeypatch: pytest.MonkeyPatch, place: str
) -> None:
    kubelet = Target("127.0.0.1", backend.port)
    monkeypatch.setattr(Kubelets, "of", lambda self, node: kubelet if node == "n1" else None)
    answer = await ask(server, "GET", f"/api/v1/{place}/proxy/pods".replace("PORT", str(backend.port)))
    assert isinstance(answer, Response)
    assert answer.body == b"hi"


async def test_a_long_page_is_passed_on_as_it_comes(
    server: RunningApiServer, backend: Backend, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pages, "LARGEST", 3)
    head = b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nTransfer-Encoding: chunked\r\n\r\n"
    backend.answer = head + b"2\r\n<a\r\na\r\n href='/a'\r\n1\r\n>\r\n0\r\n\r\n"
    assert (await streamed(await ask(server, "GET", f"{DEFAULT}/pods/web/proxy/a"))).text == b"<a href='/a'>"


@pytest.mark.parametrize(
    ("location", "seen"),
    [
        ("/login?next=1", f"{DEFAULT}/pods/web/proxy/login?next=1"),
        ("http://127.0.0.1:PORT/x", f"{DEFAULT}/pods/web/proxy/x"),
        ("http://elsewhere.example/x", "http://elsewhere.example/x"),
        ("relative", "relative"),
        (f"{DEFAULT}/pods/web/proxy/x", f"{DEFAULT}/pods/web/proxy/x"),
        ("http://[", "http://["),
    ],
)
async def test_redirects_lead_through_the_proxy(
    server: RunningApiServer, backend: Backend, location: str, seen: str
) -> None:
    location = location.replace("PORT", str(backend.port))
    backend.answer = f"HTTP/1.1 302 Found\r\nLocation: {location}\r\nContent-Length: 0\r\n\r\n".encode()
    answer = await ask(server, "GET", f"{DEFAULT}/pods/web/proxy/")
    assert dict(answer.headers)["location"] == seen


async def test_repeated_headers_and_chunks_come_through(server: RunningApiServer, backend: Backend) -> None:
    head = b"HTTP/1.1 200 OK\r\nSet-Cookie: a=1\r\nSet-Cookie: b=2\r\nTransfer-Encoding: chunked\r\n\r\n"
    backend.answer = head + b"3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n"
    answer = await ask(server, "POST", f"{DEFAULT}/pods/web/proxy/")
    assert [value for name, value in answer.headers if name == "set-cookie"] == ["a=1", "b=2"]
    written = await streamed(answer)
    assert (written.text, written.is_cut_off) == (b"abcde", False)


@pytest.mark.parametrize(
    ("head", "body"),
    [
        (b"Transfer-Encoding: chunked", b"2\r\nab\r\nzz\r\nabc"),
        (b"Transfer-Encoding: chunked", b"2\r\nab\r\n"),
        (b"Content-Length: 2000000", b"ab"),
    ],
    ids=["nonsense", "no last chunk", "too short"],
)
async def test_an_answer_that_breaks_off_does_not_look_whole(
    server: RunningApiServer, backend: Backend, head: bytes, body: bytes
) -> None:
    backend.answer = b"HTTP/1.1 200 OK\r\n" + head + b"\r\n\r\n" + body
    written = await streamed(await ask(server, "GET", f"{DEFAULT}/pods/web/proxy/"))
    assert (written.text, written.is_cut_off) == (b"ab", True)


@pytest.mark.parametrize("media_type", [b"text/plain", b"text/html"])
async def test_a_small_answer_that_breaks_off_is_none(
    server: RunningApiServer, backend: Backend, media_type: bytes
) -> None:
    backend.answer = b"HTTP/1.1 200 OK\r\nContent-Type: " + media_type + b"\r\nContent-Length: 3\r\n\r\nhi"
    answer = await ask(server, "GET", f"{DEFAULT}/pods/web/proxy/")
    assert isinstance(answer, Response)
    assert answer.status == 503
    assert "broke off" in codec.decode(joined(answer))["message"]


async def test_an_answer_without_a_body_is_not_waited_for(server: RunningApiServer, backend: Backend) -> None:
    backend.answer = b"HTTP/1.1 304 Not Modified\r\nContent-Type: text/html\r\nContent-Length: 300\r\n\r\n"
    assert (await ask(server, "GET", f"{DEFAULT}/pods/web/proxy/")).status == 304


async def streamed(answer: Response | Stream) -> Watching:
    """An answer that comes in pieces, once it has ended."""
    assert isinstance(answer, Stream)
    written = Watching(answer)
    async with asyncio.timeout(5):
        while not written.is_closed:
            await asyncio.sleep(0)
    return written


@pytest.mark.parametrize(
    ("target", "status", "message"),
    [
        ("pods/web:x/proxy/", 400, 'pod has no port named "x"'),
        ("pods/web:99999/proxy/", 400, 'invalid port "99999"'),
        ("pods/ftp:web:80/proxy/", 400, 'invalid pod request "ftp:web:80"'),
        ("pods/web:1/proxy/", 503, "error trying to reach service: dial tcp 127.0.0.1:1"),
        ("pods/none/proxy/", 404, 'pods "none" not found'),
        ("services/web:81/proxy/", 503, 'no service port "81" found for service "web"'),
        ("services/none/proxy/", 404, 'services "none" not found'),
    ],
)
async def test_what_cannot_be_reached_is_told(server: RunningApiServer, target: str, status: int, message: str) -> None:
    answer = await ask(server, "GET", f"{DEFAULT}/{target}")
    assert isinstance(answer, Response)
    assert isinstance(answer.body, bytes)
    assert answer.status == status
    assert message in codec.decode(answer.body)["message"]
