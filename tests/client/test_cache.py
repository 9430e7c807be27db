from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import pytest

from cloudk8s.client.cache import ObjectCache
from cloudk8s.client.objects import owner_uids


def obj(name: str, namespace: str = "a", owners: tuple[str, ...] = ()) -> dict[str, Any]:
    references = [{"uid": uid} for uid in owners]
    return {"metadata": {"name": name, "namespace": namespace, "ownerReferences": references}}


def test_lists_by_namespace_and_all() -> None:
    cache = ObjectCache()
    for item in (obj("x"), obj("y"), obj("x", "b")):
        cache.put(item)
    assert len(cache.list()) == 3
    assert [o["metadata"]["name"] for o in cache.list("a")] == ["x", "y"]
    assert cache.get("b/x") == obj("x", "b")
    assert cache.list("none") == []


def test_put_moves_an_object_between_index_values() -> None:
    cache = ObjectCache()
    cache.add_index("owner", owner_uids)
    cache.put(obj("x", owners=("1", "2")))
    old = cache.put(obj("x", owners=("2", "3")))
    assert old == obj("x", owners=("1", "2"))
    assert cache.by_index("owner", "1") == []
    assert cache.by_index("owner", "2") == cache.by_index("owner", "3") == [obj("x", owners=("2", "3"))]
    assert sorted(cache.index_values("owner")) == ["2", "3"]


def test_remove_clears_indexes_and_is_idempotent() -> None:
    cache = ObjectCache()
    cache.put(obj("x"))
    assert cache.remove("a/x") == obj("x")
    assert cache.remove("a/x") is None
    assert cache.list("a") == []
    assert list(cache.index_values("namespace")) == []


def test_an_index_added_late_covers_what_is_there() -> None:
    cache = ObjectCache()
    cache.put(obj("x", owners=("1",)))
    cache.add_index("owner", owner_uids)
    cache.add_index("owner", owner_uids)
    assert cache.count("owner", "1") == 1


def test_one_index_name_for_two_functions_is_an_error() -> None:
    def other(_: dict[str, Any]) -> Iterable[str]:
        return ()

    cache = ObjectCache()
    cache.add_index("owner", owner_uids)
    with pytest.raises(ValueError, match="'owner'"):
        cache.add_index("owner", other)
