"""The serving side over real connections: logs, exec, attach, port-forward, statistics."""

from __future__ import annotations

import asyncio
import json
from collections import defaultdict
from contextlib import suppress
from typing import Any

import pytest

from cloudk8s.apiserver.streaming import channels as channel
from cloudk8s.apiserver.streaming.bytes import ByteStream
from cloudk8s.apiserver.streaming.channels import Channels
from cloudk8s.apiserver.streaming.spdy import SpdyConnection, SpdyStream
from cloudk8s.apiserver.streaming.websocket import WebSocketBytes
from cloudk8s.client.interface import Object

from ..conftest import Node, container
from .peer import Peer

EXEC = "/exec/default/p/c"


@pytest.fixture
def peer(node: Node) -> Peer:
    return Peer(node.agent.port)


async def running(node: Node, script: str = "sleep 300", **fields: Any) -> Object:
    await node.run_pod(containers=[container(script, **fields)])
    return await node.until_phase("p", "Running")


async def finished(node: Node, script: str) -> None:
    await node.run_pod(restartPolicy="Never", containers=[container(script)])
    await node.until("p", lambda pod: pod.get("status", {}).get("phase") in ("Succeeded", "Failed"))


async def test_logs_are_the_lines_that_were_written(node: Node, peer: Peer) -> None:
    await finished(node, "echo one; echo two >&2; printf three")

    status, body = await peer.get("/containerLogs/default/p/c")

    assert (status, sorted(body.split())) == (200, [b"one", b"three", b"two"])
    assert not body.endswith(b"\n") or b"three\n" not in body


async def test_logs_can_be_cut_and_stamped(node: Node, peer: Peer) -> None:
    await finished(node, "for i in 1 2 3 4; do echo line$i; done")

    assert await peer.get("/containerLogs/default/p/c?tailLines=2") == (200, b"line3\nline4\n")
    assert await peer.get("/containerLogs/default/p/c?tailLines=0") == (200, b"")
    assert await peer.get("/containerLogs/default/p/c?limitBytes=3") == (200, b"lin")
    _, stamped = await peer.get("/containerLogs/default/p/c?timestamps=true&tailLines=1")
    assert stamped.split(b" ")[0].endswith(b"Z")
    assert stamped.endswith(b" line4\n")
    assert (await peer.get("/containerLogs/default/p/c?sinceSeconds=3600"))[1].count(b"\n") == 4
    assert await peer.get("/containerLogs/default/p/c?sinceTime=2099-01-01T00:00:00Z") == (200, b"")
    assert (await peer.get("/containerLogs/default/p/c?tailLines=-1"))[0] == 422


async def test_followed_logs_come_as_they_are_written_and_end_with_the_container(node: Node, peer: Peer) -> None:
    await running(node, "echo first; read x; echo second", stdin=True, stdinOnce=True)
    reader, writer = await peer.lines("/containerLogs/default/p/c?follow=true")
    assert b"first" in await reader.readuntil(b"first\n")

    attached = await peer.channels("/attach/default/p/c?input=1", channel.V4)
    await attached.write(channel.STDIN, b"\n")

    assert b"second\n" in await reader.read()
    await attached.close()
    writer.close()


async def test_the_log_of_the_previous_run_is_kept(node: Node, peer: Peer) -> None:
    await node.run_pod(containers=[container("echo run; exit 1")])
    await node.until("p", lambda pod: "CrashLoopBackOff" in str(pod.get("status")))

    assert await peer.get("/containerLogs/default/p/c?previous=true") == (200, b"run\n")


async def test_logs_of_what_is_not_there_are_refused(node: Node, peer: Peer) -> None:
    await running(node)

    assert (await peer.get("/containerLogs/default/none/c"))[0] == 404
    assert await peer.get("/containerLogs/default/p/none") == (404, b"container none is not valid for pod p")
    status, body = await peer.get("/containerLogs/default/p/c?previous=true")
    assert (status, body) == (400, b'previous terminated container "c" in pod "p" not found')


@pytest.mark.parametrize("protocol", [channel.V5, channel.V4, channel.V1, channel.BASE64_V4])
async def test_exec_over_websocket(node: Node, peer: Peer, protocol: str) -> None:
    await running(node)

    channels = await peer.channels(
        f"{EXEC}?command=sh&command=-c&command=echo+out;echo+err>%262;exit+3&output=1&error=1", protocol
    )
    output = await everything(channels)

    assert (output[channel.STDOUT], output[channel.STDERR]) == (b"out\n", b"err\n")
    assert "3" in output[channel.ERROR].decode()


