"""The recorded answers to patches: each is applied to the object before it and compared with the object after it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from cloudk8s.api.decode import CONVERTED, JSON_PATCHED, Decoder
from cloudk8s.api.registry import Registry, load_registry
from cloudk8s.api.strategies import strategies
from cloudk8s.machinery import json_patch, merge_patch, strategic_merge
from tests.api.golden_corpus import cases, corpus
from tests.api.golden_server import TAILS

_AREAS = ("patch-json", "patch-merge", "patch-strategic", "verbs", "crd", "validation")
_TYPES = ("application/json-patch+json", "application/merge-patch+json", "application/strategic-merge-patch+json")
_VOLATILE = ("managedFields", "resourceVersion", "generation")
_KEPT = ("uid", "creationTimestamp")
_BEYOND = {"pod-status", "pv-csr-primitive", "resize"}
"""Cases in which the API server goes on to change more than the patch says: addresses, users, resources."""
pytestmark = pytest.mark.skipif(corpus() is None, reason="the golden corpus is not beside the checkout")


@pytest.fixture(scope="module")
def decoder(registry: Registry) -> Decoder:
    return Decoder(registry)


@pytest.fixture(scope="module")
def registry() -> Registry:
    return load_registry()


_CASES = [path for path in cases(*_AREAS) if path.stem not in _BEYOND and "-patch+json" in path.read_text()]


@pytest.mark.parametrize("path", _CASES, ids=lambda path: f"{path.parent.name}/{path.stem}")
def test_patch_leads_to_the_recorded_object(path: Path, registry: Registry, decoder: Decoder) -> None:
    for live, step in _patches(path):
        expected, kind = step["expect"]["body"], live["kind"]
        group, _, version = live["apiVersion"].rpartition("/")
        schema, strategy = registry.schema(group, version, kind), strategies("1.36").get((group, kind))
        if schema is None or strategy is None or expected["kind"] != kind:
            continue
        type = step["content_type"]
        patched = _apply(type, live, step["body"], schema)
        new = decoder.check(patched, schema, wording=CONVERTED if "strategic" in type else JSON_PATCHED).object
        new |= {"apiVersion": live["apiVersion"], "kind": kind}
        new["metadata"] = {key: live["metadata"][key] for key in _KEPT} | new["metadata"]
        strategy.set_defaults(new)
        strategy.prepare_update(new, live, _subresource(step["path"]))
        decoder.complete(new, schema)
        assert _stable(new) == _stable(_concrete(expected)), f"{step['path']} {step['body']}"


def _patches(path: Path) -> Iterator[tuple[dict[str, Any], dict[str, Any]]]:
    """Accepted patches of a case, each with the object as it was before."""
    stored: dict[str, dict[str, Any]] = {}
    for step in json.loads(path.read_text())["steps"]:
        body, place = step["expect"].get("body"), step["path"].partition("?")[0]
        if step["expect"]["status"] not in (200, 201) or not isinstance(body, dict) or "dryRun" in step["path"]:
            continue
        for tail in TAILS:
            place = place.removesuffix(f"/{tail}")
        if step["method"] == "POST" and body.get("metadata", {}).get("name"):
            place += f"/{body['metadata']['name']}"
        is_patch = step["method"] == "PATCH" and step.get("content_type") in _TYPES
        if is_patch and place in stored and not isinstance(step["body"], str):
            yield stored[place], step
        if step["method"] in ("POST", "PUT", "PATCH", "GET") and "metadata" in body and "items" not in body:
            stored[place] = _concrete(body)


def _apply(type: str, live: dict[str, Any], body: Any, schema: Any) -> Any:
    if "json-patch" in type:
        return json_patch.apply(live, _concrete(body))
    if "merge-patch" in type and "strategic" not in type:
        return merge_patch.apply(live, _concrete(body))
    return strategic_merge.apply(live, _concrete(body), schema)


def _subresource(path: str) -> str:
    return next((tail for tail in TAILS if path.partition("?")[0].endswith(f"/{tail}")), "")


def _concrete(value: Any) -> Any:
    text = json.dumps(value).replace('"<time>"', '"2026-01-01T00:00:00Z"').replace('"<rv>"', '"7"')
    return json.loads(text)


def _stable(obj: dict[str, Any]) -> dict[str, Any]:
    metadata = {key: value for key, value in obj["metadata"].items() if key not in _VOLATILE}
    return {**obj, "metadata": metadata}
