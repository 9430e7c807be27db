"""One client connection: requests in, answers out, in order.

Bytes go through the parser; whole requests wait in a queue while an earlier one is answered. A handler's synchronous
`Response` is written in the same loop turn; a coroutine runs as a task that the connection owns and cancels.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, cast

from cloudk8s.apiserver.http import hijack, outgoing
from cloudk8s.apiserver.http.exchange import Exchange, error_response, handler_failed
from cloudk8s.apiserver.http.interface import Answer, Hijack, Request, Response, Stream
from cloudk8s.apiserver.http.parser import CONTINUE, RequestParser
from cloudk8s.apiserver.http.peer import Peer
from cloudk8s.apiserver.http.stream import ChunkedWriter
from cloudk8s.errors import InternalError, StatusError

if TYPE_CHECKING:
    from cloudk8s.apiserver.http.server import HTTPServer

log = logging.getLogger(__name__)
NEVER = float("inf")


class HTTPConnection(Peer, asyncio.Protocol):
    """The protocol object of one connection; also the parser's `Sink`."""

    __slots__ = (
        "_current", "_is_closing", "_is_deaf", "_is_paused", "_is_reading", "_parser", "_pieces", "_queue", "_server",
        "_stopping", "_stream", "_task", "deadline",
    )  # fmt: skip

    def __init__(self, server: HTTPServer) -> None:
        super().__init__()
        self._server = server
        self._parser: RequestParser | None = None
        self._queue: list[Exchange] = []
        self._current: Exchange | None = None
        self._task: asyncio.Future[Answer] | None = None
        self._stream: ChunkedWriter | None = None
        self._stopping: Callable[[], None] | None = None
        """What the stream's handler wants to be called when it has ended."""
        self._pieces: Iterator[bytes] | None = None
        self._is_paused = False
        self._is_deaf = False
        self._is_reading = True
        self._is_closing = False
        self.deadline = NEVER
        """Coarse time at which the server gives up on the peer."""

    # What asyncio calls.

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.Transport, transport)
        self.deadline = self._server.now + self._server.head_timeout
        self._server.opened(self)

    def data_received(self, data: bytes) -> None:
        if self._is_deaf or self._is_closing:
            return
        last = self._queue[-1] if self._queue else self._current
        if last is not None and last.upgrade_rest is not None:
            last.upgrade_rest += data  # the next protocol's, until the answer says whether there is one
            if len(last.upgrade_rest) > self._server.limits.head:
                self._stop_reading()
            return
        parser = self._reading()
        was = parser.is_idle, parser.in_head
        try:
            parser.feed(data)
        except StatusError as refusal:
            self._refuse(refusal)
        except Exception:
            log.exception("the HTTP parser failed", extra={"remote": self.remote})
            self._refuse(InternalError("the request could not be read"))
        if self._current is None:
            self._expect_input(parser, was)
        elif self._stream is not None and parser.is_idle:
            parser.end()  # two kilobytes, of which tens of thousands of idle watches have no use
            self._parser = None

    def pause_writing(self) -> None:
        self._is_paused = True
        if self._stream is not None:
            self._stream.pause()
            if not self._stream.is_paced:
                self.deadline = self._server.now + self._server.stream_stall
        else:
            self.deadline = self._server.now + self._server.write_stall

    def resume_writing(self) -> None:
        self._is_paused = False
        if self._stream is not None:
            self._stream.resume()
        if self._current is not None:
            self.deadline = NEVER
        if self._pieces is not None:
            self._write_pieces()
        elif self._current is None:
            self._pump()

    def eof_received(self) -> bool:
        return False  # TLS cannot be half-closed; a peer that stops sending is gone

    def connection_lost(self, exc: Exception | None) -> None:
        self._server.closed(self)
        self._queue.clear()
        self._pieces = None
        if self._stream is not None:
            self._stream.lost()
        if self._task is not None:
            self._task.cancel()
        self.transport = None

    # What the parser calls.

    def deliver(self, request: Request, *, keep_alive: bool, http10: bool, upgrade_rest: bytes | None) -> None:
        exchange = Exchange(request, keep_alive, http10, upgrade_rest)
        if self._current is None and not self._queue and not self._is_paused:
            self._begin(exchange)
        else:
            self._enqueue(exchange)

    def send_continue(self) -> None:
        if self.transport is not None and self._current is None and not self._queue:
            self.transport.write(CONTINUE)

    # What the server calls.

    @property
    def is_answering(self) -> bool:
        return self._current is not None or bool(self._queue)

    def expire(self) -> None:
        """The deadline has passed."""
        self.deadline = NEVER
        if self._stream is not None:
            self._stream.cut_off()
        elif self.is_answering or self._is_paused or self._is_closing:
            self.abort()
        else:
            self.close()

    def drain(self) -> None:
        """End the stream, close when what is under way is answered."""
        if self._stream is not None:
            self._stream.close()
        elif not self.is_answering and self._reading().is_idle:
            self.close()

    def close(self) -> None:
        """Send what is buffered, then close; requests that wait are dropped."""
        self._is_closing = True
        self.deadline = self._server.now + self._server.write_stall
        self._queue.clear()
        if self.transport is not None:
            self.transport.close()

    def abort(self) -> None:
        if self.transport is not None:
            self.transport.abort()

    # One exchange after the other.

    def _enqueue(self, exchange: Exchange) -> None:
        self._queue.append(exchange)
        if len(self._queue) >= self._server.limits.pipelined:
            self._stop_reading()

    def _stop_reading(self) -> None:
        if self._is_reading and self.transport is not None:
            self._is_reading = False
            self.transport.pause_reading()

    def _go_on_reading(self) -> None:
        if not self._is_reading and self.transport is not None:
            self._is_reading = True
            self.transport.resume_reading()

    def _pump(self) -> None:
        """Answer what waits, until one takes its time."""
        while self._queue and self._current is None and not self._is_paused and self.transport is not None:
            self._begin(self._queue.pop(0))
        if self._current is None and not self._queue and self.transport is not None and not self._is_closing:
            self._go_on_reading()
            self._expect_input(self._reading(), None)

    def _begin(self, exchange: Exchange) -> None:
        self._current = exchange
        self.deadline = NEVER
        request = exchange.request
        if request is None:
            self._send_error(exchange.refusal or InternalError("the request could not be read"))
            return
        try:
            answer = self._server.handler(request)
        except StatusError as error:
            self._send_error(error)
        except Exception:
            log.exception("a handler failed: %s %s", request.method, request.path)
            self._send_error(handler_failed(request))
        else:
            if type(answer) is Response:
                self._send(answer)
            elif isinstance(answer, (Response, Stream, Hijack)):
                self._answer(answer)
            else:
                self._task = asyncio.ensure_future(answer)
                self._task.add_done_callback(self._answered)

    def _answered(self, task: asyncio.Future[Answer]) -> None:
        """The handler's coroutine has ended."""
        self._task = None
        request = self._current.request if self._current else None
        error = None if task.cancelled() else task.exception()
        if self.transport is None or request is None:
            return
        if task.cancelled():
            self.abort()
        elif isinstance(error, StatusError):
            self._send_error(error)
        elif error is not None:
            log.error("a handler failed: %s %s", request.method, request.path, exc_info=error)
            self._send_error(handler_failed(request))
        else:
            self._answer(task.result())
        self._pump()

    def _answer(self, answer: Answer) -> None:
        if isinstance(answer, Response):
            self._send(answer)
        elif isinstance(answer, Stream):
            self._start_stream(answer)
        else:
            self._hand_over(answer)

    def _send(self, answer: Response) -> None:
        exchange, transport, server = self._current, self.transport, self._server
        if exchange is None or transport is None:
            return
        keep_alive = exchange.keep_alive = exchange.keep_alive and not server.is_draining
        is_head = exchange.request is not None and exchange.request.method == "HEAD"
        data = outgoing.response(answer, is_head=is_head, keep_alive=keep_alive, date=server.date)
        if isinstance(data, bytes):
            transport.write(data)
            self._finish(exchange)
        else:
            self._pieces = data
            self._write_pieces()

    def _write_pieces(self) -> None:
        exchange, transport, pieces = self._current, self.transport, self._pieces
        if exchange is None or transport is None or pieces is None:
            return
        for piece in pieces:
            transport.write(piece)
            if self._is_paused:
                return  # resume_writing goes on
        self._pieces = None
        self._finish(exchange)
        self._server.loop.call_soon(self._pump)

    def _send_error(self, error: StatusError) -> None:
        self._send(error_response(error))

    def _finish(self, exchange: Exchange) -> None:
        """The answer is with the transport; make ready for the next request."""
        self._current = None
        if exchange.refusal is not None:
            self.deadline = self._server.now + self._server.linger
        elif not exchange.keep_alive:
            self.close()
        elif exchange.upgrade_rest is not None:
            self._current = exchange  # what arrives until then is added to its rest
            self._server.loop.call_soon(self._decline_upgrade, exchange)

    def _decline_upgrade(self, exchange: Exchange) -> None:
        """The answer was not another protocol; go on with HTTP."""
        self._current = self._parser = None
        if self.transport is not None:
            self.data_received(exchange.upgrade_rest or b"")

    def _start_stream(self, stream: Stream) -> None:
        exchange = self._current
        if exchange is None or exchange.request is None:
            return
        if exchange.http10:
            stream.stop()
            self._send(Response(505, b"streaming answers need HTTP/1.1", "text/plain; charset=utf-8"))
        elif exchange.request.method == "HEAD":
            stream.stop()
            self._send(Response(stream.status, b"", stream.content_type, stream.headers))
        else:
            self._run_stream(stream, exchange.request)

    def _run_stream(self, stream: Stream, request: Request) -> None:
        transport, server = self.transport, self._server
        if transport is None:
            stream.stop()
            return
        framing = "Transfer-Encoding: chunked\r\n"
        transport.write(outgoing.head(stream.status, stream.content_type, stream.headers, framing, server.date))
        writer = ChunkedWriter(transport, server.limits, server.outbox, self._stream_ended)
        self._stream, self._stopping = writer, stream.stop
        if self._current is not None:
            self._current.request = None  # a watch may go on for hours, and thousands do
        try:
            stream.start(writer)
        except Exception:
            log.exception("a stream failed to start: %s", request.target)
            writer.cut_off()
        if server.is_draining:
            writer.close()

    def _stream_ended(self, clean: bool) -> None:
        exchange, self._stream = self._current, None
        if self._is_paused:
            self.deadline = self._server.now + self._server.write_stall
        stop, self._stopping = self._stopping, None
        try:
            if stop is not None:
                stop()
        except Exception:
            log.exception("a stream failed to stop", extra={"remote": self.remote})
        if not clean or exchange is None:
            return
        exchange.keep_alive = exchange.keep_alive and not self._server.is_draining
        self._finish(exchange)
        self._server.loop.call_soon(self._pump)

    def _hand_over(self, answer: Hijack) -> None:
        exchange, transport, server = self._current, self.transport, self._server
        if exchange is None or transport is None:
            return
        transport.write(answer.head)
        self._go_on_reading()
        reader, writer = hijack.streams(transport, exchange.upgrade_rest or b"", is_paused=self._is_paused)
        self.transport = None
        server.hijacked(self, answer.take(reader, writer), writer)

    def _refuse(self, refusal: StatusError) -> None:
        self._is_deaf = True
        exchange = Exchange(None, keep_alive=False, refusal=refusal)
        if self._current is None and not self._queue and not self._is_paused:
            self._begin(exchange)
        else:
            self._queue.append(exchange)

    def _expect_input(self, parser: RequestParser, was: tuple[bool, bool] | None) -> None:
        """Set the deadline for what the peer has to send next; a trickle within one part does not move it."""
        server = self._server
        if self._is_deaf or self._is_paused or self._is_closing:
            return
        if parser.is_idle:
            self.deadline = server.now + server.idle_timeout
        elif was != (parser.is_idle, parser.in_head):
            self.deadline = server.now + (server.head_timeout if parser.in_head else server.body_timeout)

    def _reading(self) -> RequestParser:
        """The parser of what comes next."""
        if self._parser is None:
            self._parser = RequestParser(self, self, self._server.limits, self._server.names)
        return self._parser
