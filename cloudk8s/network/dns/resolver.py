"""Answer queries: from the cache, from the cluster's names, or from outside.

Almost every query is one that was answered before. The cache therefore holds whole answers by whole queries, both
without the id in front, and forgets those of a Service when it changes.
"""

from __future__ import annotations

import asyncio
from typing import Final

from cloudk8s.network.dns import wire
from cloudk8s.network.dns.directory import Directory
from cloudk8s.network.dns.upstream import NoAnswer, Upstream
from cloudk8s.network.dns.wire import Malformed, Query, Question, Record, Reply
from cloudk8s.network.dns.zone import Found, Zone

_ENTRIES: Final = 20_000
_LONGEST_CACHED: Final = 300
"""Bytes of a query; longer ones carry what is different each time."""
_TCP: Final = 65535


class Resolver:
    """Everything the server knows. `answer_at_once` does all it can without waiting."""

    def __init__(self, directory: Directory, upstream: Upstream, *, domain: str) -> None:
        self._zone = Zone(directory, domain)
        self._upstream = upstream
        self._answers: dict[bytes, bytes] = {}
        self._owned: dict[str, set[bytes]] = {}
        self._stop = directory.watch(self._forget)

    def close(self) -> None:
        """Do not look at changes any more."""
        self._stop()

    def answer_at_once(self, data: bytes) -> bytes | Query:
        """The answer to a datagram, empty for none; or the query, where others must be asked first."""
        if (known := self._answers.get(data[2:])) is not None:
            return data[:2] + known
        try:
            query = wire.read_query(data)
        except Malformed:
            return wire.failure(data, wire.FORMERR if not data[2:3] or not data[2] & 0x78 else wire.NOTIMP)
        found = self._find(query.question)
        if found is None or (found.target and query.question.type not in (wire.CNAME, wire.ANY)):
            body = self._upstream.recall(query.question, is_tcp=False) if found is None else None
            return wire.answer(query, body, limit=query.limit) if body else query
        message = wire.answer(query, wire.write_body(query.question, found.reply), limit=query.limit)
        self._remember(data[2:], message[2:], found.owner)
        return message

    async def answer(self, query: Query, *, is_tcp: bool) -> bytes:
        """The answer to a query, whomever that takes to ask."""
        limit = _TCP if is_tcp else query.limit
        found = self._find(query.question)
        try:
            if found is None:
                body = await self._upstream.ask(query.question, is_tcp=is_tcp)
            else:
                body = wire.write_body(query.question, await self._follow(found, query.question))
        except NoAnswer:
            body = wire.write_body(query.question, Reply(wire.SERVFAIL, is_authoritative=False))
        return wire.answer(query, body, limit=limit)

    def _find(self, question: Question) -> Found | None:
        if self._zone.holds(question.name):
            return self._zone.find(question.name, question.type)
        if question.name.endswith(".arpa"):
            return self._zone.reverse(question.name, question.type)
        return None

    async def _follow(self, found: Found, question: Question) -> Reply:
        """Add what an external name leads to; a name that cannot be resolved stays an alias."""
        if not found.target or question.type in (wire.CNAME, wire.ANY):
            return found.reply
        records = list(found.reply.answers)
        target = Question(found.target, question.type, _section(found.target, question.type))
        for _ in range(8):
            inside = self._find(target)
            if inside is None:
                records += await self._outside(target)
                break
            records += inside.reply.answers
            if not inside.target:
                break
            target = Question(inside.target, question.type, _section(inside.target, question.type))
        return Reply(answers=records)

    async def _outside(self, target: Question) -> list[Record]:
        try:
            body = await self._upstream.ask(target, is_tcp=False)
        except NoAnswer:
            return []
        return [record for record in wire.read_addresses(b"\0\0" + body) if record.type in (wire.CNAME, target.type)]

    def _remember(self, key: bytes, message: bytes, owner: str) -> None:
        if len(key) > _LONGEST_CACHED:
            return
        if len(self._answers) >= _ENTRIES:
            self._forget("")
        self._answers[key] = message
        self._owned.setdefault(owner, set()).add(key)

    def _forget(self, owner: str) -> None:
        """Drop the answers of a Service, and those that may depend on any; of all where it is empty."""
        if not owner:
            self._answers.clear()
            self._owned.clear()
            return
        for name in (owner, ""):
            for key in self._owned.pop(name, ()):
                self._answers.pop(key, None)


def _section(name: str, kind: int) -> bytes:
    return wire.write_name(name) + kind.to_bytes(2, "big") + b"\0\x01"


async def settle(resolver: Resolver, data: bytes, *, is_tcp: bool) -> bytes:
    """The answer to a message, whatever it takes; empty for none."""
    found = resolver.answer_at_once(data)
    if isinstance(found, bytes) and not (is_tcp and len(found) > 3 and found[2] & 0x02):
        return found
    query = found if isinstance(found, Query) else wire.read_query(data)
    return await asyncio.wait_for(resolver.answer(query, is_tcp=is_tcp), timeout=10.0)
