from __future__ import annotations

import asyncio
import gc
import logging
from datetime import timedelta
from random import Random

import pytest

from cloudk8s.apiserver.http.interface import Hijack, Pieces, Request, Response, Stream, StreamWriter
from cloudk8s.apiserver.http.limits import Limits
from cloudk8s.apiserver.http.parser import RequestParser
from cloudk8s.errors import NotFound, TooManyRequests
from cloudk8s.machinery.clock import FakeClock
from tests.apiserver.http.conftest import Connect, Serve


def echo(request: Request) -> Response:
    return Response(200, f"{request.method} {request.target} ".encode() + request.body, "text/plain")


async def settle(rounds: int = 50) -> None:
    for _ in range(rounds):
        await asyncio.sleep(0)


async def until(condition: object, *, rounds: int = 5000) -> None:
    assert callable(condition)
    for _ in range(rounds):
        if condition():
            return
        await asyncio.sleep(0.001)
    raise AssertionError("it did not happen")


async def test_answers_requests_on_one_connection(serve: Serve, connect: Connect) -> None:
    peer = await connect(await serve(echo))
    for target in ("/a?x=1", "/b"):
        reply = await peer.get(target)
        assert (reply.status, reply.body) == (200, f"GET {target} ".encode())
        assert reply.headers["content-type"] == "text/plain"
        assert reply.headers["date"].endswith("GMT")


async def test_hands_over_headers_in_lower_case_and_repeated_ones_one_by_one(serve: Serve, connect: Connect) -> None:
    seen: list[Request] = []

    def handler(request: Request) -> Response:
        seen.append(request)
        return Response(200)

    peer = await connect(await serve(handler))
    peer.send(b"GET /p?q HTTP/1.1\r\nHost: h\r\nX-Group: a,b\r\nx-group: c\r\nAccept: */*\r\n\r\n")
    await peer.reply()
    request = seen[0]
    assert (request.path, request.query, request.headers["accept"]) == ("/p", "q", "*/*")
    assert request.headers["x-group"] == "a,b, c"
    assert request.headers.all("x-group") == ["a,b", "c"]
    assert (request.headers.all("host"), request.headers.all("none")) == (["h"], [])
    assert request.connection.remote == "127.0.0.1"
    assert request.connection.peer_certificate is None


async def test_answers_pipelined_requests_in_order_though_the_first_takes_longest(
    serve: Serve, connect: Connect
) -> None:
    release = asyncio.Event()

    async def slow(request: Request) -> Response:
        await release.wait()
        return echo(request)

    peer = await connect(await serve(lambda request: slow(request) if request.path == "/slow" else echo(request)))
    for target in ("/1", "/slow", "/2", "/slow", "/3"):
        peer.ask("GET", target)
    assert (await peer.reply()).body == b"GET /1 "
    release.set()
    assert [(await peer.reply()).body for _ in range(4)] == [b"GET /slow ", b"GET /2 ", b"GET /slow ", b"GET /3 "]


async def test_stops_reading_when_too_much_is_pipelined_and_goes_on_later(serve: Serve, connect: Connect) -> None:
    release = asyncio.Event()

    async def slow(request: Request) -> Response:
        await release.wait()
        return echo(request)

    peer = await connect(await serve(slow, limits=Limits(pipelined=4)))
    for number in range(200):
        peer.ask("POST", f"/{number}", body=b"x" * 5000)
    await settle()
    release.set()
    for number in range(200):
        assert (await peer.reply()).body.startswith(f"POST /{number} x".encode())


async def test_reads_chunked_bodies_and_ignores_trailers(serve: Serve, connect: Connect) -> None:
    peer = await connect(await serve(echo))
    peer.send(
        b"POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n"
        b"3\r\nabc\r\n2;ext=1\r\nde\r\n0\r\nHost: evil\r\n\r\n"
    )
    assert (await peer.reply()).body == b"POST / abcde"
    assert (await peer.get("/next")).status == 200


async def test_asks_for_the_body_when_the_peer_expects_it_to(serve: Serve, connect: Connect) -> None:
    peer = await connect(await serve(echo))
    peer.send(b"PUT / HTTP/1.1\r\nHost: h\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n")
    assert (await peer.head())[0] == 100
    peer.send(b"ok")
    assert (await peer.reply()).body == b"PUT / ok"


