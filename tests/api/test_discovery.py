"""Discovery documents are upstream's, byte for byte where the corpus has them."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from cloudk8s.api.discovery import Discovery, Document
from cloudk8s.api.registry import Registry, load_registry
from cloudk8s.api.resource import GroupResource, ResourceType, Subresource
from tests.api.golden_corpus import cases, corpus, load_replay


@pytest.fixture
def discovery(registry: Registry) -> Discovery:
    return Discovery(registry, server_address="10.0.0.1:6443")


@pytest.fixture(scope="module")
def recorded_discovery() -> Discovery:
    return Discovery(load_registry("1.36"), server_address="10.0.0.1:6443")


def recorded() -> Iterator[Any]:
    for path in cases("discovery"):
        for number, step in enumerate(json.loads(path.read_text())["steps"], 1):
            body = step["expect"]["body"]
            kind = body.get("kind", "") if isinstance(body, dict) else ""
            if kind.startswith("API") and "{id}" not in step["path"]:
                yield pytest.param(step, id=f"{path.stem}-{number}")


@pytest.mark.skipif(corpus() is None, reason="the golden corpus is not on this machine")
@pytest.mark.parametrize("step", list(recorded()))
def test_documents_are_as_recorded(step: Any, recorded_discovery: Discovery) -> None:
    root = corpus()
    assert root
    replay = load_replay(root)
    document = document_at(step["path"], step.get("accept", ""), recorded_discovery)
    assert document is not None
    normalised = replay.Scope().normalise(json.loads(document.body))
    assert list(replay.differences(step["expect"]["body"], normalised)) == []


def document_at(path: str, accept: str, discovery: Discovery) -> Document | None:
    _, root, *rest = path.rstrip("/").split("/")
    if "APIGroupDiscoveryList" in accept:
        return discovery.aggregated(core=root == "api")
    if not rest:
        return discovery.versions() if root == "api" else discovery.groups()
    if root == "api":
        return discovery.resources("", rest[0])
    return discovery.group(rest[0]) if len(rest) == 1 else discovery.resources(rest[0], rest[1])


def test_what_is_not_served_has_no_document(discovery: Discovery) -> None:
    assert discovery.group("nope") is None
    assert discovery.group("") is None
    assert discovery.resources("apps", "v9") is None


def test_documents_are_made_once_and_anew_when_the_registry_changes() -> None:
    registry = load_registry()
    discovery = Discovery(registry, server_address="x")
    first = discovery.aggregated(core=False)
    assert discovery.aggregated(core=False) is first
    registry.add_custom([widgets()])
    second = discovery.aggregated(core=False)
    assert second.etag != first.etag
    registry.remove_custom(GroupResource("example.com", "widgets"))
    assert discovery.aggregated(core=False).etag == first.etag


def test_custom_resources_are_listed_last_with_their_own_group_as_response_kind() -> None:
    registry = load_registry()
    registry.add_custom([widgets()])
    discovery = Discovery(registry, server_address="x")
    item = json.loads(discovery.aggregated(core=False).body)["items"][-1]
    assert item["metadata"] == {"name": "example.com"}
    resource = item["versions"][0]["resources"][0]
    assert resource["responseKind"] == {"group": "example.com", "version": "v1", "kind": "Widget"}
    assert [sub["responseKind"]["kind"] for sub in resource["subresources"]] == ["Widget", "Scale"]
    rows = discovery.resources("example.com", "v1")
    assert rows
    assert [row["name"] for row in rows.tree["resources"]] == ["widgets", "widgets/status", "widgets/scale"]


def widgets() -> ResourceType:
    subresources = {
        "status": Subresource("status", "Widget", ("get", "patch", "update")),
        "scale": Subresource("scale", "Scale", ("get", "patch", "update"), "autoscaling", "v1"),
    }
    return ResourceType(
        "example.com", "v1", "Widget", "widgets", "widget", namespaced=True, verbs=("get",),
        subresources=subresources, custom={},
    )  # fmt: skip
