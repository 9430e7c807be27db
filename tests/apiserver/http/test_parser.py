"""Properties of the parser glue: any split of the bytes gives the same requests, garbage gives a refusal only."""

from __future__ import annotations

import string
from dataclasses import dataclass
from itertools import pairwise

import h11
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cloudk8s.apiserver.http.interface import Request
from cloudk8s.apiserver.http.limits import Limits
from cloudk8s.apiserver.http.parser import HeadTooLarge, RequestParser
from cloudk8s.errors import BadRequest, RequestEntityTooLarge, StatusError
from tests.apiserver.authentication.requests import Line


class Sink:
    """Remembers what the parser finds."""

    def __init__(self) -> None:
        self.requests: list[Request] = []
        self.flags: list[tuple[bool, bool, bytes | None]] = []
        self.continues = 0

    def deliver(self, request: Request, *, keep_alive: bool, http10: bool, upgrade_rest: bytes | None) -> None:
        self.requests.append(request)
        self.flags.append((keep_alive, http10, upgrade_rest))

    def send_continue(self) -> None:
        self.continues += 1


def parse(*pieces: bytes, limits: Limits | None = None) -> Sink:
    sink = Sink()
    parser = RequestParser(sink, Line(), limits or Limits(), {})
    for piece in pieces:
        parser.feed(piece)
    return sink


@dataclass(frozen=True)
class Sent:
    """One request as a client would send it."""

    method: str
    target: str
    headers: tuple[tuple[str, str], ...]
    body: bytes
    chunks: tuple[int, ...]

    @property
    def wire(self) -> bytes:
        lines = [f"{self.method} {self.target} HTTP/1.1", "Host: h"]
        lines += [f"{name}: {value}" for name, value in self.headers]
        if not self.chunks:
            lines.append(f"Content-Length: {len(self.body)}")
            return "\r\n".join([*lines, "", ""]).encode() + self.body
        lines.append("Transfer-Encoding: chunked")
        return "\r\n".join([*lines, "", ""]).encode() + self._chunked()

    def _chunked(self) -> bytes:
        out, rest = b"", self.body
        for size in self.chunks:
            piece, rest = rest[:size], rest[size:]
            out += b"%x\r\n%b\r\n" % (len(piece), piece) if piece else b""
        out += b"%x\r\n%b\r\n" % (len(rest), rest) if rest else b""
        return out + b"0\r\n\r\n"


names = st.text(string.ascii_letters + string.digits + "-", min_size=1, max_size=20).map(lambda text: "X-" + text)
values = st.text(st.characters(min_codepoint=33, max_codepoint=126), max_size=30)
targets = st.text(string.ascii_letters + string.digits + "/?&=%.-_~", max_size=40).map(lambda text: "/" + text)
sent = st.builds(
    Sent,
    st.sampled_from(["GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS"]),
    targets,
    st.lists(st.tuples(names, values), max_size=8).map(tuple),
    st.binary(max_size=300),
    st.lists(st.integers(1, 50), max_size=5).map(tuple),
)


@st.composite
def split(draw: st.DrawFn, data: bytes) -> list[bytes]:
    cuts = sorted(draw(st.sets(st.integers(0, len(data)), max_size=20)) | {0, len(data)})
    return [data[start:end] for start, end in pairwise(cuts)]


def as_h11_sees(data: bytes) -> list[tuple[str, str, list[tuple[str, str]], bytes]]:
    """The oracle: another parser's view of the same bytes."""
    connection = h11.Connection(h11.SERVER)
    connection.receive_data(data)
    found = []
    while True:
        event = connection.next_event()
        if isinstance(event, h11.Request):
            request, body = event, b""
        elif isinstance(event, h11.Data):
            body += bytes(event.data)
        elif isinstance(event, h11.EndOfMessage):
            headers = [(name.decode(), value.decode()) for name, value in request.headers]
            found.append((request.method.decode(), request.target.decode(), headers, body))
            connection.send(h11.Response(status_code=200, headers=[("content-length", "0")]))
            connection.send(h11.EndOfMessage())
            connection.start_next_cycle()
        else:
            return found


@settings(max_examples=150, deadline=None)
@given(st.data(), st.lists(sent, min_size=1, max_size=4))
def test_any_split_gives_what_another_parser_sees(data: st.DataObject, requests: list[Sent]) -> None:
    wire = b"".join(each.wire for each in requests)
    sink = parse(*data.draw(split(wire)))
    expected = as_h11_sees(wire)
    seen = [(each.method, each.target, each.body) for each in sink.requests]
    assert seen == [(method, target, body) for method, target, _, body in expected]
    for request, (_, _, headers, _) in zip(sink.requests, expected, strict=True):
        by_name: dict[str, list[str]] = {}
        for name, value in headers:
            by_name.setdefault(name, []).append(value)
        assert {name: request.headers.all(name) for name in request.headers} == by_name
        assert {name: request.headers[name] for name in by_name} == {
            name: ", ".join(found) for name, found in by_name.items()
        }


