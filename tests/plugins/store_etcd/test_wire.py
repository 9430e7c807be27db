"""The wire format, against the protocol buffers library."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cloudk8s_store_etcd.messages import prefix_end, range_answer, watch_answer, write_request
from cloudk8s_store_etcd.wire import WireError, data, fields, number

struct = pytest.importorskip("google.protobuf.any_pb2", reason="protobuf is not installed")


@given(url=st.text(), value=st.binary())
def test_messages_of_the_library_are_read(url: str, value: bytes) -> None:
    message = struct.Any(type_url=url, value=value).SerializeToString()
    expected = [(tag, held) for tag, held in ((1, url.encode()), (2, value)) if held]
    assert list(fields(message)) == expected


@given(url=st.text(), value=st.binary())
def test_the_library_reads_our_messages(url: str, value: bytes) -> None:
    message = struct.Any.FromString(data(1, url.encode()) + data(2, value))
    assert (message.type_url, message.value) == (url, value)


@given(tag=st.integers(1, 2**20), value=st.integers(1, 2**63 - 1))
def test_numbers_come_back(tag: int, value: int) -> None:
    assert list(fields(number(tag, value))) == [(tag, value)]
    assert number(tag, 0) == b""


@given(st.binary())
def test_any_bytes_are_a_message_or_an_error(message: bytes) -> None:
    for read in (range_answer, watch_answer):
        try:
            read(message)
        except (WireError, UnicodeDecodeError):
            continue


def test_a_create_compares_with_revision_zero() -> None:
    assert write_request("k", b"v", 0) == bytes.fromhex("0a0710021a016b3000120812060a016b120176")


def test_a_prefix_ends_before_its_successor() -> None:
    assert prefix_end("/registry/") == "/registry0"
