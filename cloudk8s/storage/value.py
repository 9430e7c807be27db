"""Stored bytes and the revision inside them."""

from __future__ import annotations

from cloudk8s.storage.interface import Draft, Record

_MARK = b'"resourceVersion":"'


def written(key: str, draft: Draft, revision: int) -> Record:
    """The record that a draft becomes at `revision`."""
    return Record(key, b"%b%d%b" % (draft.head, revision, draft.tail), revision, draft.attributes)


def deleted(record: Record, revision: int) -> Record:
    """The last state of a record with the revision of its deletion."""
    return Record(record.key, with_revision(record.value, revision), revision, record.attributes)


def with_revision(value: bytes, revision: int) -> bytes:
    """The value at another revision; a value that carries none is returned as it is."""
    start = value.find(_MARK)
    if start < 0:
        return value
    start += len(_MARK)
    return b"%b%d%b" % (value[:start], revision, value[value.index(b'"', start) :])
