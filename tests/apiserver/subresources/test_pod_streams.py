"""Logs and sessions of pods: what is checked before a kubelet is asked, and what it is asked."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from cloudk8s.apiserver.http.interface import Hijack, Response, Stream
from cloudk8s.apiserver.local import joined
from cloudk8s.apiserver.relay.backend import Target
from cloudk8s.apiserver.relay.kubelet import Kubelets
from cloudk8s.controlplane.api_server import RunningApiServer, running_api_server
from cloudk8s.settings import ClusterSettings
from tests.apiserver.handlers.following import Watching, refusal, sent

PODS = "/api/v1/namespaces/default/pods"
UPGRADE = {"connection": "Upgrade", "upgrade": "SPDY/3.1"}


class Kubelet:
    """Answers one request with what a test wants, and keeps what it got."""

    def __init__(self) -> None:
        self.answer = b"HTTP/1.1 200 OK\r\ncontent-type: text/plain\r\ncontent-length: 5\r\n\r\nlines"
        self.request = ""

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.request = (await reader.readuntil(b"\r\n\r\n")).decode()
        writer.write(self.answer)
        if b" 101 " in self.answer:
            writer.write((await reader.read(100)).upper())
        await writer.drain()
        writer.close()

    @property
    def target(self) -> str:
        return self.request.split(" ")[1]


@pytest.fixture
async def kubelet(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Kubelet]:
    kubelet = Kubelet()
    server = await asyncio.start_server(kubelet.serve, "127.0.0.1", 0)
    found = Kubelets.of

    def of(self: Kubelets, node: str) -> Target:
        return Target("127.0.0.1", server.sockets[0].getsockname()[1]) if node == "n1" else found(self, node)

    monkeypatch.setattr(Kubelets, "of", of)
    async with server:
        yield kubelet


@pytest.fixture
async def server(tmp_path: Path, kubelet: Kubelet) -> AsyncIterator[RunningApiServer]:
    async with running_api_server(ClusterSettings(data_dir=tmp_path, port=0, store="memory://")) as running:
        await sent(
            running, "POST", "/api/v1/namespaces/default/serviceaccounts", body={"metadata": {"name": "default"}}
        )
        await make(running, "one", ["c"], node="n1")
        await make(running, "two", ["c", "d"], inits=["i"], node="n1")
        await make(running, "free", ["c"])
        yield running


async def make(
    server: RunningApiServer,
    name: str,
    containers: list[str],
    inits: list[str] | None = None,
    node: str = "",
    **notes: str,
) -> None:
    def made(names: list[str]) -> list[dict[str, Any]]:
        return [{"name": each, "image": "i"} for each in names]

    spec = {"containers": made(containers), "initContainers": made(inits or []), "nodeName": node}
    answer = await sent(server, "POST", PODS, body={"metadata": {"name": name, "annotations": notes}, "spec": spec})
    assert answer.status == 201, refusal(answer)


async def test_a_log_is_asked_of_the_kubelet_with_its_options(server: RunningApiServer, kubelet: Kubelet) -> None:
    query = {"tailLines": "5", "timestamps": "true", "container": "c", "pretty": "true"}
    answer = await sent(server, "GET", f"{PODS}/one/log", query)
    assert (answer.status, joined(answer)) == (200, b"lines")
    assert kubelet.target == "/containerLogs/default/one/c?timestamps=true&tailLines=5"
    assert "authorization" not in kubelet.request.lower()


async def test_a_log_that_is_followed_is_streamed(server: RunningApiServer, kubelet: Kubelet) -> None:
    kubelet.answer = b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n3\r\nabc\r\n2;x=y\r\nde\r\n0\r\n\r\n"
    answer = await sent(server, "GET", f"{PODS}/one/log", {"follow": "true"})
    assert isinstance(answer, Stream)
    following = Watching(answer)
    async with asyncio.timeout(5):
        while not following.is_closed:
            await asyncio.sleep(0)
    assert following.text == b"abcde"


async def test_a_broken_answer_ends_the_stream(server: RunningApiServer, kubelet: Kubelet) -> None:
    kubelet.answer = b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nnonsense\r\n"
    following = Watching(await sent(server, "GET", f"{PODS}/one/log", {"follow": "true"}))
    async with asyncio.timeout(5):
        while not following.is_closed:
            await asyncio.sleep(0)
    assert (following.text, following.is_cut_off) == (b"", True)


async def test_the_answer_of_a_kubelet_is_passed_on_as_it_is(server: RunningApiServer, kubelet: Kubelet) -> None:
    kubelet.answer = b"HTTP/1.1 404 Not Found\r\ncontent-type: text/plain\r\ncontent-length: 7\r\n\r\nno logs"
    answer = await sent(server, "GET", f"{PODS}/one/log")
    assert (answer.status, joined(answer)) == (404, b"no logs")


async def test_a_kubelet_that_hangs_up_is_unavailable(server: RunningApiServer, kubelet: Kubelet) -> None:
    kubelet.answer = b""
    answer = await sent(server, "GET", f"{PODS}/one/log")
    assert answer.status == 503
    assert "did not answer" in refusal(answer)["message"]


@pytest.mark.parametrize(
    ("pod", "query", "status", "problem"),
    [
        ("none", {}, 404, 'pods "none" not found'),
        ("one", {"container": "x"}, 400, "container x is not valid for pod one"),
        (
            "two", {}, 400,
            "a container name must be specified for pod two, choose one of: [c d] or one of the init containers: [i]",
        ),
        ("one", {"tailLines": "-1"}, 422, "tailLines: Invalid value: -1: must be greater than or equal to 0"),
        ("one", {"limitBytes": "0"}, 422, "limitBytes: Invalid value: 0: must be greater than 0"),
        ("one", {"sinceSeconds": "0"}, 422, "sinceSeconds: Invalid value: 0: must be greater than 0"),
        ("one", {"tailLines": "x"}, 400, 'strconv.ParseInt: parsing "x": invalid syntax'),
        (
            "one", {"sinceSeconds": "1", "sinceTime": "2026-01-01T00:00:00Z"}, 422,
            "at most one of `sinceTime` or `sinceSeconds` may be specified",
        ),
    ],
)  # fmt: skip
async def test_what_makes_no_sense_is_refused(
    server: RunningApiServer, pod: str, query: dict[str, str], status: int, problem: str
) -> None:
    answer = await sent(server, "GET", f"{PODS}/{pod}/log", query)
    assert answer.status == status
    assert problem in refusal(answer)["message"]


async def test_a_pod_without_a_node_has_no_log_yet(server: RunningApiServer) -> None:
    answer: Response = await sent(server, "GET", f"{PODS}/free/log")
    assert (answer.status, joined(answer)) == (204, b"")


async def test_a_pod_can_say_which_container_is_meant(server: RunningApiServer, kubelet: Kubelet) -> None:
    await make(server, "noted", ["c", "d"], node="n1", **{"kubectl.kubernetes.io/default-container": "d"})
    await sent(server, "GET", f"{PODS}/noted/log")
    assert kubelet.target.startswith("/containerLogs/default/noted/d")


@pytest.mark.parametrize(
    ("kind", "query", "target"),
    [
        (
            "exec", [("command", "sh"), ("command", "-c"), ("command", "a b"), ("stdin", "true"), ("tty", "true")],
            "/exec/default/two/c?command=sh&command=-c&command=a+b&input=1&tty=1",
        ),
        ("attach", [("container", "d"), ("stdout", "1"), ("stderr", "1")], "/attach/default/two/d?output=1&error=1"),
        ("portforward", [("ports", "80")], "/portForward/default/two?port=80"),
    ],
)  # fmt: skip
async def test_sessions_become_a_pipe_to_the_kubelet(
    server: RunningApiServer, kubelet: Kubelet, kind: str, query: list[tuple[str, str]], target: str
) -> None:
    kubelet.answer = b"HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: SPDY/3.1\r\n\r\n"
    path = f"{PODS}/two/{kind}?" + "&".join(f"{name}={value.replace(' ', '+')}" for name, value in query)
    answer = await sent(server, "POST", path, **UPGRADE)
    assert isinstance(answer, Hijack)
    assert answer.head == kubelet.answer
    assert kubelet.target == target
    assert await conversation(answer, b"hello") == b"HELLO"


async def conversation(answer: Hijack, said: bytes) -> bytes:
    """Speak through an upgraded connection, whose client end is a socket."""
    heard = asyncio.get_running_loop().create_future()

    async def client(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(said)
        heard.set_result(await reader.read())
        writer.close()

    async with await asyncio.start_server(client, "127.0.0.1", 0) as listener:
        near = await asyncio.open_connection("127.0.0.1", listener.sockets[0].getsockname()[1])
        await answer.take(*near)
        return bytes(await asyncio.wait_for(heard, 5))


async def test_a_refused_session_is_told(server: RunningApiServer, kubelet: Kubelet) -> None:
    kubelet.answer = b"HTTP/1.1 500 Oops\r\ncontent-type: text/plain\r\ncontent-length: 4\r\n\r\ndead"
    answer = await sent(server, "POST", f"{PODS}/one/exec?command=x", **UPGRADE)
    assert (answer.status, joined(answer)) == (500, b"dead")


async def test_a_session_needs_a_node(server: RunningApiServer) -> None:
    answer = await sent(server, "POST", f"{PODS}/free/exec?command=x", **UPGRADE)
    assert answer.status == 400
    assert refusal(answer)["message"] == "pod free does not have a host assigned"


@pytest.mark.parametrize(
    ("status", "code", "problem"),
    [
        (None, 404, 'nodes "n2" not found'),
        ({"daemonEndpoints": {"kubeletEndpoint": {"Port": 10250}}}, 503, 'node "n2" has reported no address'),
        ({"daemonEndpoints": {"kubeletEndpoint": {"Port": 0}}}, 503, "only pretends to run pods"),
    ],
)
async def test_a_kubelet_that_cannot_be_found_is_told(
    server: RunningApiServer, status: dict[str, Any] | None, code: int, problem: str
) -> None:
    await make(server, "far", ["c"], node="n2")
    if status is not None:
        await sent(server, "POST", "/api/v1/nodes", body={"metadata": {"name": "n2"}, "status": status})
    answer = await sent(server, "GET", f"{PODS}/far/log")
    assert answer.status == code
    assert problem in refusal(answer)["message"]


@pytest.mark.parametrize(
    ("protocol", "message"),
    [("", b"\x82\x05lines"), ("binary.k8s.io", b"\x82\x05lines"), ("base64.binary.k8s.io", b"\x81\x08bGluZXM=")],
)
@pytest.mark.parametrize("framing", ["content-length: 5", "connection: close"])
async def test_a_log_comes_in_messages_where_they_are_asked_for(
    server: RunningApiServer, kubelet: Kubelet, protocol: str, message: bytes, framing: str
) -> None:
    kubelet.answer = f"HTTP/1.1 200 OK\r\ncontent-type: text/plain\r\n{framing}\r\n\r\nlines".encode()
    handshake = {
        "connection": "Upgrade",
        "upgrade": "websocket",
        "sec-websocket-version": "13",
        "sec-websocket-key": "x",
    }
    answer = await sent(server, "GET", f"{PODS}/one/log", **handshake, **{"sec-websocket-protocol": protocol})
    assert isinstance(answer, Hijack)
    assert "upgrade" not in kubelet.request
    assert (await conversation(answer, b"")).startswith(message + b"\x88")


async def test_a_log_that_is_refused_is_no_websocket(server: RunningApiServer, kubelet: Kubelet) -> None:
    kubelet.answer = b"HTTP/1.1 400 Bad\r\ncontent-type: text/plain\r\ncontent-length: 2\r\n\r\nno"
    handshake = {
        "connection": "Upgrade",
        "upgrade": "websocket",
        "sec-websocket-version": "13",
        "sec-websocket-key": "x",
    }
    answer = await sent(server, "GET", f"{PODS}/one/log", **handshake)
    assert (answer.status, joined(answer)) == (400, b"no")
