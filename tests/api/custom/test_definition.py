"""Definitions are defaulted, checked and accepted as upstream does."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from cloudk8s.api.custom import definition
from cloudk8s.api.field_errors import aggregate
from cloudk8s.api.strategies.custom_resource_definition import CustomResourceDefinitionStrategy
from tests.api.golden_corpus import cases, corpus, load_replay

NOW, LATER = "2026-01-01T00:00:00Z", "2026-01-02T00:00:00Z"
STRATEGY = CustomResourceDefinitionStrategy()


@pytest.mark.skipif(corpus() is None, reason="the golden corpus is not on this machine")
@pytest.mark.parametrize("path", list(cases("crd")), ids=lambda path: path.stem)
def test_definitions_are_refused_and_accepted_as_recorded(path: Path) -> None:
    replay = load_replay(corpus() or path)
    scope = replay.Scope()
    for step in json.loads(path.read_text())["steps"]:
        if step["method"] != "POST" or not step["path"].endswith("customresourcedefinitions"):
            continue
        obj = scope.fill(step["body"])
        errors = create(obj)
        expected = step["expect"]["body"]
        if step["expect"]["status"] == 422:
            name = obj["metadata"]["name"]
            text = f'CustomResourceDefinition.apiextensions.k8s.io "{name}" is invalid: {aggregate(errors)}'
            assert scope.normalise(text) == expected["message"]
        else:
            assert errors == []
            assert scope.normalise(obj["spec"]["names"]) == expected["spec"]["names"]
            assert obj["status"] == expected["status"]


def create(obj: dict[str, Any]) -> list[Any]:
    STRATEGY.set_defaults(obj)
    STRATEGY.prepare_create(obj)
    return STRATEGY.validate_create(obj)


def made(schema: dict[str, Any] | None = None, *, plural: str = "widgets", **more: Any) -> dict[str, Any]:
    version = {
        "name": "v1",
        "served": True,
        "storage": True,
        "schema": {"openAPIV3Schema": schema or {"type": "object"}},
    }
    names = {"plural": plural, "kind": plural[:-1].capitalize()} | more.pop("names", {})
    spec = {"group": "example.com", "scope": "Namespaced", "names": names, "versions": [version | more]}
    obj = {"kind": "CustomResourceDefinition", "metadata": {"name": f"{plural}.example.com"}, "spec": spec}
    definition.set_defaults(obj)
    STRATEGY.prepare_create(obj)
    return obj


def field(schema: dict[str, Any]) -> dict[str, Any]:
    return {"type": "object", "properties": {"f": schema}}


@pytest.mark.parametrize(
    ("schema", "message"),
    [
        ({"type": "array", "x-kubernetes-list-type": "odd", "items": {"type": "string"}},
         'x-kubernetes-list-type: Unsupported value: "odd": supported values: "atomic", "set", "map"'),
        ({"type": "array", "x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": ["k"], "items": {
            "type": "object", "properties": {"k": {"type": "string"}}}},
         "items.properties[k].default: Required value: this property is in x-kubernetes-list-map-keys, so it must have "
         "a default or be a required property"),
        ({"type": "string", "uniqueItems": True},
         "uniqueItems: Forbidden: uniqueItems cannot be set to true since the runtime complexity becomes quadratic"),
        ({"type": "integer", "x-kubernetes-int-or-string": True},
         'type: Invalid value: "integer": must be empty if x-kubernetes-int-or-string is true'),
        ({"x-kubernetes-embedded-resource": True, "type": "object"},
         "properties: Required value: must not be empty if x-kubernetes-embedded-resource is true without "
         "x-kubernetes-preserve-unknown-fields"),
        ({"type": "object", "anyOf": [{"type": "object"}]}, "anyOf[0].type: Forbidden: must be empty to be structural"),
        ({"type": "object", "oneOf": [{"properties": {"x": {"minimum": 1}}}]},
         "properties[x]: Required value: because it is defined in "
         "spec.validation.openAPIV3Schema.properties[f].oneOf[0].properties[x]"),
        ({"type": "object", "default": {"x": 1}}, 'default: Invalid value: {"x":1}: must not have unknown fields'),
    ],
)  # fmt: skip
def test_schemas_are_refused_with_the_place_of_what_is_wrong(schema: dict[str, Any], message: str) -> None:
    texts = [str(error) for error in STRATEGY.validate_create(made(field(schema)))]
    assert texts == [f"spec.validation.openAPIV3Schema.properties[f].{message}"]


def test_good_schemas_pass() -> None:
    schema = field({"type": "object", "required": ["a"], "properties": {
        "a": {"type": "string", "default": "x", "enum": ["x", "y"]},
        "b": {"x-kubernetes-int-or-string": True, "anyOf": [{"type": "integer"}, {"type": "string"}]},
        "c": {"type": "array", "items": {"type": "object", "properties": {"k": {"type": "string"}}, "required": ["k"]},
              "x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": ["k"]},
        "d": {"type": "object", "additionalProperties": {"type": "integer"}},
        "e": {"type": "object", "x-kubernetes-preserve-unknown-fields": True},
    }, "oneOf": [{"required": ["a"]}, {"properties": {"d": {"minProperties": 1}}}]})  # fmt: skip
    assert STRATEGY.validate_create(made(schema)) == []


def test_names_are_accepted_unless_another_definition_has_them() -> None:
    first = definition.accepted(made(names={"shortNames": ["w"]}), [], NOW)
    assert definition.is_established(first)
    assert first["status"]["acceptedNames"] == {
        "plural": "widgets", "singular": "widget", "kind": "Widget", "listKind": "WidgetList", "shortNames": ["w"],
    }  # fmt: skip
    assert definition.accepted(first, [first], LATER) is first
    second = definition.accepted(made(plural="gadgets", names={"shortNames": ["w"]}), [first], NOW)
    conditions = {item["type"]: item for item in second["status"]["conditions"]}
    assert conditions["NamesAccepted"]["reason"] == "ShortNamesConflict"
    assert conditions["NamesAccepted"]["message"] == '"w" is already in use'
    assert conditions["Established"]["status"] == "False"
    assert not definition.is_established(second)
    freed = definition.accepted(second, [], LATER)
    assert definition.is_established(freed)
    assert freed["status"]["conditions"][0]["lastTransitionTime"] == LATER


def test_a_definition_ends_in_two_steps() -> None:
    established = definition.accepted(made(), [], NOW)
    marked = definition.terminating(established, LATER)
    assert marked["metadata"]["finalizers"] == [definition.FINALIZER]
    assert marked["status"]["conditions"][-1] == {
        "type": "Terminating", "status": "True", "lastTransitionTime": LATER, "reason": "InstanceDeletionPending",
        "message": "CustomResourceDefinition marked for deletion; CustomResource deletion will begin soon",
    }  # fmt: skip
    assert definition.released(marked, LATER)["metadata"]["finalizers"] == []
    assert "finalizers" not in established["metadata"]


def test_some_fields_cannot_change_once_objects_may_exist() -> None:
    old = definition.accepted(made(), [], NOW)
    old["metadata"] |= {"uid": "u", "resourceVersion": "1"}
    new = json.loads(json.dumps(old))
    new["spec"]["scope"] = "Cluster"
    new["spec"]["names"]["kind"] = "Gizmo"
    new["spec"]["versions"][0]["name"] = "v2"
    STRATEGY.prepare_update(new, old)
    assert new["status"]["storedVersions"] == ["v1", "v2"]
    texts = [str(error) for error in STRATEGY.validate_update(new, old)]
    assert texts[:2] == [
        'spec.scope: Invalid value: "Cluster": field is immutable',
        'spec.names.kind: Invalid value: "Gizmo": field is immutable',
    ]
    assert texts[2].startswith('status.storedVersions[0]: Invalid value: "v1": missing from spec.versions; v1 was')


def test_groups_of_the_community_need_an_approval() -> None:
    obj = made()
    obj["spec"]["group"], obj["metadata"]["name"] = "x.k8s.io", "widgets.x.k8s.io"
    assert [error.path for error in STRATEGY.validate_create(obj)] == [
        "metadata.annotations[api-approved.kubernetes.io]"
    ]
    obj["metadata"]["annotations"] = {definition.APPROVAL: "unapproved, a test"}
    assert STRATEGY.validate_create(obj) == []
    accepted = definition.accepted(obj, [], NOW)
    assert not definition.condition_is_true(accepted, "KubernetesAPIApprovalPolicyConformant")


def found(obj: dict[str, Any]) -> list[str]:
    return [str(error) for error in STRATEGY.validate_create(obj)]


SCHEMA = "spec.validation.openAPIV3Schema"


def with_field(schema: dict[str, Any]) -> dict[str, Any]:
    return made({"type": "object", "properties": {"a": schema}})


def test_a_type_that_openapi_does_not_know_is_refused() -> None:
    kinds = '"array", "boolean", "integer", "number", "object", "string"'
    assert found(with_field({"type": "text"})) == [
        f'{SCHEMA}.properties[a].type: Unsupported value: "text": supported values: {kinds}'
    ]


def test_findings_about_structure_and_about_values_come_together() -> None:
    assert found(with_field({"uniqueItems": True})) == [
        f"{SCHEMA}.properties[a].type: Required value: must not be empty for specified object fields",
        f"{SCHEMA}.properties[a].uniqueItems: Forbidden: uniqueItems cannot be set to true since the runtime "
        "complexity becomes quadratic",
    ]


def test_an_array_has_items() -> None:
    for schema in ({"type": "array"}, {"type": "array", "items": "x"}):
        assert found(with_field(schema)) == [f"{SCHEMA}.properties[a].items: Required value: must be specified"]


def test_keys_of_a_list_are_names_of_its_items_properties() -> None:
    item = {"type": "object", "required": ["k"], "properties": {"k": {"type": "string"}}}
    more = {"x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": ["k", "k", "z"]}
    keys = f'{SCHEMA}.properties[a].x-kubernetes-list-map-keys: Invalid value: ["k","k","z"]'
    assert found(with_field({"type": "array", "items": item} | more)) == [
        f"{keys}: must not contain duplicate entries",
        f"{keys}: entries must all be names of item properties",
    ]


def test_items_of_sets_and_maps_are_whole() -> None:
    granular = {"type": "array", "x-kubernetes-list-type": "set", "items": {"type": "object", "nullable": True}}
    where = f"{SCHEMA}.properties[a].items"
    assert found(with_field(granular)) == [
        f"{where}.x-kubernetes-map-type: Invalid value: null: must be atomic as item of a list with "
        "x-kubernetes-list-type=set",
        f"{where}.nullable: Forbidden: cannot be nullable when x-kubernetes-list-type is set",
    ]


def test_names_that_are_missing_are_required_and_nothing_else() -> None:
    obj = made()
    obj["spec"]["names"] = {}
    assert [text for text in found(obj) if text.startswith("spec.names")] == [
        f"spec.names.{key}: Required value" for key in ("plural", "singular", "kind", "listKind")
    ]


def test_a_conversion_without_a_strategy_is_refused() -> None:
    obj = made()
    obj["spec"]["conversion"] = {}
    STRATEGY.set_defaults(obj)
    assert found(obj) == ["spec.conversion.strategy: Required value"]


def test_only_an_object_has_a_status() -> None:
    text = 'only "object" is allowed as the type at the root of the schema if the status subresource is enabled'
    obj = made({"type": "string"}, subresources={"status": {}})
    assert found(obj) == [
        f'{SCHEMA}.type: Invalid value: "string": {text}',
        f'{SCHEMA}.type: Invalid value: "string": must be object at the root',
    ]