async def test_exec_status_tells_the_exit_code(node: Node, peer: Peer) -> None:
    await running(node)

    output = await everything(await peer.channels(f"{EXEC}?command=sh&command=-c&command=exit+3&output=1", channel.V5))

    status = json.loads(output[channel.ERROR])
    assert (status["status"], status["reason"]) == ("Failure", "NonZeroExitCode")
    assert status["details"]["causes"] == [{"reason": "ExitCode", "message": "3"}]


async def test_stdin_ends_by_the_close_signal_of_v5(node: Node, peer: Peer) -> None:
    await running(node)
    channels = await peer.channels(f"{EXEC}?command=wc&command=-c&input=1&output=1", channel.V5)

    for _ in range(20):
        await channels.write(channel.STDIN, b"x" * 10_000)
    await channels.end(channel.STDIN)

    assert (await everything(channels))[channel.STDOUT].strip() == b"200000"


async def test_exec_over_spdy_with_stdin(node: Node, peer: Peer) -> None:
    await running(node)
    wanted = {channel.ERROR: True, channel.STDIN: False, channel.STDOUT: True, channel.STDERR: True}
    channels = await peer.spdy_channels(f"{EXEC}?command=cat&input=1&output=1&error=1", channel.V4, wanted)

    await channels.write(channel.STDIN, b"y" * 100_000)
    await channels.end(channel.STDIN)
    output = await everything(channels)

    assert output[channel.STDOUT] == b"y" * 100_000
    assert json.loads(output[channel.ERROR])["status"] == "Success"


@pytest.mark.parametrize("transport", ["spdy", "websocket"])
async def test_the_end_of_a_command_is_told_whatever_it_left_unread(node: Node, peer: Peer, transport: str) -> None:
    await running(node)
    target = f"{EXEC}?command=sh&command=-c&command=head+-c+5;exit+4&input=1&output=1&error=1"
    wanted = {channel.ERROR: True, channel.STDIN: False, channel.STDOUT: True, channel.STDERR: True}
    channels: Channels = (
        await peer.spdy_channels(target, channel.V4, wanted)
        if transport == "spdy"
        else await peer.channels(target, channel.V5)
    )

    async def say_much() -> None:
        with suppress(ConnectionError):
            for _ in range(400):
                await channels.write(channel.STDIN, b"x" * 50_000)

    saying = asyncio.create_task(say_much())
    await asyncio.sleep(0.3)  # the client hears nothing for a while, and goes on
    output = await everything(channels)
    saying.cancel()
    await asyncio.gather(saying, return_exceptions=True)
    assert output[channel.STDOUT] == b"xxxxx"
    assert json.loads(output[channel.ERROR])["details"]["causes"][0]["message"] == "4"


async def test_a_terminal_takes_the_clients_size(node: Node, peer: Peer) -> None:
    await running(node)
    target = f"{EXEC}?command=sh&command=-c&command=read+x;stty+size&input=1&output=1&tty=1"
    channels = await peer.channels(target, channel.V5)

    await channels.write(channel.RESIZE, b'{"Width":132,"Height":43}\n')
    await asyncio.sleep(0.2)
    await channels.write(channel.STDIN, b"\n")

    assert b"43 132" in (await everything(channels))[channel.STDOUT]


async def test_a_command_that_cannot_be_run_is_told(node: Node, peer: Peer) -> None:
    await running(node)

    output = await everything(await peer.channels(f"{EXEC}?command=no-such-program&output=1", channel.V5))

    assert "executable file not found" in json.loads(output[channel.ERROR])["message"]


async def test_exec_refuses_what_makes_no_sense(node: Node, peer: Peer) -> None:
    await running(node)

    assert (await peer.get(f"{EXEC}?command=ls&output=1"))[0] == 400
    assert (await peer.get("/exec/default/p/none?command=ls&output=1"))[0] == 404
    assert (await peer.get(f"{EXEC}?command=ls"))[0] == 400


async def test_attach_copies_the_streams_of_the_first_process(node: Node, peer: Peer) -> None:
    await running(node, "while read line; do echo got $line; done", stdin=True)
    channels = await peer.channels("/attach/default/p/c?input=1&output=1", channel.V5)

    await channels.write(channel.STDIN, b"hello\n")

    piece = await channels.read()
    while piece is not None and not piece.data:
        piece = await channels.read()
    assert piece is not None
    assert piece.data == b"got hello\n"
    await channels.close()