async def test_head_has_the_length_but_no_body(serve: Serve, connect: Connect) -> None:
    peer = await connect(await serve(echo))
    peer.ask("HEAD", "/")
    reply = await peer.reply(bodyless=True)
    assert reply.headers["content-length"] == str(len("HEAD / "))
    assert (await peer.get("/")).status == 200


async def test_large_bodies_arrive_whole_in_parts(serve: Serve, connect: Connect) -> None:
    parts = [bytes([65 + number % 26]) * (number * 997 % 300_000) for number in range(100)]
    peer = await connect(await serve(lambda request: Response(200, parts)))
    assert (await peer.get("/")).body == b"".join(parts)
    assert (await peer.get("/")).body == b"".join(parts)


@pytest.mark.parametrize("number", [1, 100])
async def test_bodies_made_while_they_are_sent_arrive_whole(serve: Serve, connect: Connect, number: int) -> None:
    parts = [b"%d" % place * 10_000 for place in range(number)]
    body = Pieces(sum(map(len, parts)), lambda: iter(parts))
    peer = await connect(await serve(lambda request: Response(200, body)))
    for _ in range(2):
        assert (await peer.get("/")).body == b"".join(parts)
    peer.ask("HEAD", "/")
    assert (await peer.reply(bodyless=True)).headers["content-length"] == str(body.length)


async def test_closes_when_the_peer_asks_for_it(serve: Serve, connect: Connect) -> None:
    peer = await connect(await serve(echo))
    reply = await peer.get("/", Connection="close")
    assert reply.headers["connection"] == "close"
    assert await peer.is_closed_by_server()


async def test_http_1_0_is_answered_and_closed(serve: Serve, connect: Connect) -> None:
    peer = await connect(await serve(echo))
    peer.send(b"GET / HTTP/1.0\r\n\r\n")
    assert (await peer.reply()).status == 200
    assert await peer.is_closed_by_server()


async def test_a_header_value_cannot_start_another_header(serve: Serve, connect: Connect) -> None:
    peer = await connect(await serve(lambda request: Response(200, headers=[("Warning", "a\r\nSet-Cookie: b")])))
    reply = await peer.get("/")
    assert "set-cookie" not in reply.headers
    assert reply.headers["warning"] == "a  Set-Cookie: b"


@pytest.mark.parametrize(
    ("sent", "status"),
    [
        (b"nonsense\r\n\r\n", 400),
        (b"GET / HTTP/1.1\r\n\r\n", 400),
        (b"GET nowhere HTTP/1.1\r\nHost: h\r\n\r\n", 400),
        (b"GET / HTTP/1.1\r\nHost: h\r\nHost: i\r\n\r\n", 400),
        (b"POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n", 400),
        (b"POST / HTTP/1.1\r\nHost: h\r\nContent-Length: x\r\n\r\n", 400),
        (b"POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 101\r\n\r\n", 413),
        (b"POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n65\r\n" + b"x" * 101, 413),
        (b"GET / HTTP/1.1\r\nHost: h\r\n" + b"".join(b"A%d: b\r\n" % n for n in range(20)) + b"\r\n", 431),
        (b"GET / HTTP/1.1\r\nHost: h\r\nA: " + b"b" * 2000, 431),
        (b"GET /" + b"b" * 2000, 431),
    ],
)
async def test_bad_input_is_refused_with_a_status(serve: Serve, connect: Connect, sent: bytes, status: int) -> None:
    clock = FakeClock()
    peer = await connect(await serve(echo, limits=Limits(body=100, headers=10, head=1000), clock=clock))
    peer.send(sent)
    reply = await peer.reply()
    assert (reply.status, reply.json["kind"], reply.json["code"]) == (status, "Status", status)
    assert reply.headers["connection"] == "close"
    await clock.advance(5)
    assert await peer.is_closed_by_server()


async def test_input_after_an_error_is_thrown_away(serve: Serve, connect: Connect) -> None:
    peer = await connect(await serve(echo, limits=Limits(body=10)))
    peer.ask("GET", "/first")
    peer.ask("POST", "/", body=b"x" * 1_000_000)
    peer.ask("GET", "/never")
    assert (await peer.reply()).body == b"GET /first "
    assert (await peer.reply()).json["message"] == "Request entity too large: limit is 10"


