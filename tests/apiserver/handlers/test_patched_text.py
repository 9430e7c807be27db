"""How a refused object is quoted: in Go's order, and sorted where the patch was."""

from __future__ import annotations

from cloudk8s.apiserver.handlers.patched_text import patched_json

OBJECT = {
    "kind": "Deployment",
    "apiVersion": "apps/v1",
    "metadata": {"labels": {}, "name": "web", "managedFields": [], "uid": "u"},
    "spec": {"replicas": 1, "template": {"z": 1, "a": 2}, "list": [{"y": 1, "b": 2}]},
}


def test_a_merge_patch_sorts_what_it_names() -> None:
    text = patched_json(OBJECT, {"spec": {"template": {"a": 2}}})
    assert text.endswith('"spec":{"list":[{"y":1,"b":2}],"replicas":1,"template":{"a":2,"z":1}}}')


def test_a_json_patch_sorts_the_containers_on_its_ways() -> None:
    text = patched_json(OBJECT, [{"op": "add", "path": "/spec/list/0/b", "value": 2}])
    assert text.endswith('"spec":{"list":[{"b":2,"y":1}],"replicas":1,"template":{"z":1,"a":2}}}')


def test_metadata_keeps_the_order_of_its_struct_unless_the_patch_was_there() -> None:
    start = '{"apiVersion":"apps/v1","kind":"Deployment","metadata":'
    untouched = patched_json(OBJECT, {"spec": {}})
    assert untouched.startswith(start + '{"name":"web","uid":"u","labels":{},"managedFields":[]}')
    touched = patched_json(OBJECT, {"metadata": {"labels": {}}})
    assert touched.startswith(start + '{"labels":{},"managedFields":[],"name":"web","uid":"u"}')
