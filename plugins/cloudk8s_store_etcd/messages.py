"""etcd's messages: requests to bytes, answers from bytes.

Field numbers are those of `rpc.proto` and `kv.proto` of etcd's v3 API.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from cloudk8s_store_etcd.wire import data, fields, number, present

_EQUAL, _GREATER = 0, 1
_CREATE, _MOD = 1, 2
_DELETE = 1


@dataclass(slots=True)
class KeyValue:
    key: str = ""
    value: bytes = b""
    revision: int = 0
    """The revision of the last change; for a deletion, of the deletion."""
    is_deleted: bool = False


@dataclass(slots=True)
class RangeAnswer:
    revision: int = 0
    items: list[KeyValue] = field(default_factory=list)
    more: bool = False


@dataclass(slots=True)
class TxnAnswer:
    revision: int = 0
    succeeded: bool = False


@dataclass(slots=True)
class WatchAnswer:
    events: list[KeyValue] = field(default_factory=list)
    created: bool = False
    canceled: bool = False
    compact_revision: int = 0
    reason: str = ""


def range_request(key: str, end: str, *, limit: int = 0, revision: int = 0, count_only: bool = False) -> bytes:
    """Keys from `key` to before `end`."""
    request = data(1, key.encode()) + data(2, end.encode()) + number(3, limit) + number(4, revision)
    return request + number(9, count_only)


def write_request(key: str, value: bytes | None, expected: int | None) -> bytes:
    """Put, or delete where `value` is None, if the key is at revision `expected` (0: not there; None: anything).

    What is not there cannot be deleted.
    """
    name = data(1, key.encode())
    operation = data(3, name) if value is None else data(2, name + data(2, value))
    return _comparison(key, value, expected) + data(2, operation)


def compact_request(revision: int) -> bytes:
    return number(1, revision)


def watch_request(key: str, end: str, start: int) -> bytes:
    """Watch keys from `key` to before `end`, from revision `start` on."""
    return data(1, data(1, key.encode()) + data(2, end.encode()) + number(3, start))


def range_answer(message: bytes) -> RangeAnswer:
    answer = RangeAnswer()
    for tag, value in fields(message):
        if tag == 1:
            answer.revision = _revision(value)
        elif tag == 2:
            answer.items.append(_key_value(value))
        elif tag == 3:
            answer.more = bool(value)
    return answer


def txn_answer(message: bytes) -> TxnAnswer:
    answer = TxnAnswer()
    for tag, value in fields(message):
        if tag == 1:
            answer.revision = _revision(value)
        elif tag == 2:
            answer.succeeded = bool(value)
    return answer


def watch_answer(message: bytes) -> WatchAnswer:
    answer = WatchAnswer()
    for tag, value in fields(message):
        if tag == 3:
            answer.created = bool(value)
        elif tag == 4:
            answer.canceled = bool(value)
        elif tag == 5 and isinstance(value, int):
            answer.compact_revision = value
        elif tag == 6 and isinstance(value, bytes):
            answer.reason = value.decode()
        elif tag == 11:
            answer.events.append(_event(value))
    return answer


def prefix_end(prefix: str) -> str:
    """The end of the range of all keys that begin with `prefix`, which is not empty and ends in ASCII."""
    return prefix[:-1] + chr(ord(prefix[-1]) + 1)


def _comparison(key: str, value: bytes | None, expected: int | None) -> bytes:
    name, comparisons = data(3, key.encode()), b""
    if expected is not None:
        comparisons += data(1, number(1, _EQUAL) + number(2, _MOD) + name + present(6, expected))
    if value is None:
        comparisons += data(1, number(1, _GREATER) + number(2, _CREATE) + name + present(5, 0))
    return comparisons


def _event(message: int | bytes) -> KeyValue:
    item, is_deleted = KeyValue(), False
    for tag, value in fields(_bytes(message)):
        if tag == 1:
            is_deleted = value == _DELETE
        elif tag == 2:
            item = _key_value(value)
    item.is_deleted = is_deleted
    return item


def _key_value(message: int | bytes) -> KeyValue:
    item = KeyValue()
    for tag, value in fields(_bytes(message)):
        if tag == 1:
            item.key = _bytes(value).decode()
        elif tag == 3 and isinstance(value, int):
            item.revision = value
        elif tag == 5:
            item.value = _bytes(value)
    return item


def _revision(header: int | bytes) -> int:
    for tag, value in fields(_bytes(header)):
        if tag == 3 and isinstance(value, int):
            return value
    return 0


def _bytes(value: int | bytes) -> bytes:
    return value if isinstance(value, bytes) else b""