async def test_a_failing_handler_is_a_500_and_the_connection_lives_on(
    serve: Serve, connect: Connect, caplog: pytest.LogCaptureFixture
) -> None:
    async def broken(request: Request) -> Response:
        raise ValueError("secret")

    def handler(request: Request) -> Response:
        if request.path == "/broken":
            raise ValueError("secret")
        return echo(request)

    peer = await connect(await serve(lambda request: broken(request) if request.path == "/async" else handler(request)))
    with caplog.at_level(logging.ERROR):
        for target in ("/broken", "/async"):
            reply = await peer.get(target)
            assert (reply.status, reply.json["reason"]) == (500, "InternalError")
            assert b"secret" not in reply.body
    assert [record.exc_info is not None for record in caplog.records] == [True, True]
    assert (await peer.get("/")).status == 200


async def test_a_status_error_is_its_own_answer(serve: Serve, connect: Connect) -> None:
    async def busy(request: Request) -> Response:
        raise TooManyRequests("later", retry_after=timedelta(seconds=7))

    def missing(request: Request) -> Response:
        raise NotFound("gone")

    peer = await connect(await serve(lambda request: busy(request) if request.path == "/busy" else missing(request)))
    assert (await peer.get("/")).json["message"] == "gone"
    reply = await peer.get("/busy")
    assert (reply.status, reply.headers["retry-after"]) == (429, "7")


async def test_a_handler_is_cancelled_when_its_peer_is_gone(serve: Serve, connect: Connect) -> None:
    started, cancelled = asyncio.Event(), asyncio.Event()

    async def handler(request: Request) -> Response:
        started.set()
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            cancelled.set()
            raise
        return Response(200)

    peer = await connect(await serve(handler))
    peer.ask("GET", "/")
    await started.wait()
    peer.close()
    await asyncio.wait_for(cancelled.wait(), 5)


class Watch:
    """A stream under the test's control."""

    def __init__(self) -> None:
        self.writers: list[StreamWriter] = []
        self.stopped = 0

    def __call__(self, request: Request) -> Stream:
        return Stream(self.writers.append, self._stop)

    def _stop(self) -> None:
        self.stopped += 1


async def test_streams_chunks_and_keeps_the_connection(serve: Serve, connect: Connect) -> None:
    watch = Watch()
    peer = await connect(await serve(lambda request: watch(request) if request.path == "/w" else echo(request)))
    peer.ask("GET", "/w")
    peer.ask("GET", "/next")
    assert (await peer.head())[1]["transfer-encoding"] == "chunked"
    writer = watch.writers[0]
    writer.write(b"one")
    writer.write(b"")
    writer.write_framed(b"3\r\ntwo\r\n")
    assert [await peer.chunk(), await peer.chunk()] == [b"one", b"two"]
    writer.close()
    writer.close()
    writer.write(b"ignored")
    assert (writer.is_closed, watch.stopped) == (True, 1)
    assert await peer.chunk() == b""
    assert (await peer.reply()).body == b"GET /next "


async def test_a_running_stream_does_not_keep_its_request(serve: Serve, connect: Connect) -> None:
    def is_held() -> bool:
        return any(isinstance(each, Request) and each.target == "/w?long=1" for each in gc.get_objects())

    watch, seen = Watch(), []

    def handler(request: Request) -> Stream:
        seen.append(is_held())
        return watch(request)

    peer = await connect(await serve(handler))
    peer.ask("GET", "/w?long=1")
    await peer.head()
    assert (seen, is_held()) == ([True], False)
    peer.ask("GET", "/w")
    watch.writers[0].close()
    assert await peer.chunk() == b""
    assert (await peer.head())[0] == 200


async def test_a_running_stream_leaves_no_parser_to_the_garbage_collector(serve: Serve, connect: Connect) -> None:
    def parsers() -> int:
        return sum(isinstance(each, RequestParser) for each in gc.get_objects())

    server = await serve(Watch())
    gc.collect()
    before = parsers()
    gc.disable()
    try:
        for _ in range(3):
            peer = await connect(server)
            peer.ask("GET", "/w")
            await peer.head()
        assert parsers() == before
    finally:
        gc.enable()


async def test_a_stream_is_stopped_when_its_peer_is_gone(serve: Serve, connect: Connect) -> None:
    watch = Watch()
    peer = await connect(await serve(watch))
    peer.ask("GET", "/")
    await peer.head()
    peer.close()
    await until(lambda: watch.stopped)
    assert watch.writers[0].is_closed
    watch.writers[0].write(b"ignored")
    assert watch.stopped == 1


