"""What is written as protobuf reads back as the same object."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from cloudk8s.api.protobuf import decode_body, encode_body
from cloudk8s.api.registry import Registry
from cloudk8s.api.resource import GroupVersion
from tests.api.golden_corpus import cases, corpus

STAND_INS = {
    "<time>": "2026-01-01T00:00:00Z",
    "<microtime>": "2026-01-01T00:00:00.000001Z",
    "<rv>": "1",
    '"<port>"': "30000",
}
POD: dict[str, Any] = {
    "apiVersion": "v1",
    "kind": "Pod",
    "metadata": {"name": "web", "labels": {"a": "b", "c": ""}, "creationTimestamp": "2026-01-01T00:00:00Z"},
    "spec": {
        "terminationGracePeriodSeconds": -1,
        "volumes": [{"name": "a", "emptyDir": {}}, {"name": "b", "secret": {"secretName": "s", "optional": False}}],
        "containers": [
            {
                "name": "c", "command": ["sh", ""], "resources": {"limits": {"cpu": "500m"}},
                "livenessProbe": {"httpGet": {"path": "/", "port": "http"}, "periodSeconds": 0},
                "ports": [{"containerPort": 80}],
            }
        ],
    },
    "status": {"startTime": "2026-01-01T00:00:00Z"},
}  # fmt: skip


def read_back(obj: dict[str, Any], registry: Registry) -> Any:
    schema = registry.schema(*GroupVersion.parse(obj["apiVersion"]), obj["kind"])
    assert schema is not None
    return decode_body(encode_body(obj, schema), registry.schema)


def without_nothing(value: Any) -> Any:
    """Null, and maps and lists without anything, do not exist in protobuf; messages without anything do."""
    if isinstance(value, dict):
        kept = {key: without_nothing(item) for key, item in value.items()}
        return {key: item for key, item in kept.items() if item not in (None, {}, [])}
    return [without_nothing(item) for item in value] if isinstance(value, list) else value


def test_an_object_reads_back(registry: Registry) -> None:
    assert read_back(POD, registry) == POD


def test_data_and_embedded_objects_read_back(registry: Registry) -> None:
    secret = {"apiVersion": "v1", "kind": "Secret", "data": {"a": "aGk=", "b": ""}, "metadata": {"name": "x"}}
    assert read_back(secret, registry) == secret
    revision = {"apiVersion": "apps/v1", "kind": "ControllerRevision", "data": {"spec": [1, None]}, "revision": 3}
    assert read_back(revision, registry) == revision


def test_lists_read_back(registry: Registry) -> None:
    items = [{"metadata": {"name": name}, "data": {"a": "1"}} for name in ("a", "b")]
    listed = {"apiVersion": "v1", "kind": "ConfigMapList", "metadata": {"resourceVersion": "5"}, "items": items}
    assert read_back(listed, registry) == listed


@pytest.mark.skipif(corpus() is None, reason="the golden corpus is not on this machine")
def test_recorded_objects_read_back(registry: Registry) -> None:
    count = 0
    for obj in recorded():
        schema = registry.schema(*GroupVersion.parse(obj["apiVersion"]), obj["kind"])
        if schema is None:
            continue
        count += 1
        assert without_nothing(read_back(obj, registry)) == without_nothing(obj)
    assert count > 150


def recorded() -> Iterator[dict[str, Any]]:
    for case in cases("defaults"):
        for step in json.loads(case.read_text())["steps"]:
            text = json.dumps(step["expect"]["body"])
            for stand_in, value in STAND_INS.items():
                text = text.replace(stand_in, value)
            obj = json.loads(text)
            for claim in (obj.get("spec") or {}).get("volumeClaimTemplates") or ():
                del claim["kind"], claim["apiVersion"]  # types of inner objects are not written
            if isinstance(obj, dict) and step["expect"]["status"] < 300 and obj.get("apiVersion"):
                yield obj
