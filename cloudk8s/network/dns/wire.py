"""DNS messages as bytes: read a query, write an answer. https://www.rfc-editor.org/rfc/rfc1035 and 6891."""

from __future__ import annotations

import struct
from collections.abc import Sequence
from dataclasses import dataclass
from ipaddress import ip_address
from typing import Final

A: Final = 1
NS: Final = 2
CNAME: Final = 5
SOA: Final = 6
PTR: Final = 12
TXT: Final = 16
AAAA: Final = 28
SRV: Final = 33
OPT: Final = 41
ANY: Final = 255

NOERROR: Final = 0
FORMERR: Final = 1
SERVFAIL: Final = 2
NXDOMAIN: Final = 3
NOTIMP: Final = 4
REFUSED: Final = 5

RESPONSE: Final = 0x8000
AUTHORITATIVE: Final = 0x0400
TRUNCATED: Final = 0x0200
RECURSION_DESIRED: Final = 0x0100
RECURSION_AVAILABLE: Final = 0x0080
_OPCODE: Final = 0x7800

_HEADER: Final = struct.Struct("!HHHHHH")
_PLAIN_LIMIT: Final = 512
_OWN_LIMIT: Final = 1232
"""The largest datagram to send: what passes everywhere without fragments."""


class Malformed(ValueError):
    """These bytes are no DNS message."""


@dataclass(frozen=True, slots=True)
class Question:
    """What is asked, and the bytes in which it was: an answer repeats them."""

    name: str
    """In lower case, without the last dot."""
    type: int
    section: bytes


@dataclass(frozen=True, slots=True)
class Query:
    """A question with what its sender said about itself."""

    id: int
    flags: int
    question: Question
    limit: int = _PLAIN_LIMIT
    """Bytes that fit into a datagram to the sender."""
    has_edns: bool = False


@dataclass(frozen=True, slots=True)
class Record:
    """One resource record."""

    name: str
    type: int
    ttl: int
    data: bytes


@dataclass(frozen=True, slots=True)
class Reply:
    """What is known about a question."""

    code: int = NOERROR
    answers: Sequence[Record] = ()
    authority: Sequence[Record] = ()
    additional: Sequence[Record] = ()
    is_authoritative: bool = True


def read_query(data: bytes) -> Query:
    """Read a query with one question; Malformed for anything else."""
    try:
        number, flags, questions, answers, authorities, extras = _HEADER.unpack_from(data)
        if flags & (RESPONSE | _OPCODE) or questions != 1:
            raise Malformed("not a query with one question")
        name, end = read_name(data, 12)
        kind, _ = struct.unpack_from("!HH", data, end)
    except (struct.error, IndexError) as error:
        raise Malformed("the message ends too early") from error
    question = Question(name.lower(), kind, data[12 : end + 4])
    if not extras or answers or authorities:
        return Query(number, flags, question)
    return _with_edns(data, end + 4, Query(number, flags, question))


def answer(query: Query, body: bytes, *, limit: int = 65535) -> bytes:
    """A whole message: a body that `write_body` made, for this sender; beyond `limit` truncated to the question."""
    head, rest = body[:10], body[10:]
    if len(body) + 2 + (11 if query.has_edns else 0) > limit:
        flags = int.from_bytes(head[:2], "big") | TRUNCATED
        head, rest = struct.pack("!HHHHH", flags, 1, 0, 0, 0), query.question.section
    flags = int.from_bytes(head[:2], "big") | (query.flags & RECURSION_DESIRED)
    extras = int.from_bytes(head[8:10], "big")
    if not query.has_edns:
        return struct.pack("!HH", query.id, flags) + head[2:] + rest
    return struct.pack("!HH", query.id, flags) + head[2:8] + struct.pack("!H", extras + 1) + rest + _EDNS


def write_body(question: Question, reply: Reply) -> bytes:
    """The message without its id, and without what depends on the sender."""
    flags = RESPONSE | RECURSION_AVAILABLE | (AUTHORITATIVE if reply.is_authoritative else 0) | reply.code
    counts = (1, len(reply.answers), len(reply.authority), len(reply.additional))
    sections = (reply.answers, reply.authority, reply.additional)
    records = b"".join(_write_record(question, record) for section in sections for record in section)
    return struct.pack("!HHHHH", flags, *counts) + question.section + records


def failure(data: bytes, code: int) -> bytes:
    """An answer to something that could not be read; empty if even its id is missing."""
    if len(data) < 12 or data[2] & 0x80:
        return b""
    flags = RESPONSE | (int.from_bytes(data[2:4], "big") & (_OPCODE | RECURSION_DESIRED)) | code
    return data[:2] + struct.pack("!HHHHH", flags, 0, 0, 0, 0)


