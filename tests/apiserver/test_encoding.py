"""Lists of stored values."""

from __future__ import annotations

import pytest

from cloudk8s.apiserver.encoding import stored_list, type_prefix
from cloudk8s.apiserver.http.interface import joined
from cloudk8s.machinery import codec
from cloudk8s.storage.interface import Record

PREFIX = type_prefix("ConfigMap", "v1")


def record(number: int, size: int) -> Record:
    value = codec.encode({"kind": "ConfigMap", "apiVersion": "v1", "metadata": {"name": f"c{number}"}, "x": "y" * size})
    return Record(f"/c{number}", value, number)


@pytest.mark.parametrize("sizes", [[0], [0, 0], [5] * 500, [100_000], [100_000, 3, 200_000], [3, 100_000] * 20])
def test_a_list_made_in_pieces_is_the_whole_list(sizes: list[int]) -> None:
    records = [record(number, size) for number, size in enumerate(sizes)]
    body = stored_list(b'{"items":[', records, cut=len(PREFIX))
    text = joined(body)
    assert len(text) == body.length
    assert codec.decode(text) == {
        "items": [{"metadata": {"name": f"c{number}"}, "x": "y" * size} for number, size in enumerate(sizes)]
    }
    assert joined(body) == text


def test_a_long_list_is_made_in_pieces_of_even_size() -> None:
    body = stored_list(b'{"items":[', [record(number, 5000) for number in range(1000)], cut=len(PREFIX))
    sizes = [len(piece) for piece in body]
    assert len(sizes) > 30
    assert max(sizes) < 160_000
