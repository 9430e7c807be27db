"""The recorded managed fields: each write is repeated on the object before it, and the outcomes are compared.

The objects written are taken from the answers, so what admission and strategies set after fields were assigned is left
out by kind.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlparse

import pytest

from cloudk8s.api.decode import Decoder
from cloudk8s.api.registry import Registry, load_registry
from cloudk8s.errors import StatusError
from cloudk8s.machinery.apply import fieldset, scale
from cloudk8s.machinery.apply.managers import ApplyError, FieldManager, Writer
from cloudk8s.machinery.apply.versions import OneVersion
from tests.api.golden_corpus import cases, corpus
from tests.api.golden_server import TAILS

_AREAS = ("apply", "patch-json", "patch-merge", "patch-strategic", "verbs", "defaults", "fieldvalidation", "validation")
_NOW = datetime(2026, 1, 1, tzinfo=UTC)
_SET_LATER = {
    "Pod", "Service", "Job", "CustomResourceDefinition", "PersistentVolumeClaim", "PersistentVolume", "Namespace",
    "Node", "SubjectAccessReview", "SelfSubjectAccessReview", "TokenRequest", "VolumeAttributesClass",
    "CertificateSigningRequest",
}  # fmt: skip
"""Kinds that admission or allocation completes on creation, after fields have been assigned; of certificate signing
requests upstream tracks no fields at all."""
_BEYOND = {
    "managedfields-reset", "resize", "update-service-ip", "update-service-nodeport-down", "versions",
    "statefulset-maxunavailable",
}  # fmt: skip
"""Cases whose written object cannot be told from the answer."""
pytestmark = pytest.mark.skipif(corpus() is None, reason="the golden corpus is not beside the checkout")


@pytest.fixture(scope="module")
def kinds() -> _Kinds:
    return _Kinds(load_registry())


@pytest.mark.parametrize(
    "path",
    [path for path in cases(*_AREAS) if path.stem not in _BEYOND],
    ids=lambda path: f"{path.parent.name}/{path.stem}",
)
def test_managers_are_those_recorded(path: Path, kinds: _Kinds) -> None:
    case = _Case(kinds)
    for step in json.loads(path.read_text())["steps"]:
        for got, expected in case.run(_concrete(step)):
            assert got == expected, f"{step['method']} {step['path']}"


class _Kinds:
    """Field managers by version and kind."""

    def __init__(self, registry: Registry) -> None:
        self._registry = registry
        self._decoder = Decoder(registry)
        self._managers: dict[tuple[str, str], FieldManager] = {}

    def manager(self, api_version: str, kind: str) -> FieldManager | None:
        group, _, version = api_version.rpartition("/")
        schema = self._registry.schema(group, version, kind)
        if schema is None:
            return None
        if (api_version, kind) not in self._managers:
            zero: dict[str, Any] = {}
            self._decoder.complete(zero, schema)
            manager = FieldManager(api_version, kind, OneVersion(api_version, schema), zero=zero)
            self._managers[api_version, kind] = manager
        return self._managers[api_version, kind]


@dataclass
class _Case:
    """The objects of one case, as the answers leave them."""

    kinds: _Kinds
    stored: dict[str, dict[str, Any]] = field(default_factory=dict)

    def run(self, step: dict[str, Any]) -> Iterator[tuple[Any, Any]]:
        """Repeat one write; yields what came of it and what should have."""
        url, answer = urlparse(step["path"]), step["expect"].get("body")
        reads_scale = url.path.endswith("/scale") and step["method"] == "GET"
        if reads_scale or "dryRun" in url.query or not isinstance(answer, dict):
            return
        tail = next((tail for tail in (*TAILS, "scale") if url.path.endswith(f"/{tail}")), "")
        place = url.path.removesuffix(f"/{tail}") if tail else url.path
        name = parse_qs(url.query).get("fieldManager", ["golden"])[0]
        writer = Writer(name, tail, fieldset.of_fields("spec" if tail == "status" else "status"))
        is_object = step["expect"]["status"] in (200, 201) and answer.get("kind") != "Status" and "items" not in answer
        if step["method"] == "POST" and is_object and answer.get("metadata", {}).get("name"):
            place += f"/{answer['metadata']['name']}"
            yield from self._create(answer, writer)
        elif tail == "scale":
            yield from self._scale(step, place, writer)
            return
        elif step["method"] in ("PUT", "PATCH"):
            yield from self._change(step, place, writer, is_object)
        if is_object and step["method"] != "DELETE" and "metadata" in answer:
            self.stored[place] = answer

    def _create(self, answer: dict[str, Any], writer: Writer) -> Iterator[tuple[Any, Any]]:
        manager = self.kinds.manager(answer["apiVersion"], answer["kind"])
        if manager is not None and answer["kind"] not in _SET_LATER:
            yield _plain(manager.on_create(answer, writer, _NOW)), _recorded(answer)

    def _change(self, step: dict[str, Any], place: str, writer: Writer, is_object: bool) -> Iterator[tuple[Any, Any]]:
        answer, live = step["expect"]["body"], self.stored.get(place)
        if step.get("content_type") == "application/apply-patch+yaml":
            config = step["body"]
            manager = isinstance(config, dict) and self.kinds.manager(
                config.get("apiVersion", ""), config.get("kind", "")
            )
            if (
                manager
                and (is_object or step["expect"]["status"] in (409, 500))
                and "fieldValidation" not in step["path"]
            ):
                got = _applied(manager, live, config, writer, force="force=true" in step["path"])
                yield got, _recorded(answer) if is_object else answer["message"]
        elif live is not None and is_object and (manager := self.kinds.manager(answer["apiVersion"], answer["kind"])):
            new = {**answer, "metadata": {k: v for k, v in answer["metadata"].items() if k != "managedFields"}}
            yield _plain(manager.on_update(live, new, writer, _NOW)), _recorded(answer)

    def _scale(self, step: dict[str, Any], place: str, writer: Writer) -> Iterator[tuple[Any, Any]]:
        """Write through the scale; the result shows when the parent is read next."""
        parent, answer = self.stored.get(place), step["expect"]["body"]
        manager = self.kinds.manager("autoscaling/v1", "Scale")
        if parent is None or manager is None or step["method"] == "GET" or step["expect"]["status"] not in (200, 409):
            return
        paths = {parent["apiVersion"]: ("f:spec", "f:replicas")}
        entries = parent["metadata"].get("managedFields")
        live = {
            "apiVersion": "autoscaling/v1", "kind": "Scale", "spec": {"replicas": parent["spec"].get("replicas", 0)},
            "metadata": {**parent["metadata"], "managedFields": scale.to_scale(entries, paths)},
        }  # fmt: skip
        if step.get("content_type") == "application/apply-patch+yaml":
            got = _outcome(manager, live, step["body"], writer, force="force=true" in step["path"])
            if isinstance(got, str):
                yield got, answer.get("message")
                return
            written = got["metadata"].get("managedFields")
        else:
            new = {**answer, "metadata": {k: v for k, v in answer["metadata"].items() if k != "managedFields"}}
            written = manager.on_update(live, new, writer, _NOW)
        merged = scale.to_parent(entries, written, paths, parent["apiVersion"])
        parent["metadata"]["managedFields"] = merged
        parent["spec"]["replicas"] = answer.get("spec", {}).get("replicas", 0)


def _applied(manager: FieldManager, live: Any, config: Any, writer: Writer, *, force: bool) -> Any:
    got = _outcome(manager, live, config, writer, force=force)
    return got if isinstance(got, str) else _recorded(got)


def _outcome(manager: FieldManager, live: Any, config: Any, writer: Writer, *, force: bool) -> Any:
    try:
        return manager.on_apply(live, config, writer, _NOW, force=force)
    except (StatusError, ApplyError) as error:
        return str(error)


def _recorded(answer: dict[str, Any]) -> list[Any]:
    return _plain(answer["metadata"].get("managedFields") or [])


def _plain(entries: list[dict[str, Any]]) -> list[Any]:
    """Entries without their times, but with whether they have one, in an order of their own."""
    plain = [{**entry, "time": "time" in entry} for entry in entries]
    return sorted(plain, key=lambda entry: json.dumps(entry, sort_keys=True))


def _concrete(value: Any) -> Any:
    text = json.dumps(value).replace('"<time>"', '"2026-01-01T00:00:00Z"')
    return json.loads(text.replace('"<microtime>"', '"2026-01-01T00:00:00.000000Z"'))
