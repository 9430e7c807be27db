"""Bytes to requests: the glue around llhttp.

Data goes in through `feed`; every complete request comes out through `deliver`, in order. No I/O here.
"""

from __future__ import annotations

from typing import Protocol

import httptools

from cloudk8s.apiserver.http.interface import Connection, Headers, Request
from cloudk8s.apiserver.http.limits import Limits
from cloudk8s.errors import BadRequest, RequestEntityTooLarge, StatusError

CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"
_KNOWN_NAMES = 1024


class HeadTooLarge(RequestEntityTooLarge):
    """The request line and headers are longer than the limit."""

    code = 431


class Sink(Protocol):
    """Where a parser's findings go."""

    def deliver(self, request: Request, *, keep_alive: bool, http10: bool, upgrade_rest: bytes | None) -> None:
        """Take one whole request; `upgrade_rest` is what followed one that asks for another protocol."""

    def send_continue(self) -> None:
        """The peer waits for `100 Continue` before it sends its body."""


class RequestParser:
    """One connection's parser.

    After a request with `upgrade_rest`, or after an error, nothing more may be fed: make a new one.
    """

    def __init__(self, sink: Sink, connection: Connection, limits: Limits, names: dict[bytes, str]) -> None:
        self._sink = sink
        self._connection = connection
        self._limits = limits
        self._names = names
        self._parser = httptools.HttpRequestParser(self)
        self._refusal: StatusError | None = None
        self._upgrade: tuple[Request, bool] | None = None
        self._head_bytes = 0
        self.in_head = True
        self.on_message_begin()
        self.is_idle = True
        """True between two requests."""

    def feed(self, data: bytes) -> None:
        """Parse; raises a StatusError for input that ends the connection, after the requests before it came out."""
        if self.in_head:
            self._head_bytes += len(data)
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserUpgrade as upgrade:
            self._deliver_upgrade(bytes(data[upgrade.args[0] :]))
        except httptools.HttpParserCallbackError as error:
            if self._refusal is None:
                raise
            raise self._refusal from error
        except httptools.HttpParserError as error:
            raise BadRequest(f"malformed HTTP request: {error}") from error
        if self.in_head and self._head_bytes > self._limits.head:
            raise self._head_too_large()

    def end(self) -> None:
        """Nothing more is fed: let go of llhttp, which holds this object, so that both go at once."""
        del self._parser

    # Called by httptools.

    def on_message_begin(self) -> None:
        self._url = b""
        self._headers = Headers()
        self._body: list[bytes] = []
        self._body_bytes = 0
        self.is_idle = False

    def on_url(self, url: bytes) -> None:
        self._url += url

    def on_header(self, name: bytes, value: bytes) -> None:
        if not self.in_head:
            return  # a trailer of a chunked body
        headers = self._headers
        key = self._names.get(name) or self._learn(name)
        if key in headers:
            if key == "host":
                self._refuse(BadRequest("too many Host headers"))
            headers.repeat(key, str(value, "utf-8", "replace"))
        elif len(headers) >= self._limits.headers:
            self._refuse(self._head_too_large())
        else:
            headers[key] = str(value, "utf-8", "replace")

    def on_headers_complete(self) -> None:
        self.in_head = False
        headers = self._headers
        if int(headers.get("content-length", 0)) > self._limits.body:
            self._refuse(self._body_too_large())
        if headers.get("expect", "").lower() == "100-continue":
            self._sink.send_continue()

    def on_body(self, body: bytes) -> None:
        self._body_bytes += len(body)
        if self._body_bytes > self._limits.body:
            self._refuse(self._body_too_large())
        self._body.append(body)

    def on_message_complete(self) -> None:
        self.in_head = self.is_idle = True
        self._head_bytes = 0
        parser, chunks = self._parser, self._body
        http10 = parser.get_http_version() == "1.0"
        body = b"" if not chunks else chunks[0] if len(chunks) == 1 else b"".join(chunks)
        request = Request(parser.get_method().decode(), self._target(), self._headers, body, self._connection)
        if "host" not in self._headers and not http10:
            self._refuse(BadRequest("missing required Host header"))
        if parser.should_upgrade():
            self._refuse_body(self._headers)
            self._upgrade = (request, http10)
        else:
            self._sink.deliver(request, keep_alive=parser.should_keep_alive(), http10=http10, upgrade_rest=None)

    def _deliver_upgrade(self, rest: bytes) -> None:
        # llhttp reports a request complete before it says where the next protocol's bytes begin.
        assert self._upgrade is not None
        request, http10 = self._upgrade
        self._sink.deliver(request, keep_alive=True, http10=http10, upgrade_rest=rest)

    def _target(self) -> str:
        target = str(self._url, "utf-8", "replace")
        if target.startswith("/") or target == "*":
            return target
        _, separator, rest = target.partition("://")
        path = rest[rest.find("/") :] if "/" in rest else "/"
        return path if separator else self._refuse(BadRequest(f"malformed request target {target[:80]!r}"))

    def _refuse_body(self, headers: Headers) -> None:
        # llhttp takes everything after the head for the other protocol's, so a body could not be told from it.
        if headers.get("content-length", "0") != "0" or "transfer-encoding" in headers:
            self._refuse(BadRequest("a request that asks for another protocol cannot have a body"))

    def _learn(self, name: bytes) -> str:
        text = str(name, "latin-1").lower()
        if len(self._names) < _KNOWN_NAMES:
            self._names[name] = text
        return text

    def _refuse(self, refusal: StatusError) -> str:
        # httptools wraps what a callback raises; `feed` raises the refusal itself.
        self._refusal = refusal
        raise refusal

    def _head_too_large(self) -> StatusError:
        return HeadTooLarge("the request line and headers are too large")

    def _body_too_large(self) -> StatusError:
        return RequestEntityTooLarge(f"Request entity too large: limit is {self._limits.body}")
