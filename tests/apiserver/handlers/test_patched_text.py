"""How a refused object is quoted: in Go's order, and sorted where the patch was."""

from __future__ import annotations

from typing import Any

from cloudk8s.api.registry import load_registry
from cloudk8s.apiserver.handlers import patched_text

OBJECT = {
    "kind": "Deployment",
    "apiVersion": "apps/v1",
    "metadata": {"labels": {}, "name": "web", "managedFields": [], "uid": "u"},
    "spec": {
        "replicas": 1,
        "strategy": {"rollingUpdate": {"maxSurge": 1, "maxUnavailable": 0}, "type": "RollingUpdate"},
        "template": {"spec": {"restartPolicy": "Always", "containers": [{"tty": True, "env": [], "image": "i"}]}},
    },
}


def patched_json(patch: Any) -> str:
    resource = load_registry().lookup("apps", "v1", "deployments")
    assert resource is not None
    return patched_text.patched_json(OBJECT, patch, resource.schema)


def test_a_merge_patch_sorts_what_it_names() -> None:
    text = patched_json({"spec": {"template": {"spec": {"x": 1}}}})
    assert text.endswith(
        '"spec":{"replicas":1,"strategy":{"type":"RollingUpdate","rollingUpdate":{"maxUnavailable":0,"maxSurge":1}},'
        '"template":{"spec":{"containers":[{"image":"i","env":[],"tty":true}],"restartPolicy":"Always"}}}}'
    )


def test_a_json_patch_sorts_the_containers_on_its_ways() -> None:
    text = patched_json([{"op": "add", "path": "/spec/template/spec/containers/0/x", "value": 2}])
    assert '"containers":[{"env":[],"image":"i","tty":true}]' in text


def test_metadata_keeps_the_order_of_its_struct_unless_the_patch_was_there() -> None:
    start = '{"apiVersion":"apps/v1","kind":"Deployment","metadata":'
    assert patched_json({"spec": {}}).startswith(start + '{"name":"web","uid":"u","labels":{},"managedFields":[]}')
    touched = patched_json({"metadata": {"labels": {}}})
    assert touched.startswith(start + '{"labels":{},"managedFields":[],"name":"web","uid":"u"}')
