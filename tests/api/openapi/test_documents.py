"""The OpenAPI documents hold together, describe every field, and change when custom resources do."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest

from cloudk8s.api.openapi.documents import Document, OpenApi
from cloudk8s.api.registry import Registry, load_registry
from cloudk8s.api.resource import GroupResource, ResourceType, Subresource


@pytest.fixture(scope="module")
def documents(registry: Registry) -> OpenApi:
    return OpenApi(registry)


def tree(document: Document | None) -> Any:
    assert document is not None
    return json.loads(document.body)


def test_the_index_names_every_group_and_version_with_its_hash(documents: OpenApi) -> None:
    entries = tree(documents.index())["paths"]
    assert {"api/v1", "apis/apps/v1", "apis/autoscaling/v1", "apis/autoscaling/v2"} <= entries.keys()
    for path, entry in entries.items():
        document = documents.group_version(path)
        assert document
        assert entry["serverRelativeURL"] == f"/openapi/v3/{path}?hash={document.hash}"


def test_every_reference_leads_somewhere(documents: OpenApi) -> None:
    for path in tree(documents.index())["paths"]:
        document = tree(documents.group_version(path))
        assert references(document) <= {f"#/components/schemas/{name}" for name in document["components"]["schemas"]}
    v2 = tree(documents.v2())
    assert references(v2) <= {f"#/definitions/{name}" for name in v2["definitions"]}


def test_kinds_are_marked_and_described(documents: OpenApi) -> None:
    schemas = tree(documents.group_version("apis/apps/v1"))["components"]["schemas"]
    deployment = schemas["io.k8s.api.apps.v1.Deployment"]
    mark = {"group": "apps", "version": "v1", "kind": "Deployment"}
    assert deployment["x-kubernetes-group-version-kind"] == [mark]
    assert deployment["properties"]["spec"]["allOf"] == [
        {"$ref": "#/components/schemas/io.k8s.api.apps.v1.DeploymentSpec"}
    ]
    assert deployment["properties"]["spec"]["description"]
    containers = schemas["io.k8s.api.core.v1.PodSpec"]["properties"]["containers"]
    assert containers["x-kubernetes-patch-merge-key"] == "name"
    assert containers["type"] == "array"
    port = schemas["io.k8s.api.core.v1.ContainerPort"]["properties"]["protocol"]
    assert port["default"] == "TCP"
    int_or_string = schemas["io.k8s.apimachinery.pkg.util.intstr.IntOrString"]
    assert int_or_string["oneOf"] == [{"type": "integer"}, {"type": "string"}]


def test_version_2_keeps_texts_beside_references(documents: OpenApi) -> None:
    spec = tree(documents.v2())["definitions"]["io.k8s.api.core.v1.Pod"]["properties"]["spec"]
    assert spec["$ref"] == "#/definitions/io.k8s.api.core.v1.PodSpec"
    assert spec["description"]


def test_writes_take_dry_run_and_field_validation(documents: OpenApi) -> None:
    """kubectl looks for these parameters before it relies on the server's own validation."""
    paths = tree(documents.group_version("apis/apps/v1"))["paths"]
    patch = paths["/apis/apps/v1/namespaces/{namespace}/deployments/{name}"]["patch"]
    assert patch["x-kubernetes-group-version-kind"] == {"group": "apps", "version": "v1", "kind": "Deployment"}
    assert {"dryRun", "fieldValidation", "force"} <= {parameter["name"] for parameter in patch["parameters"]}


def test_operations_have_upstreams_names_and_are_unique(documents: OpenApi) -> None:
    v2 = tree(documents.v2())
    names = re.findall(r'"operationId": ?"(\w+)"', json.dumps(v2))
    assert len(names) == len(set(names))
    assert {
        "createCoreV1NamespacedPod", "readCoreV1NamespacedPodLog", "listCoreV1PodForAllNamespaces",
        "replaceAppsV1NamespacedDeploymentScale", "connectGetCoreV1NamespacedPodExec", "readCoreV1Node",
        "deleteRbacAuthorizationV1CollectionNamespacedRole",
    } <= set(names)  # fmt: skip


def test_a_custom_resource_is_published_and_taken_back() -> None:
    registry = load_registry()
    documents = OpenApi(registry)
    before, apps = documents.v2(), documents.group_version("apis/apps/v1")
    registry.add_custom([widgets()])
    schemas = tree(documents.group_version("apis/example.com/v1"))["components"]["schemas"]
    assert schemas["com.example.v1.Widget"]["properties"]["spec"]["properties"]["size"]["nullable"] is True
    assert schemas["com.example.v1.WidgetList"]["properties"]["items"]["items"] == {
        "$ref": "#/components/schemas/com.example.v1.Widget"
    }
    assert "io.k8s.api.autoscaling.v1.Scale" in schemas
    paths = tree(documents.group_version("apis/example.com/v1"))["paths"]
    patch = paths["/apis/example.com/v1/namespaces/{namespace}/widgets/{name}"]["patch"]
    assert "application/strategic-merge-patch+json" not in patch["requestBody"]["content"]
    v2 = tree(documents.v2())
    assert v2["definitions"]["com.example.v1.Widget"]["properties"]["spec"]["properties"] == {
        "size": {"description": "How big"}, "any": {"x-kubernetes-preserve-unknown-fields": True},
    }  # fmt: skip
    assert documents.v2().hash != before.hash
    assert documents.group_version("apis/apps/v1") is apps
    registry.remove_custom(GroupResource("example.com", "widgets"))
    assert documents.group_version("apis/example.com/v1") is None
    assert documents.v2().hash == before.hash


def references(document: Any) -> set[str]:
    return set(re.findall(r'"\$ref": ?"([^"]+)"', json.dumps(document)))


def widgets() -> ResourceType:
    schema = {
        "type": "object",
        "properties": {
            "spec": {
                "type": "object",
                "properties": {
                    "size": {"description": "How big", "type": "integer", "nullable": True},
                    "any": {"type": "object", "x-kubernetes-preserve-unknown-fields": True},
                },
            }
        },
    }
    version = {"name": "v1", "served": True, "storage": True, "schema": {"openAPIV3Schema": schema}}
    scale = Subresource("scale", "Scale", ("get", "patch", "update"), "autoscaling", "v1")
    return ResourceType(
        "example.com", "v1", "Widget", "widgets", "widget", namespaced=True, verbs=("get", "list", "create", "patch"),
        subresources={"scale": scale}, custom={"spec": {"group": "example.com", "versions": [version]}},
        list_kind="WidgetList",
    )  # fmt: skip
