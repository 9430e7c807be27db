from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from cloudk8s.apiserver.http.interface import Request, Response
from cloudk8s.apiserver.http.server import HTTPServer
from cloudk8s.client.http import Unreachable
from cloudk8s.client.informer import Informers
from cloudk8s.client.interface import ListOptions
from cloudk8s.client.kubeconfig import Connection, Impersonation
from cloudk8s.client.network import NetworkClient, NetworkSettings
from cloudk8s.client.resources import CONFIG_MAPS
from cloudk8s.errors import Expired, Forbidden, InternalError, NotFound, Timeout, TooManyRequests, Unauthorized
from cloudk8s.machinery import codec
from cloudk8s.machinery.clock import FakeClock, SystemClock
from cloudk8s.machinery.exposition import page
from cloudk8s.machinery.instruments import Instruments
from cloudk8s.testing.fake_client import FakeClient
from tests.client.contract import NS, ClientContract, config_map
from tests.client.fake_server import FakeServer


@pytest.fixture
def server() -> FakeServer:
    return FakeServer(FakeClient(clock=FakeClock()))


@pytest.fixture
async def listener(server: FakeServer) -> AsyncIterator[HTTPServer]:
    async with HTTPServer(server) as listener:
        yield listener


@pytest.fixture
async def client(listener: HTTPServer) -> AsyncIterator[NetworkClient]:
    client = NetworkClient(connection(listener))
    yield client
    await client.close()


def connection(listener: HTTPServer, **values: Any) -> Connection:
    return Connection(server=f"http://127.0.0.1:{listener.port}", **values)


class TestNetworkClient(ClientContract):
    pass


async def test_a_connection_serves_many_requests(client: NetworkClient, listener: HTTPServer) -> None:
    for _ in range(5):
        await client.list(CONFIG_MAPS, namespace=NS)
    assert listener.connections == 1


async def test_requests_at_once_use_connections_at_once(client: NetworkClient, server: FakeServer) -> None:
    await asyncio.gather(*(client.create(CONFIG_MAPS, config_map(), namespace=NS) for _ in range(50)))
    assert len(server.client.all(CONFIG_MAPS)) == 50


async def test_the_server_may_ask_to_wait_and_try_again(listener: HTTPServer, server: FakeServer) -> None:
    clock = FakeClock()
    client = NetworkClient(connection(listener), clock=clock)
    left = [429, 503]

    def busy(_: Request) -> Response | None:
        return Response(left.pop(0), b"busy", headers=[("Retry-After", "3")]) if left else None

    server.intercept = busy
    task = asyncio.create_task(client.create(CONFIG_MAPS, config_map("x"), namespace=NS))
    while not task.done():
        await asyncio.sleep(0.001)
        await clock.advance(1)
    assert task.result()["metadata"]["name"] == "x"
    assert clock.monotonic() >= 6
    assert len(server.requests) == 3


@pytest.mark.parametrize(("code", "kind"), [(429, TooManyRequests), (500, InternalError), (403, Forbidden)])
async def test_without_retry_after_the_answer_is_final(
    client: NetworkClient, server: FakeServer, code: int, kind: type[Exception]
) -> None:
    server.intercept = lambda _: Response(code, b"no")
    with pytest.raises(kind, match="no"):
        await client.get(CONFIG_MAPS, "x", namespace=NS)
    assert len(server.requests) == 1


async def test_a_kept_connection_that_the_server_closed_is_replaced(server: FakeServer) -> None:
    async with HTTPServer(server) as first:
        client = NetworkClient(connection(first))
        await client.list(CONFIG_MAPS)
        port = first.port
    async with HTTPServer(server, port=port):
        await client.list(CONFIG_MAPS)
    await client.close()


async def test_nobody_there_is_unreachable(server: FakeServer) -> None:
    async with HTTPServer(server) as listener:
        address = connection(listener)
    clock = FakeClock()
    task = asyncio.create_task(NetworkClient(address, clock=clock).list(CONFIG_MAPS))
    while not task.done():
        await asyncio.sleep(0.001)
        await clock.advance(1)
    with pytest.raises(Unreachable, match="cannot connect to"):
        task.result()


async def test_an_answer_that_does_not_come_is_a_timeout(listener: HTTPServer, server: FakeServer) -> None:
    settings = NetworkSettings(timeout=timedelta(milliseconds=50))
    client = NetworkClient(connection(listener), settings=settings)
    server.client.get = lambda *_, **__: asyncio.Event().wait()  # type: ignore[assignment, method-assign]
    with pytest.raises(Timeout):
        await client.get(CONFIG_MAPS, "x", namespace=NS)