async def test_a_stream_that_fails_to_start_is_stopped(serve: Serve, connect: Connect) -> None:
    stopped: list[bool] = []

    def start(writer: StreamWriter) -> None:
        raise ValueError

    peer = await connect(await serve(lambda request: Stream(start, lambda: stopped.append(True))))
    peer.ask("GET", "/")
    assert (await peer.head())[0] == 200
    assert await peer.is_closed_by_server()
    assert stopped == [True]


async def test_a_slow_reader_is_cut_off_at_once_beyond_the_hard_limit(serve: Serve, connect: Connect) -> None:
    watch = Watch()
    limits = Limits(stream_buffer=100_000, stream_buffer_max=1_000_000)
    peer = await connect(await serve(watch, limits=limits))
    peer.ask("GET", "/")
    await peer.head()
    for _ in range(1000):
        watch.writers[0].write(b"x" * 100_000)
    assert watch.writers[0].is_closed
    assert watch.stopped == 1


async def test_a_slow_reader_has_a_moment_to_catch_up(serve: Serve, connect: Connect) -> None:
    watch, clock = Watch(), FakeClock()
    server = await serve(watch, limits=Limits(stream_buffer=100_000), clock=clock)
    slow, quick = await connect(server), await connect(server)
    for peer in (slow, quick):
        peer.ask("GET", "/")
        await peer.head()
        watch.writers[-1].write(b"x" * 20_000_000)
    await quick.chunk()
    await clock.advance(11)
    await settle()
    assert [writer.is_closed for writer in watch.writers] == [True, False]


async def test_who_reads_slowly_is_waited_for_where_the_writer_can_wait(serve: Serve, connect: Connect) -> None:
    """`kubectl logs | less`, for hours."""
    clock, written = FakeClock(), 0

    def handler(request: Request) -> Stream:
        def start(writer: StreamWriter) -> None:
            writer.is_paced = True
            tasks.append(asyncio.create_task(send(writer)))

        return Stream(start, lambda: None)

    async def send(writer: StreamWriter) -> None:
        nonlocal written
        for _ in range(500):
            writer.write(bytes(100_000))
            await writer.drain()
            written += 1
        writer.close()

    tasks: list[asyncio.Task[None]] = []
    peer = await connect(await serve(handler, limits=Limits(stream_buffer=100_000), clock=clock))
    peer.ask("GET", "/")
    for _ in range(3):
        await settle()
        before = written
        await clock.advance(100)
    assert 0 < before == written < 500
    assert len((await peer.reply()).body) == 500 * 100_000
    await tasks[0]


async def test_a_writer_that_waits_is_told_that_its_reader_is_gone(serve: Serve, connect: Connect) -> None:
    watch = Watch()
    peer = await connect(await serve(watch, limits=Limits(stream_buffer=100_000)))
    peer.ask("GET", "/")
    await peer.head()
    watch.writers[0].write(bytes(20_000_000))
    waiting = asyncio.create_task(watch.writers[0].drain())
    await settle()
    assert not waiting.done()
    peer.close()
    async with asyncio.timeout(5):
        await waiting
    assert watch.writers[0].is_closed


async def test_slow_senders_are_dropped(serve: Serve, connect: Connect) -> None:
    clock = FakeClock()
    server = await serve(echo, clock=clock)
    silent, head, body, idle = [await connect(server) for _ in range(4)]
    head.send(b"GET / HTTP")
    body.send(b"POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 10\r\n\r\nabc")
    await idle.get("/")
    await until(lambda: server.connections == 4)
    await settle()
    await clock.advance(20)
    head.send(b"/1.1\r\n")
    await settle()
    await clock.advance(20)
    assert await silent.is_closed_by_server()
    assert await head.is_closed_by_server()
    body.send(b"def")
    await settle()
    await clock.advance(25)
    assert await body.is_closed_by_server()
    assert (await idle.get("/")).status == 200
    await clock.advance(200)
    assert await idle.is_closed_by_server()


async def test_a_peer_that_does_not_read_its_answer_is_dropped(serve: Serve, connect: Connect) -> None:
    clock = FakeClock()
    server = await serve(lambda request: Response(200, b"x" * 50_000_000), clock=clock)
    peer = await connect(server)
    peer.ask("GET", "/")
    await peer.head()
    await settle()
    await clock.advance(100)
    await until(lambda: server.connections == 0)