async def test_port_forward_over_spdy_and_through_a_tunnel(node: Node, peer: Peer) -> None:
    await running(node)
    server = await asyncio.start_server(shout, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]

    plain = await peer.spdy("/portForward/default/p", "portforward.k8s.io")
    socket = await peer.websocket("/portForward/default/p", "SPDY/3.1+portforward.k8s.io")
    tunnel = SpdyConnection(WebSocketBytes(socket), is_server=False)
    reading = asyncio.create_task(tunnel.run())

    assert await forwarded(plain, port, b"one\n") == (b"ONE\n", b"")
    assert await forwarded(plain, port, b"two\n", request="2") == (b"TWO\n", b"")
    assert await forwarded(tunnel, port, b"three\n") == (b"THREE\n", b"")
    server.close()
    data, error = await forwarded(plain, port, b"x", request="3")
    assert data == b""
    assert f"error forwarding port {port} to pod default/p".encode() in error
    await plain.close()
    await tunnel.close()
    reading.cancel()


async def test_a_forwarded_port_whose_server_has_gone_does_not_hold_up_others(node: Node, peer: Peer) -> None:
    await running(node)
    server = await asyncio.start_server(shout, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    connection = await peer.spdy("/portForward/default/p", "portforward.k8s.io")
    data, _ = await pair_of(connection, port, request="1")

    async with asyncio.timeout(10):
        await data.write(b"one\n")
        assert [await data.read(), await data.read()] == [b"ONE\n", b""]
        for _ in range(200):
            await data.write(b"nobody reads this\n")
        assert await forwarded(connection, port, b"two\n", request="2") == (b"TWO\n", b"")
    server.close()
    await connection.close()


async def test_port_forward_over_plain_websocket_channels(node: Node, peer: Peer) -> None:
    await running(node)
    server = await asyncio.start_server(shout, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    channels = await peer.channels(f"/portForward/default/p?port={port}", channel.V4)

    first = [await channels.read(), await channels.read()]
    await channels.write(0, b"hello\n")
    answer = await channels.read()

    assert [(piece.channel, piece.data) for piece in first if piece] == [
        (n, port.to_bytes(2, "little")) for n in (0, 1)
    ]
    assert answer is not None
    assert (answer.channel, answer.data) == (0, b"HELLO\n")
    await channels.close()
    server.close()


async def test_pods_and_statistics_are_served(node: Node, peer: Peer) -> None:
    await running(node)

    _, pods = await peer.get("/pods")
    _, summary = await peer.get("/stats/summary")
    _, metrics = await peer.get("/metrics/resource")

    assert [pod["metadata"]["name"] for pod in json.loads(pods)["items"]] == ["p"]
    document = json.loads(summary)
    assert document["node"]["nodeName"] == "n1"
    assert document["pods"][0]["podRef"]["name"] == "p"
    assert document["pods"][0]["containers"][0]["memory"]["workingSetBytes"] > 0
    assert document["node"]["fs"]["capacityBytes"] > 0
    _, less = await peer.get("/stats/summary?only_cpu_and_memory=true")
    assert "fs" not in json.loads(less)["node"]
    assert b'container_memory_working_set_bytes{container="c",namespace="default",pod="p"}' in metrics
    _, cadvisor = await peer.get("/metrics/cadvisor")
    assert b'container_memory_working_set_bytes{container="c",id="/kubepods/' in cadvisor
    _, own = await peer.get("/metrics")
    assert b"kubelet_running_pods 1" in own
    assert b"process_cpu_seconds_total" in own
    assert b"kubelet_started_pods_total 1" in own
    assert b'kubelet_started_containers_total{container_type="container"} 1' in own
    assert b'kubelet_runtime_operations_total{operation_type="run_podsandbox"} 1' in own
    assert b"kubelet_pod_start_duration_seconds_count 1" in own
    _, configuration = await peer.get("/configz")
    assert json.loads(configuration)["kubeletconfig"]["maxPods"] == 110
    assert await peer.get("/healthz") == (200, b"ok")
    assert (await peer.get("/nothing"))[0] == 404


async def shout(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.write((await reader.readline()).upper())
    await writer.drain()
    writer.close()


async def forwarded(connection: SpdyConnection, port: int, data: bytes, *, request: str = "1") -> tuple[bytes, bytes]:
    stream, errors = await pair_of(connection, port, request=request)
    await stream.write(data)
    await stream.close()
    return await whole(stream), await whole(errors)


async def pair_of(connection: SpdyConnection, port: int, *, request: str) -> tuple[SpdyStream, SpdyStream]:
    headers = {"port": str(port), "requestid": request}
    errors = await connection.open(headers | {"streamtype": "error"})
    await errors.close()
    return await connection.open(headers | {"streamtype": "data"}), errors


async def whole(stream: ByteStream) -> bytes:
    out = b""
    while data := await stream.read():
        out += data
    return out


async def everything(channels: Channels) -> dict[int, bytes]:
    output: dict[int, bytes] = defaultdict(bytes)
    async with asyncio.timeout(10):
        while (piece := await channels.read()) is not None:
            output[piece.channel] += piece.data
    await channels.close()
    return output