async def test_identity_goes_with_every_request(listener: HTTPServer, server: FakeServer) -> None:
    impersonate = Impersonation("jane", uid="7", groups=("dev", "ops"), extra={"reason/x": ("y",)})
    client = NetworkClient(connection(listener, token="secret", impersonate=impersonate))
    await client.list(CONFIG_MAPS)
    headers = server.requests[0].headers
    assert headers["authorization"] == "Bearer secret"
    assert headers["impersonate-user"] == "jane"
    assert headers["impersonate-uid"] == "7"
    assert "ops" in headers["impersonate-group"]
    assert headers["impersonate-extra-reason%2fx"] == "y"
    await client.close()


async def test_a_token_file_is_read_again_when_refused_and_each_minute(
    listener: HTTPServer, server: FakeServer, tmp_path: Path
) -> None:
    clock, path = FakeClock(), tmp_path / "token"
    path.write_text("one\n")
    client = NetworkClient(connection(listener, token_file=path), clock=clock)
    await client.list(CONFIG_MAPS)
    path.write_text("two")
    server.intercept = lambda r: Response(401, b"") if r.headers["authorization"] == "Bearer one" else None
    await client.list(CONFIG_MAPS)
    path.write_text("three")
    await clock.advance(61)
    await client.list(CONFIG_MAPS)
    sent = [request.headers["authorization"].removeprefix("Bearer ") for request in server.requests]
    assert sent == ["one", "one", "two", "three"]
    await client.close()


async def test_a_refused_watch_has_the_token_read_again(
    listener: HTTPServer, server: FakeServer, tmp_path: Path
) -> None:
    """An informer may send nothing but watches."""
    path = tmp_path / "token"
    path.write_text("one")
    client = NetworkClient(connection(listener, token_file=path), clock=FakeClock())
    server.intercept = lambda r: Response(401, b"") if r.headers["authorization"] == "Bearer one" else None
    with pytest.raises(Unauthorized):
        async with client.watch(CONFIG_MAPS):
            pass
    path.write_text("two")
    async with client.watch(CONFIG_MAPS):
        pass
    await client.close()


async def test_requests_are_limited_on_this_side(listener: HTTPServer, server: FakeServer) -> None:
    clock = FakeClock()
    client = NetworkClient(connection(listener), settings=NetworkSettings(qps=2, burst=3), clock=clock)
    tasks = [asyncio.create_task(client.list(CONFIG_MAPS)) for _ in range(7)]
    while not all(task.done() for task in tasks):
        await asyncio.sleep(0.001)
        await clock.advance(0.1)
    assert 2 <= clock.monotonic() < 2.5
    await client.close()


async def test_a_watch_error_has_its_class(client: NetworkClient, server: FakeServer) -> None:
    error = codec.encode({"type": "ERROR", "object": Expired("too old").status}) + b"\n"
    server.intercept = lambda _: Response(200, error)
    with pytest.raises(Expired):
        async with client.watch(CONFIG_MAPS, options=ListOptions(resource_version="1")) as events:
            await anext(events)


async def test_informers_work_over_the_network_and_survive_a_restart(server: FakeServer) -> None:
    clock = SystemClock()
    async with HTTPServer(server) as listener:
        port = listener.port
        client = NetworkClient(connection(listener))
        informers = Informers(client, clock=clock)
        await informers.__aenter__()
        informer = informers.of(CONFIG_MAPS)
        seen: asyncio.Queue[str] = asyncio.Queue()
        informer.add_handler(lambda _, new: seen.put_nowait(new["metadata"]["name"] if new else ""))
        await client.create(CONFIG_MAPS, config_map("x"), namespace=NS)
        assert await asyncio.wait_for(seen.get(), 5) == "x"
    server.client.add({**config_map("y"), "metadata": {"name": "y", "namespace": NS}})
    async with HTTPServer(server, port=port):
        assert await asyncio.wait_for(seen.get(), 10) == "y"
        await informers.__aexit__(None, None, None)
    await client.close()


async def test_requests_are_counted_by_code_and_method(listener: HTTPServer, server: FakeServer) -> None:
    instruments = Instruments()
    client = NetworkClient(connection(listener), instruments=instruments)
    await client.list(CONFIG_MAPS)
    with pytest.raises(NotFound):
        await client.get(CONFIG_MAPS, "absent", namespace=NS)
    await client.create(CONFIG_MAPS, config_map(), namespace=NS)
    text, host = page(instruments.families()), f"127.0.0.1:{listener.port}"
    for code, method in (("200", "GET"), ("404", "GET"), ("200", "POST")):
        assert f'rest_client_requests_total{{code="{code}",host="{host}",method="{method}"}} 1\n' in text
    assert f'rest_client_request_duration_seconds_count{{host="{host}",verb="GET"}} 2\n' in text
    assert f'rest_client_rate_limiter_duration_seconds_count{{host="{host}",verb="POST"}} 1\n' in text
    await client.close()