def refusal_of(pieces: list[bytes], limits: Limits) -> StatusError | None:
    """Feed until the parser refuses or hands over; any other exception is a failure of the test."""
    sink = Sink()
    parser = RequestParser(sink, Line(), limits, {})
    for piece in pieces:
        try:
            parser.feed(piece)
        except StatusError as refusal:
            return refusal
        if sink.flags and sink.flags[-1][2] is not None:
            return None
    return None


@settings(max_examples=300, deadline=None)
@given(st.data(), sent, st.binary(max_size=60))
def test_garbage_is_refused_and_nothing_else(data: st.DataObject, request: Sent, garbage: bytes) -> None:
    wire = bytearray(request.wire)
    position = data.draw(st.integers(0, len(wire)))
    wire[position : position + data.draw(st.integers(0, 5))] = garbage
    pieces = data.draw(split(bytes(wire) + request.wire))
    refusal = refusal_of(pieces, Limits(body=500, head=1000, headers=20))
    assert refusal is None or 400 <= refusal.code < 500


@settings(max_examples=300, deadline=None)
@given(st.lists(st.binary(max_size=100), max_size=10))
def test_noise_is_refused_and_nothing_else(pieces: list[bytes]) -> None:
    refusal = refusal_of(pieces, Limits())
    assert refusal is None or refusal.code == 400


def test_what_follows_an_upgrade_is_not_parsed() -> None:
    head = b"GET /exec HTTP/1.1\r\nHost: h\r\nConnection: Upgrade\r\nUpgrade: SPDY/3.1\r\n\r\n"
    sink = parse(head + b"\x80\x03\x00\x01")
    assert sink.flags == [(True, False, b"\x80\x03\x00\x01")]
    assert parse(head).flags == [(True, False, b"")]


@pytest.mark.parametrize("framing", [b"Content-Length: 2", b"Transfer-Encoding: chunked"])
def test_an_upgrade_has_no_body(framing: bytes) -> None:
    head = b"POST /exec HTTP/1.1\r\nHost: h\r\nConnection: Upgrade\r\nUpgrade: x\r\n"
    with pytest.raises(BadRequest, match="cannot have a body"):
        parse(head + framing + b"\r\n\r\nok")
    assert len(parse(head + b"Content-Length: 0\r\n\r\n").requests) == 1


def test_keep_alive_follows_version_and_header() -> None:
    def flags(version: str, header: str) -> tuple[bool, bool]:
        wire = f"GET / HTTP/{version}\r\nHost: h\r\n{header}\r\n".encode()
        return parse(wire).flags[0][:2]

    assert flags("1.1", "") == (True, False)
    assert flags("1.1", "Connection: close\r\n") == (False, False)
    assert flags("1.0", "") == (False, True)
    assert flags("1.0", "Connection: keep-alive\r\n") == (True, True)


def test_an_absolute_target_is_reduced_to_its_path() -> None:
    targets = ("http://h:1/a?b", "https://h", "/x", "*")
    seen = [parse(f"OPTIONS {each} HTTP/1.1\r\nHost: h\r\n\r\n".encode()).requests[0].target for each in targets]
    assert seen == ["/a?b", "/", "/x", "*"]


@pytest.mark.parametrize("size", [1, 7, 100_000])
def test_limits_hold_however_the_bytes_arrive(size: int) -> None:
    limits = Limits(body=1000, head=2000, headers=10)

    def feed(data: bytes) -> None:
        parse(*(data[start : start + size] for start in range(0, len(data), size)), limits=limits)

    with pytest.raises(HeadTooLarge):
        feed(b"GET / HTTP/1.1\r\nHost: h\r\n" + b"".join(b"A%d: b\r\n" % n for n in range(20)))
    with pytest.raises(HeadTooLarge):
        feed(b"GET / HTTP/1.1\r\nHost: h\r\nA: " + b"b" * 3000)
    with pytest.raises(RequestEntityTooLarge):
        feed(
            b"POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n"
            + b"64\r\n"
            + b"x" * 100
            + b"\r\n"
            + b"400\r\n"
            + b"x" * 1024
        )
    with pytest.raises(BadRequest):
        feed(b"POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nx")
