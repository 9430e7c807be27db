from typing import Any

from cloudk8s.machinery.apply import scale

_PATHS = {"apps/v1": ("f:spec", "f:replicas"), "apps/v1beta1": None}
_REPLICAS: dict[str, Any] = {"f:spec": {"f:replicas": {}}}


def _entry(
    manager: str, operation: str, fields: dict[str, Any], version: str = "apps/v1", **more: str
) -> dict[str, Any]:
    return {
        "manager": manager, "operation": operation, "apiVersion": version, "fieldsType": "FieldsV1", "fieldsV1": fields,
        **more,
    }  # fmt: skip


def test_scale_shows_who_owns_the_replica_count() -> None:
    parent = [_entry("one", "Apply", {"f:spec": {"f:replicas": {}, "f:x": {}}}), _entry("two", "Apply", {"f:data": {}})]
    assert scale.to_scale(parent, _PATHS) == [_entry("one", "Apply", _REPLICAS, "autoscaling/v1")]


def test_owner_through_the_scale_is_new_in_the_parent_and_the_former_loses_the_count() -> None:
    parent = [
        _entry("one", "Apply", {"f:spec": {"f:replicas": {}, "f:x": {}}}),
        _entry("two", "Update", {"f:data": {}}),
    ]
    written = [
        _entry("scaler", "Update", _REPLICAS, "autoscaling/v1", subresource="scale", time="2026-01-01T00:00:00Z")
    ]
    assert scale.to_parent(parent, written, _PATHS, "apps/v1") == [
        _entry("one", "Apply", {"f:spec": {"f:x": {}}}),
        _entry("scaler", "Update", _REPLICAS, subresource="scale"),
        _entry("two", "Update", {"f:data": {}}),
    ]


def test_untouched_scale_leaves_the_parent_alone() -> None:
    parent = [_entry("one", "Apply", {"f:spec": {"f:replicas": {}, "f:x": {}}})]
    assert scale.to_parent(parent, scale.to_scale(parent, _PATHS), _PATHS, "apps/v1") == parent


def test_manager_that_owned_nothing_but_the_count_disappears() -> None:
    assert scale.to_parent([_entry("one", "Apply", _REPLICAS)], [], _PATHS, "apps/v1") == []


def test_entries_of_unknown_versions_are_dropped_and_versions_without_a_count_kept() -> None:
    parent = [_entry("a", "Apply", _REPLICAS, "gone/v1"), _entry("b", "Apply", _REPLICAS, "apps/v1beta1")]
    assert scale.to_parent(parent, [], _PATHS, "apps/v1") == parent[1:]