def write_name(name: str) -> bytes:
    """A name as labels; the empty name is the root. Malformed for labels that are empty or too long."""
    if not name:
        return b"\0"
    labels = [label.encode() for label in name.split(".")]
    if not all(0 < len(label) < 64 for label in labels):
        raise Malformed(f"{name!r} is not a name")
    return b"".join(bytes([len(label)]) + label for label in labels) + b"\0"


def read_name(data: bytes, offset: int) -> tuple[str, int]:
    """The name at an offset and where it ends; pointers are followed."""
    labels: list[str] = []
    end = -1
    for _ in range(128):
        length = data[offset]
        if length == 0:
            return ".".join(labels), end if end >= 0 else offset + 1
        if length >= 0xC0:
            end = end if end >= 0 else offset + 2
            offset = (length & 0x3F) << 8 | data[offset + 1]
            continue
        if length > 63 or offset + 1 + length >= len(data):
            raise Malformed("a label is too long")
        labels.append(data[offset + 1 : offset + 1 + length].decode("latin-1"))
        offset += 1 + length
    raise Malformed("a name has no end")


def address(name: str, ttl: int, text: str) -> Record:
    """An A or AAAA record."""
    found = ip_address(text)
    return Record(name, A if found.version == 4 else AAAA, ttl, found.packed)


def pointer(name: str, ttl: int, target: str, *, type: int = PTR) -> Record:
    """A PTR, CNAME or NS record."""
    return Record(name, type, ttl, write_name(target))


def service(name: str, ttl: int, *, port: int, target: str, weight: int = 100) -> Record:
    """An SRV record."""
    return Record(name, SRV, ttl, struct.pack("!HHH", 0, weight, port) + write_name(target))


def text(name: str, ttl: int, content: str) -> Record:
    """A TXT record."""
    data = content.encode()
    return Record(name, TXT, ttl, bytes([len(data)]) + data)


def start_of_authority(zone: str, ttl: int, *, serial: int) -> Record:
    """The SOA record; its last field is how long a name that does not exist may be remembered."""
    numbers = struct.pack("!IIIII", serial & 0xFFFFFFFF, 7200, 1800, 86400, ttl)
    return Record(zone, SOA, ttl, write_name(f"ns.dns.{zone}") + write_name(f"hostmaster.{zone}") + numbers)


def read_addresses(message: bytes) -> list[Record]:
    """The addresses and aliases that an answer holds, in its order."""
    _, _, questions, count, _, _ = _HEADER.unpack_from(message)
    offset = _skip_questions(message, questions)
    found = []
    for _ in range(count):
        name, offset = read_name(message, offset)
        kind, _, ttl, length = struct.unpack_from("!HHIH", message, offset)
        start, offset = offset + 10, offset + 10 + length
        if kind in (A, AAAA):
            found.append(Record(name.lower(), kind, ttl, message[start:offset]))
        elif kind == CNAME:
            found.append(pointer(name.lower(), ttl, read_name(message, start)[0], type=CNAME))
    return found


def without_edns(message: bytes) -> bytes:
    """The message without an OPT record at its end."""
    _, _, questions, *counts = _HEADER.unpack_from(message)
    offset = _skip_questions(message, questions)
    for remaining in range(sum(counts), 0, -1):
        start, (_, offset) = offset, read_name(message, offset)
        kind, _, _, length = struct.unpack_from("!HHIH", message, offset)
        offset += 10 + length
        if kind == OPT and remaining == 1 and offset == len(message):
            return message[:10] + struct.pack("!H", counts[2] - 1) + message[12:start]
    return message


def lifetimes(message: bytes) -> list[tuple[int, int]]:
    """Where the records of a message have their time to live, and what it is; OPT left out."""
    try:
        _, _, questions, *counts = _HEADER.unpack_from(message)
        offset = _skip_questions(message, questions)
        found = []
        for _ in range(sum(counts)):
            offset = read_name(message, offset)[1]
            kind, _, ttl, length = struct.unpack_from("!HHIH", message, offset)
            if kind != OPT:
                found.append((offset + 4, ttl))
            offset += 10 + length
    except (struct.error, IndexError) as error:
        raise Malformed("the message ends too early") from error
    return found


def _skip_questions(message: bytes, count: int) -> int:
    offset = 12
    for _ in range(count):
        offset = read_name(message, offset)[1] + 4
    return offset


def _with_edns(data: bytes, offset: int, query: Query) -> Query:
    if data[offset : offset + 3] != b"\0\0\x29" or len(data) < offset + 11:
        return query
    size = int.from_bytes(data[offset + 3 : offset + 5], "big")
    return Query(query.id, query.flags, query.question, max(_PLAIN_LIMIT, min(size, _OWN_LIMIT)), True)


def _write_record(question: Question, record: Record) -> bytes:
    name = b"\xc0\x0c" if record.name == question.name else write_name(record.name)
    return name + struct.pack("!HHIH", record.type, 1, record.ttl, len(record.data)) + record.data


_EDNS: Final = struct.pack("!BHHIH", 0, OPT, _OWN_LIMIT, 0, 0)
