"""Bodies of the golden corpus are refused, warned of and kept as kube-apiserver did."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from cloudk8s.api.decode import Decoded, Decoder
from cloudk8s.api.decoding.gvk import Expected
from cloudk8s.api.registry import Registry
from cloudk8s.errors import BadRequest
from tests.api.golden_corpus import cases, corpus, load_replay

pytestmark = pytest.mark.skipif(corpus() is None, reason="the golden corpus is not on this machine")

READ = ("application/json", "application/yaml")


@pytest.mark.parametrize("path", list(cases("fieldvalidation")), ids=lambda path: path.stem)
def test_creations_are_decoded_as_recorded(path: Path, registry: Registry) -> None:
    for step in creations(path):
        answer = step["expect"]
        refusal = answer["body"]["message"] if answer["status"] == 400 else ""
        if answer["status"] not in (400, 201):
            continue
        if refusal:
            with pytest.raises(BadRequest) as caught:
                decode(step, registry)
            assert caught.value.message == refusal
        else:
            warnings = [text for text in answer.get("warnings", []) if "field" in text or "key" in text]
            assert decode(step, registry).warnings == warnings


def creations(path: Path) -> Iterator[dict[str, Any]]:
    replay = load_replay(corpus() or path)
    scope = replay.Scope()
    for step in json.loads(path.read_text())["steps"]:
        media = step.get("content_type", READ[0]).partition(";")[0]
        if step["method"] == "POST" and media in READ and "timeout=abc" not in step["path"]:
            yield {**step, "body": scope.fill(step.get("body")), "path": scope.fill(step["path"])}


def decode(step: dict[str, Any], registry: Registry) -> Decoded:
    parts = urlsplit(step["path"])
    _, root, *rest = parts.path.split("/")
    group, version, plural = ("", rest[0], rest[-1]) if root == "api" else (rest[0], rest[1], rest[-1])
    resource = registry.lookup(group, version, plural)
    assert resource
    body = step["body"]
    data = b"" if body is None else (body if isinstance(body, str) else json.dumps(body)).encode()
    validation: Any = parse_qs(parts.query).get("fieldValidation", ["Warn"])[0]
    expected = Expected(group, version, resource.kind)
    yaml = "yaml" in step.get("content_type", "")
    return Decoder(registry).read(data, expected, resource.schema, validation=validation, yaml=yaml)
