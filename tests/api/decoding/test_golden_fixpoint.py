"""Objects that kube-apiserver sent are already in the form that decoding and completion bring objects into."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from cloudk8s.api.decode import Decoder
from cloudk8s.api.decoding.gvk import Expected
from cloudk8s.api.registry import Registry
from cloudk8s.api.resource import GroupVersion
from tests.api.golden_corpus import cases, corpus

pytestmark = pytest.mark.skipif(corpus() is None, reason="the golden corpus is not on this machine")

AREAS = ("admission", "apply", "crd", "defaults", "patch-json", "patch-merge", "patch-strategic", "policy", "verbs")
STAND_INS = {
    "<time>": "2026-01-01T00:00:00Z",
    "<microtime>": "2026-01-01T00:00:00.000000Z",
    "<rv>": "1",
    "<uid>": "11111111-2222-4333-8444-555555555555",
    '"<port>"': "30000",
}


@pytest.mark.parametrize("area", AREAS)
def test_recorded_objects_stay_as_they_are(area: str, registry: Registry) -> None:
    decoder = Decoder(registry)
    count = 0
    for name, obj in objects(area):
        schema = registry.schema(*GroupVersion.parse(obj["apiVersion"]), obj["kind"])
        if schema is None:
            continue
        group, version = GroupVersion.parse(obj["apiVersion"])
        decoded = decoder.read(json.dumps(obj).encode(), Expected(group, version, obj["kind"]), schema)
        decoder.complete(decoded.object, schema)
        assert decoded.findings == (), name
        assert decoded.object == obj, name
        count += 1
    assert count


def objects(area: str) -> Iterator[tuple[str, Any]]:
    for path in cases(area):
        for number, step in enumerate(json.loads(path.read_text())["steps"], 1):
            text = json.dumps(step["expect"]["body"])
            for placeholder, value in STAND_INS.items():
                text = text.replace(placeholder, value)
            body = json.loads(text)
            if isinstance(body, dict) and {"kind", "apiVersion", "metadata"} <= body.keys() and is_object(body):
                yield f"{path.stem} step {number}", body


def is_object(body: dict[str, Any]) -> bool:
    return body["kind"] not in ("Status", "Table") and not body["kind"].endswith("List")