async def test_hands_the_connection_to_another_protocol(serve: Serve, connect: Connect) -> None:
    async def take(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while line := await reader.readline():
            writer.write(line.upper())
            await writer.drain()

    switch = b"HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: SPDY/3.1\r\n\r\n"
    server = await serve(lambda request: Hijack(switch, take))
    peer = await connect(server)
    peer.send(b"POST / HTTP/1.1\r\nHost: h\r\nConnection: Upgrade\r\nUpgrade: SPDY/3.1\r\n\r\nearly\n")
    assert (await peer.head())[0] == 101
    peer.send(b"late\n")
    assert [await peer.reader.readline(), await peer.reader.readline()] == [b"EARLY\n", b"LATE\n"]
    peer.close()
    await until(lambda: server.connections == 0)


async def test_an_upgrade_may_be_declined_and_http_goes_on(serve: Serve, connect: Connect) -> None:
    async def later(request: Request) -> Response:
        await asyncio.sleep(0)
        return echo(request)

    peer = await connect(await serve(lambda request: later(request) if request.path == "/later" else echo(request)))
    for target in ("/now", "/later"):
        peer.ask("GET", target, Connection="Upgrade", Upgrade="websocket")
        peer.ask("GET", "/next")
        assert (await peer.reply()).body == f"GET {target} ".encode()
        assert (await peer.reply()).body == b"GET /next "


async def test_an_upgrade_may_wait_for_an_earlier_answer(serve: Serve, connect: Connect) -> None:
    release = asyncio.Event()

    async def slow(request: Request) -> Response:
        await release.wait()
        return echo(request)

    async def take(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write((await reader.readexactly(600_008)).upper()[-8:])

    switch = Hijack(b"HTTP/1.1 101 Switching Protocols\r\n\r\n", take)
    peer = await connect(await serve(lambda request: slow(request) if request.path == "/slow" else switch))
    peer.ask("GET", "/slow")
    peer.ask("GET", "/exec", Connection="Upgrade", Upgrade="SPDY/3.1")
    await settle()
    peer.send(b"one")
    await settle()
    peer.send(b"x" * 600_000 + b"ninee")
    await settle()
    release.set()
    assert (await peer.reply()).body == b"GET /slow "
    assert (await peer.head())[0] == 101
    assert await peer.reader.readexactly(8) == b"XXXNINEE"


async def test_a_stop_finishes_what_is_under_way(serve: Serve, connect: Connect) -> None:
    release, watch = asyncio.Event(), Watch()

    async def slow(request: Request) -> Response:
        await release.wait()
        return echo(request)

    server = await serve(lambda request: watch(request) if request.path == "/w" else slow(request))
    busy, watching, idle, partial = [await connect(server) for _ in range(4)]
    busy.ask("GET", "/busy")
    watching.ask("GET", "/w")
    await watching.head()
    partial.send(b"GET /partial HTTP/1.1\r\n")
    await until(lambda: server.connections == 4)
    await settle()
    drain = asyncio.create_task(server.drain())
    assert await watching.chunk() == b""
    assert await watching.is_closed_by_server()
    assert await idle.is_closed_by_server()
    partial.send(b"Host: h\r\n\r\n")
    release.set()
    for peer in (busy, partial):
        assert (await peer.reply()).headers["connection"] == "close"
    await drain
    assert (watch.stopped, server.connections) == (1, 0)


async def test_a_stop_waits_only_so_long(serve: Serve, connect: Connect) -> None:
    clock = FakeClock()
    forever = asyncio.Event()

    async def slow(request: Request) -> Response:
        await forever.wait()
        return echo(request)

    server = await serve(slow, clock=clock)
    peer = await connect(server)
    peer.ask("GET", "/")
    await until(lambda: server.connections == 1)
    drain = asyncio.create_task(server.drain())
    await settle()
    await clock.advance(16)
    await drain


async def test_garbage_over_the_wire_hurts_nobody(
    serve: Serve, connect: Connect, caplog: pytest.LogCaptureFixture
) -> None:
    async def handler(request: Request) -> Response:
        await asyncio.sleep(0)
        return echo(request)

    random = Random(7)
    server = await serve(handler)
    good = b"POST /x HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\n\r\nabcGET /y HTTP/1.1\r\nHost: h\r\n\r\n"
    for _ in range(100):
        wire = bytearray(good * 2)
        for _ in range(random.randint(1, 6)):
            wire[random.randrange(len(wire))] = random.randrange(256)
        peer = await connect(server)
        for start in range(0, len(wire), 50):
            peer.send(bytes(wire[start : start + 50]))
        await settle(3)
        peer.close()
    assert (await (await connect(server)).get("/")).status == 200
    assert not [record for record in caplog.records if record.levelno >= logging.ERROR]
