"""Ask other resolvers about names that are not the cluster's, and remember what they said for a while."""

from __future__ import annotations

import asyncio
import logging
import secrets
import struct
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, cast

from cloudk8s.machinery.clock import Clock
from cloudk8s.network.dns import wire
from cloudk8s.network.dns.wire import Malformed, Question

LONGEST: Final = 30
"""Seconds for which an answer is kept at most, as in CoreDNS's usual configuration."""
_TIMEOUT: Final = 2.0
_ENTRIES: Final = 10_000
_EDNS: Final = struct.pack("!BHHIH", 0, wire.OPT, 1232, 0, 0)
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Server:
    """A resolver's address."""

    host: str
    port: int = 53


class NoAnswer(Exception):
    """No resolver answered."""


@dataclass(frozen=True, slots=True)
class _Entry:
    message: bytes
    asked: float
    until: float
    lifetimes: Sequence[tuple[int, int]]


class Upstream:
    """The resolvers, asked in their order; equal questions at the same time are asked once."""

    def __init__(self, servers: Sequence[Server], *, clock: Clock) -> None:
        self._servers, self._clock = tuple(servers), clock
        self._known: dict[tuple[bytes, bool], _Entry] = {}
        self._asking: dict[tuple[bytes, bool], asyncio.Future[bytes]] = {}

    def recall(self, question: Question, *, is_tcp: bool) -> bytes | None:
        """The body of an answer that still holds, with its lifetimes shortened by its age."""
        entry = self._known.get((question.section, is_tcp)) or self._known.get((question.section, False))
        if entry is None or (is_tcp and entry.message[2] & 0x02):
            return None
        now = self._clock.monotonic()
        if now >= entry.until:
            return None
        aged = bytearray(entry.message)
        for offset, ttl in entry.lifetimes:
            struct.pack_into("!I", aged, offset, max(0, ttl - int(now - entry.asked)))
        return bytes(aged[2:])

    async def ask(self, question: Question, *, is_tcp: bool) -> bytes:
        """The body of an answer, as `wire.answer` takes it; NoAnswer if there is none."""
        if body := self.recall(question, is_tcp=is_tcp):
            return body
        key = (question.section, is_tcp)
        if key not in self._asking:
            task = asyncio.ensure_future(self._ask(question, is_tcp))
            self._asking[key] = task
            task.add_done_callback(lambda _: self._asking.pop(key, None))
        return await asyncio.shield(self._asking[key])

    async def _ask(self, question: Question, is_tcp: bool) -> bytes:
        for server in self._servers:
            number = secrets.randbits(16)
            query = struct.pack("!HHHHHH", number, wire.RECURSION_DESIRED, 1, 0, 0, 1) + question.section + _EDNS
            exchange = _by_tcp if is_tcp else _by_datagram
            try:
                async with asyncio.timeout(_TIMEOUT):
                    message = await exchange(server, query)
                message = wire.without_edns(message)
                self._remember(question, is_tcp, message)
            except (OSError, TimeoutError, EOFError, Malformed, struct.error, IndexError) as error:
                _log.debug("resolver %s did not answer about %s: %r", server.host, question.name, error)
                continue
            return message[2:]
        raise NoAnswer(f"no resolver answers about {question.name}")

    def _remember(self, question: Question, is_tcp: bool, message: bytes) -> None:
        lifetimes = wire.lifetimes(message)
        if message[3] & 0x0F not in (wire.NOERROR, wire.NXDOMAIN) or not lifetimes:
            return
        now = self._clock.monotonic()
        keep = min(LONGEST, *(ttl for _, ttl in lifetimes))
        if len(self._known) >= _ENTRIES:
            self._known = {key: entry for key, entry in self._known.items() if entry.until > now}
        if len(self._known) < _ENTRIES:
            self._known[question.section, is_tcp] = _Entry(message, now, now + keep, lifetimes)


def read_resolv_conf(path: Path, *, without: Callable[[str], bool] = lambda address: False) -> list[Server]:
    """The name servers of a resolver configuration; those that `without` names are ourselves."""
    try:
        lines = path.read_text().splitlines()
    except OSError:
        return []
    words = (line.split() for line in lines)
    found = [parts[1] for parts in words if len(parts) > 1 and parts[0] == "nameserver"]
    return [Server(address) for address in found if not without(address)]


async def _by_datagram(server: Server, query: bytes) -> bytes:
    loop = asyncio.get_running_loop()
    answer: asyncio.Future[bytes] = loop.create_future()
    transport, _ = await loop.create_datagram_endpoint(
        lambda: _Exchange(query, answer), remote_addr=(server.host, server.port)
    )
    try:
        return await answer
    finally:
        transport.close()


async def _by_tcp(server: Server, query: bytes) -> bytes:
    reader, writer = await asyncio.open_connection(server.host, server.port)
    try:
        writer.write(struct.pack("!H", len(query)) + query)
        (length,) = struct.unpack("!H", await reader.readexactly(2))
        return await reader.readexactly(length)
    finally:
        writer.close()


class _Exchange(asyncio.DatagramProtocol):
    """One query and its answer: same id, same question."""

    def __init__(self, query: bytes, answer: asyncio.Future[bytes]) -> None:
        self._query, self._answer = query, answer

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        cast(asyncio.DatagramTransport, transport).sendto(self._query)

    def datagram_received(self, data: bytes, addr: object) -> None:
        section = self._query[12 : -len(_EDNS)]
        fits = data[:2] == self._query[:2] and data[12 : 12 + len(section)].lower() == section.lower()
        if fits and not self._answer.done():
            self._answer.set_result(data)

    def error_received(self, exc: Exception) -> None:
        if not self._answer.done():
            self._answer.set_exception(exc)
