"""Custom objects are decoded, pruned, defaulted and validated as their schema says, in upstream's words."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest

from cloudk8s.api.custom.reading import in_version
from cloudk8s.api.custom.resource import CustomResource, custom_resources
from cloudk8s.api.decode import Decoded, Decoder
from cloudk8s.api.decoding.gvk import Expected
from cloudk8s.api.registry import Registry
from cloudk8s.errors import BadRequest

SET = {"x-kubernetes-list-type": "set"}
META = "io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta"


def definition(*versions: dict[str, Any], **spec: Any) -> dict[str, Any]:
    names = {"plural": "widgets", "singular": "widget", "kind": "Widget", "listKind": "WidgetList"}
    spec = {"group": "example.com", "scope": "Namespaced", "names": names, "versions": list(versions)} | spec
    return {"metadata": {"name": "widgets.example.com"}, "spec": spec, "status": {"acceptedNames": names}}


def version(spec: dict[str, Any], name: str = "v1", **more: Any) -> dict[str, Any]:
    schema = {"type": "object", "properties": {"spec": spec}}
    return {"name": name, "served": True, "storage": True, "schema": {"openAPIV3Schema": schema}} | more


def widget(registry: Registry, spec: dict[str, Any], **more: Any) -> CustomResource:
    return custom_resources(definition(version(spec, **more)), registry.definitions[META])[0]


def read(registry: Registry, resource: CustomResource, body: dict[str, Any] | bytes, **options: Any) -> Decoded:
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    return Decoder(registry).read(data, Expected("example.com", "v1", "Widget"), resource.schema, **options)


def findings(resource: CustomResource, spec: Any, old: Any = ...) -> list[str]:
    obj = {"apiVersion": "example.com/v1", "kind": "Widget", "metadata": {"name": "a", "namespace": "n"}, "spec": spec}
    if old is ...:
        return [str(error) for error in resource.strategy.validate_create(obj)]
    before = obj | {"spec": old, "metadata": obj["metadata"] | {"resourceVersion": "1", "uid": "u"}}
    after = before | {"spec": spec}
    return [str(error) for error in resource.strategy.validate_update(after, before)]


def test_unknown_fields_are_pruned_and_told_sorted(registry: Registry) -> None:
    schema = {
        "type": "object",
        "properties": {"size": {"type": "integer"}, "l": {"type": "array", "items": {"type": "object"}}},
    }
    resource = widget(registry, schema)
    body = {"metadata": {"name": "a", "nope": 1}, "spec": {"size": 1, "x": 1, "l": [{}, {"y": 1}]}, "extra": 1}
    decoded = read(registry, resource, body)
    assert decoded.object == {
        "kind": "Widget", "apiVersion": "example.com/v1", "metadata": {"name": "a"}, "spec": {"size": 1, "l": [{}, {}]},
    }  # fmt: skip
    paths = ("extra", "metadata.nope", "spec.l[1].y", "spec.x")
    assert decoded.warnings == [f'unknown field "{path}"' for path in paths]
    with pytest.raises(
        BadRequest, match=r'Widget in version "v1" cannot be handled as a Widget: strict decoding error: '
    ):
        read(registry, resource, body, validation="Strict")


def test_unknown_fields_are_preserved_where_the_schema_says_so(registry: Registry) -> None:
    schema = {
        "type": "object", "x-kubernetes-preserve-unknown-fields": True,
        "properties": {"known": {"type": "object", "properties": {"a": {"type": "integer"}}}},
    }  # fmt: skip
    spec = {"any": {"thing": [1, {"x": None}]}, "known": {"a": 1, "b": 2}}
    decoded = read(registry, widget(registry, schema), {"spec": spec})
    assert decoded.object["spec"] == {"any": {"thing": [1, {"x": None}]}, "known": {"a": 1}}


def test_duplicate_keys_are_found_everywhere(registry: Registry) -> None:
    resource = widget(registry, {"type": "object", "x-kubernetes-preserve-unknown-fields": True})
    assert read(registry, resource, b'{"spec":{"a":1,"a":2}}').findings == ('duplicate field "spec.a"',)


def test_metadata_of_embedded_objects_is_read_as_metadata(registry: Registry) -> None:
    template = {"type": "object", "x-kubernetes-embedded-resource": True, "x-kubernetes-preserve-unknown-fields": True}
    resource = widget(registry, {"type": "object", "properties": {"template": template}})
    inner = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "p", "x": 1, "labels": {}}, "spec": {"a": 1}}
    decoded = read(registry, resource, {"spec": {"template": inner}})
    assert decoded.object["spec"]["template"] == inner | {"metadata": {"name": "p"}}
    assert decoded.findings == ('unknown field "spec.template.metadata.x"',)
    assert findings(resource, {"template": {"kind": "Pod", "metadata": {"name": "A"}}})[0] == (
        "spec.template.apiVersion: Required value: must not be empty"
    )


def test_another_version_or_kind_is_refused(registry: Registry) -> None:
    resource = widget(registry, {"type": "object"})
    with pytest.raises(BadRequest) as caught:
        read(registry, resource, {"apiVersion": "example.com/v2", "kind": "Widget"})
    assert caught.value.message == (
        "the API version in the data (example.com/v2) does not match the expected API version (example.com/v1)"
    )
    decoded = read(registry, resource, {"apiVersion": "example.com/v1", "kind": "Gadget"})
    found = resource.strategy.validate_create(decoded.object)
    assert [str(error) for error in found] == ['kind: Invalid value: "Gadget": must be Widget']


def test_whole_floats_are_stored_as_integers(registry: Registry) -> None:
    resource = widget(registry, {"type": "object", "properties": {"n": {"type": "number"}, "m": {"type": "number"}}})
    assert read(registry, resource, b'{"spec":{"n":1.0,"m":1.5}}').object["spec"] == {"n": 1, "m": 1.5}


def test_defaults_fill_what_is_absent_and_nulls_that_are_no_values(registry: Registry) -> None:
    item = {"type": "object", "properties": {"p": {"type": "integer", "default": 80}}}
    schema = {
        "type": "object",
        "properties": {
            "size": {"type": "integer", "default": 3},
            "nested": {"type": "object", "default": {}, "properties": {
                "mode": {"type": "string", "default": "auto"}, "list": {"type": "array", "items": item}}},
            "n": {"type": "string", "nullable": True, "default": "d"},
            "gone": {"type": "string"},
            "kept": {"type": "string", "nullable": True},
        },
    }  # fmt: skip
    strategy = widget(registry, schema).strategy
    obj: dict[str, Any] = {
        "spec": {"size": None, "nested": {"list": [{}, {"p": 1}]}, "n": None, "gone": None, "kept": None}
    }
    strategy.set_defaults(obj)
    assert obj["spec"] == {
        "size": 3, "nested": {"mode": "auto", "list": [{"p": 80}, {"p": 1}]}, "n": None, "kept": None,
    }  # fmt: skip
    empty: dict[str, Any] = {"spec": {}}
    strategy.set_defaults(empty)
    assert empty["spec"] == {"size": 3, "nested": {"mode": "auto"}, "n": "d"}
    none: dict[str, Any] = {}
    strategy.set_defaults(none)
    assert none == {}


@pytest.mark.parametrize(
    ("schema", "value", "message"),
    [
        ({"type": "integer"}, "x", 'F: Invalid value: "string": F in body must be of type integer: "string"'),
        ({"type": "integer"}, 1.5, 'F: Invalid value: "number": F in body must be of type integer: "number"'),
        ({"type": "string"}, None, 'F: Invalid value: "null": F in body must be of type string: "null"'),
        ({"type": "object"}, [], 'F: Invalid value: "array": F in body must be of type object: "array"'),
        (
            {"x-kubernetes-int-or-string": True},
            True,
            'F: Invalid value: "boolean": F in body must be of type integer,string: "boolean"',
        ),
        ({"type": "integer", "maximum": 3}, 5, "F: Invalid value: 5: F in body should be less than or equal to 3"),
        (
            {"type": "integer", "minimum": 1, "exclusiveMinimum": True},
            1,
            "F: Invalid value: 1: F in body should be greater than 1",
        ),
        (
            {"type": "number", "maximum": 1.5},
            2.5,
            "F: Invalid value: 2.5: F in body should be less than or equal to 1.5",
        ),
        ({"type": "integer", "multipleOf": 5}, 7, "F: Invalid value: 7: F in body should be a multiple of 5"),
        ({"type": "string", "maxLength": 2}, "abc", "spec.f: Too long: may not be more than 2 bytes"),
        ({"type": "string", "minLength": 1}, "", 'F: Invalid value: "": F in body should be at least 1 chars long'),
        ({"type": "string", "pattern": "^a$"}, "b", "F: Invalid value: \"b\": F in body should match '^a$'"),
        ({"type": "string", "enum": ["a", "b"]}, "c", 'spec.f: Unsupported value: "c": supported values: "a", "b"'),
        ({"type": "integer", "enum": [1, 2]}, 3, 'spec.f: Unsupported value: 3: supported values: "1", "2"'),
        (
            {"type": "string", "format": "date-time"},
            "x",
            'F: Invalid value: "x": F in body must be of type date-time: "x"',
        ),
        ({"type": "array", "maxItems": 1}, [1, 2], "spec.f: Too many: 2: must have at most 1 items"),
        ({"type": "array", "minItems": 1}, [], "F: Invalid value: 0: F in body should have at least 1 items"),
        (
            {"type": "array", "items": {"type": "string"}},
            [1],
            'F[0]: Invalid value: "integer": F[0] in body must be of type string: "integer"',
        ),
        ({"type": "object", "maxProperties": 1}, {"a": 1, "b": 2}, "spec.f: Too many: 2: must have at most 1 items"),
        ({"type": "object", "required": ["a"]}, {}, "spec.f.a: Required value"),
        (
            {"type": "object", "additionalProperties": {"type": "string"}},
            {"k": 1},
            'spec.f.k: Invalid value: "integer": spec.f.k in body must be of type string: "integer"',
        ),
        (
            {"type": "integer", "anyOf": [{"minimum": 5}, {"maximum": 1}]},
            3,
            '<nil>: Invalid value: "": "F" must validate at least one schema (anyOf)',
        ),
        (
            {"type": "integer", "oneOf": [{"minimum": 1}, {"minimum": 2}]},
            3,
            '<nil>: Invalid value: "": "F" must validate one and only one schema (oneOf). Found 2 valid alternatives',
        ),
        (
            {"type": "integer", "not": {"minimum": 1}},
            3,
            '<nil>: Invalid value: "": "F" must not validate the schema (not)',
        ),
        ({"type": "array", "items": {"type": "string"}} | SET, ["a", "a"], 'spec.f[1]: Duplicate value: "a"'),
        (
            {
                "type": "array",
                "x-kubernetes-list-type": "map",
                "x-kubernetes-list-map-keys": ["n"],
                "items": {"type": "object", "properties": {"n": {"type": "integer"}}},
            },
            [{"n": 1}, {"n": 1}],
            'spec.f[1]: Duplicate value: {"n":1}',
        ),
    ],
)
def test_bad_values_are_told_in_upstreams_words(
    registry: Registry, schema: dict[str, Any], value: Any, message: str
) -> None:
    resource = widget(registry, {"type": "object", "properties": {"f": schema}})
    assert findings(resource, {"f": value})[0] == re.sub(r"\bF\b", "spec.f", message)


def test_good_values_pass(registry: Registry) -> None:
    schema = {
        "type": "object", "required": ["s"],
        "properties": {
            "s": {"type": "string", "pattern": "^a", "minLength": 1, "maxLength": 3, "enum": ["a", "ab"]},
            "i": {"type": "integer", "format": "int32", "minimum": 0, "maximum": 9, "multipleOf": 3},
            "n": {"type": "number"}, "b": {"type": "boolean"}, "null": {"type": "string", "nullable": True},
            "t": {"type": "string", "format": "date-time"}, "x": {"x-kubernetes-int-or-string": True},
            "m": {"type": "object", "additionalProperties": {"type": "string"}},
            "o": {"oneOf": [{"required": ["a"]}, {"required": ["b"]}], "type": "object", "properties": {
                "a": {"type": "string"}, "b": {"type": "string"}}},
        },
    }  # fmt: skip
    spec = {
        "s": "ab", "i": 6, "n": 1, "b": True, "null": None, "t": "2026-01-01T00:00:00Z", "x": "1", "m": {"k": "v"},
        "o": {"a": "1"},
    }  # fmt: skip
    assert findings(widget(registry, schema), spec) == []


def test_what_was_invalid_before_and_did_not_change_is_let_through(registry: Registry) -> None:
    keyed = {
        "type": "array", "x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": ["n"],
        "items": {"type": "object", "properties": {"n": {"type": "integer"}, "v": {"type": "string", "maxLength": 1}}},
    }  # fmt: skip
    schema = {"type": "object", "required": ["r"], "properties": {"s": {"type": "string", "maxLength": 1}, "l": keyed}}
    resource = widget(registry, schema)
    old = {"s": "long", "l": [{"n": 1, "v": "long"}]}
    assert findings(resource, old, old) == []
    changed = {"s": "longer", "l": [{"n": 2, "v": "x"}, {"n": 1, "v": "long"}]}
    assert findings(resource, changed, old) == [
        "spec.s: Too long: may not be more than 1 bytes", "spec.r: Required value",
    ]  # fmt: skip


def test_the_status_is_its_subresources(registry: Registry) -> None:
    strategy = widget(registry, {"type": "object"}, subresources={"status": {}}).strategy
    obj: dict[str, Any] = {"metadata": {"name": "a"}, "spec": {"x": 1}, "status": {"y": 1}}
    strategy.prepare_create(obj)
    assert "status" not in obj
    old = {"metadata": {"name": "a", "labels": {"a": "b"}}, "spec": {"x": 1}, "status": {"y": 1}}
    new = {"metadata": {"name": "a", "labels": {}, "resourceVersion": "7"}, "spec": {"x": 2}, "status": {"y": 2}}
    strategy.prepare_update(new, old, "status")
    assert new == {
        "metadata": {"name": "a", "labels": {"a": "b"}, "resourceVersion": "7"},
        "spec": {"x": 1},
        "status": {"y": 2},
    }
    plain = {"metadata": {"name": "a"}, "spec": {"x": 2}, "status": {"y": 3}}
    strategy.prepare_update(plain, old)
    assert plain["status"] == {"y": 1}
    assert strategy.spec_changed({"spec": 1, "status": 1}, {"spec": 1, "status": 2}) is False
    without = widget(registry, {"type": "object"}).strategy
    assert without.spec_changed({"spec": 1, "status": 1}, {"spec": 1, "status": 2}) is True


def test_selectable_fields_are_texts(registry: Registry) -> None:
    resource = widget(
        registry, {"type": "object"}, selectableFields=[{"jsonPath": ".spec.color"}, {"jsonPath": ".spec.n"}]
    )
    assert resource.strategy.selectable_field_names == {"spec.color", "spec.n"}
    assert resource.strategy.selectable_fields({"spec": {"n": 1}}) == {"spec.color": "", "spec.n": "1"}


def test_a_stored_object_is_shown_in_each_version(registry: Registry) -> None:
    one = version({"type": "object", "properties": {"size": {"type": "integer"}, "color": {"type": "string"}}})
    two = version(
        {"type": "object", "properties": {"size": {"type": "integer"}, "n": {"type": "integer", "default": 1}}},
        "v1beta1",
        storage=False,
    )
    resources = custom_resources(definition(two, one), registry.definitions[META])
    assert [(item.version, item.storage_version) for item in resources] == [("v1", "v1"), ("v1beta1", "v1")]
    stored = {"apiVersion": "example.com/v1", "kind": "Widget", "metadata": {}, "spec": {"size": 1, "color": "x"}}
    shown = in_version(stored, resources[1])
    assert shown == {"apiVersion": "example.com/v1beta1", "kind": "Widget", "metadata": {}, "spec": {"size": 1, "n": 1}}
    assert stored["spec"] == {"size": 1, "color": "x"}


def test_deprecated_versions_warn_of_the_one_to_use(registry: Registry) -> None:
    versions = (
        version({"type": "object"}),
        version({"type": "object"}, "v1beta1", storage=False, deprecated=True, deprecationWarning="use v1"),
        version({"type": "object"}, "v1alpha1", storage=False, deprecated=True),
        version({"type": "object"}, "v0", storage=False, served=False),
    )
    resources = custom_resources(definition(*versions), registry.definitions[META])
    assert [(item.version, item.deprecation_warning) for item in resources] == [
        ("v1", ""), ("v1beta1", "use v1"),
        ("v1alpha1", "example.com/v1alpha1 Widget is deprecated; use example.com/v1 Widget"),
    ]  # fmt: skip


def test_a_finalizer_without_a_path_is_taken_with_a_warning(registry: Registry) -> None:
    strategy = widget(registry, {"type": "object"}).strategy
    metadata = {"name": "a", "namespace": "n", "finalizers": ["machine.example.com", "example.com/x", "orphan"]}
    obj = {"apiVersion": "example.com/v1", "kind": "Widget", "metadata": metadata, "spec": {}}
    assert strategy.validate_create(obj) == []
    [warning] = strategy.warnings(obj, None)
    assert warning.startswith('metadata.finalizers: "machine.example.com": prefer a domain-qualified finalizer name')
    assert strategy.warnings(obj, obj) == []
