"""Decoding brings bodies into the form in which upstream stores and sends them, and explains what it refuses."""

from __future__ import annotations

import json
from typing import Any

import pytest

from cloudk8s.api.decode import CONVERTED, Decoded, Decoder, WrongType, patch_duplicates, read_apply, warnings_of
from cloudk8s.api.decoding.gvk import Expected
from cloudk8s.api.registry import Registry
from cloudk8s.errors import BadRequest


@pytest.fixture(scope="module")
def decoder(registry: Registry) -> Decoder:
    return Decoder(registry)


class Kind:
    """Reads bodies of one kind."""

    def __init__(self, decoder: Decoder, registry: Registry, group: str, version: str, kind: str) -> None:
        self.expected = Expected(group, version, kind)
        schema = registry.schema(group, version, kind)
        assert schema is not None
        self.schema = schema
        self._decoder = decoder

    def read(self, body: Any, **options: Any) -> Decoded:
        data = body if isinstance(body, bytes) else json.dumps(body).encode()
        return self._decoder.read(data, self.expected, self.schema, **options)

    def spec(self, spec: Any) -> Any:
        return self.read({"spec": spec}).object["spec"]


@pytest.fixture
def pods(decoder: Decoder, registry: Registry) -> Kind:
    return Kind(decoder, registry, "", "v1", "Pod")


@pytest.fixture
def config_maps(decoder: Decoder, registry: Registry) -> Kind:
    return Kind(decoder, registry, "", "v1", "ConfigMap")


def test_a_body_without_a_type_gets_the_expected_one(config_maps: Kind) -> None:
    assert config_maps.read({"metadata": {"name": "a"}}).object == {
        "kind": "ConfigMap", "apiVersion": "v1", "metadata": {"name": "a"},
    }  # fmt: skip


def test_empty_values_are_dropped_and_zeros_behind_pointers_kept(pods: Kind) -> None:
    spec = {"containers": [], "volumes": [], "nodeSelector": {}, "hostNetwork": False, "hostname": ""}
    kept = {"hostUsers": False, "terminationGracePeriodSeconds": 0, "runtimeClassName": ""}
    assert pods.spec(spec | kept) == {"containers": [], **kept}


def test_null_is_as_good_as_absent(pods: Kind) -> None:
    assert pods.spec({"containers": None, "affinity": None, "nodeName": None, "priority": None}) == {}


def test_null_items_become_zero_values(pods: Kind) -> None:
    assert pods.spec({"containers": [None]})["containers"] == [{"resources": {}}]


def test_structs_held_directly_are_always_there(pods: Kind) -> None:
    assert pods.read({"spec": {"containers": [{"name": "a"}]}}).object == {
        "kind": "Pod", "apiVersion": "v1", "metadata": {}, "status": {},
        "spec": {"containers": [{"name": "a", "resources": {}}]},
    }  # fmt: skip


def test_times_and_quantities_get_their_canonical_form(pods: Kind) -> None:
    limits = {"cpu": 0.5, "memory": "1024Mi", "x": "1e3"}
    spec = pods.spec({"containers": [{"name": "a", "resources": {"limits": limits}}]})
    assert spec["containers"][0]["resources"]["limits"] == {"cpu": "500m", "memory": "1Gi", "x": "1e3"}
    status = pods.read({"status": {"startTime": "2026-01-01T02:00:00.5+02:00"}}).object["status"]
    assert status["startTime"] == "2026-01-01T00:00:00Z"


def test_bytes_lose_their_line_ends(decoder: Decoder, registry: Registry) -> None:
    secrets = Kind(decoder, registry, "", "v1", "Secret")
    assert secrets.read({"data": {"k": "aGVs\nbG8="}}).object["data"] == {"k": "aGVsbG8="}
    with pytest.raises(BadRequest, match="illegal base64 data at input byte 1"):
        secrets.read({"data": {"k": "a?=="}})


def test_a_second_object_for_a_field_is_merged_into_the_first(config_maps: Kind) -> None:
    body = b'{"metadata":{"name":"a","labels":{"x":"1"}},"metadata":{"labels":{"y":"2"}},"data":{"k":"1","k":"2"}}'
    decoded = config_maps.read(body)
    assert decoded.object["metadata"] == {"name": "a", "labels": {"x": "1", "y": "2"}}
    assert decoded.findings == ('duplicate field "metadata"', 'duplicate field "data.k"')
    assert decoded.strict_error == f"strict decoding error: {', '.join(decoded.findings)}"


def test_colons_in_strings_are_no_duplicates(config_maps: Kind) -> None:
    assert config_maps.read({"data": {"a": '":', "b": 'x":"y', "c": "a: b"}}).findings == ()


def test_an_escaped_colon_hides_no_duplicate(config_maps: Kind) -> None:
    assert config_maps.read(rb'{"data":{"a":"\u003a","a":"x"}}').findings == ('duplicate field "data.a"',)


def test_findings_are_listed_once_and_no_more_than_a_hundred(config_maps: Kind) -> None:
    fields = ",".join(f'"f{number}":1' for number in range(200))
    assert len(config_maps.read(f'{{"f0":1,{fields}}}'.encode()).findings) == 100


def test_ignore_finds_nothing_and_prunes_all_the_same(config_maps: Kind) -> None:
    decoded = config_maps.read(b'{"nope":1,"data":{"a":"1","a":"2"}}', validation="Ignore")
    assert decoded == Decoded({"kind": "ConfigMap", "apiVersion": "v1", "metadata": {}, "data": {"a": "2"}})


@pytest.mark.parametrize(
    ("spec", "problem"),
    [
        ({"restartPolicy": 1}, "number into Go struct field PodSpec.spec.restartPolicy of type v1.RestartPolicy"),
        ({"priority": 2**31}, "number 2147483648 into Go struct field PodSpec.spec.priority of type int32"),
        ({"overhead": []}, "array into Go struct field PodSpec.spec.overhead of type v1.ResourceList"),
        ({"tolerations": [{"key": {}}]}, "object into Go struct field Toleration.spec.tolerations.key of type string"),
        ({"volumes": [1]}, "number into Go struct field PodSpec.spec.volumes of type v1.Volume"),
    ],
)
def test_wrong_types_are_quoted_as_go_does(pods: Kind, spec: Any, problem: str) -> None:
    with pytest.raises(BadRequest) as caught:
        pods.read({"spec": spec})
    text = f'Pod in version "v1" cannot be handled as a Pod: json: cannot unmarshal {problem}'
    assert caught.value.message == text


def test_an_unreadable_time_is_refused(pods: Kind) -> None:
    with pytest.raises(BadRequest, match='parsing time "x" as "2006-01-02T15:04:05Z07:00": cannot parse "x" as "2006"'):
        pods.read({"status": {"startTime": "x"}})


def test_bytes_that_are_no_text_become_replacement_characters(config_maps: Kind) -> None:
    assert config_maps.read(b'{"data":{"a":"\xff"}}').object["data"] == {"a": "�"}
    assert config_maps.read(rb'{"data":{"a":"\ud800"}}').object["data"] == {"a": "�"}


def test_deep_bodies_are_refused_or_read_but_never_crash(config_maps: Kind) -> None:
    for depth in (900, 5000, 20000, 200000):
        with pytest.raises(BadRequest):
            config_maps.read(b'{"data":' + b"[" * depth + b"]" * depth + b"}")


def test_schemas_inside_schemas_are_brought_into_form_too(decoder: Decoder, registry: Registry) -> None:
    definitions = Kind(decoder, registry, "apiextensions.k8s.io", "v1", "CustomResourceDefinition")
    schema = {"items": {"type": "string", "nullable": False}, "additionalProperties": {"type": "", "format": "x"}}
    version = {"name": "v1", "served": True, "storage": True, "schema": {"openAPIV3Schema": schema}}
    decoded = definitions.read({"spec": {"versions": [version]}}).object["spec"]["versions"][0]
    assert decoded["schema"]["openAPIV3Schema"] == {
        "items": {"type": "string"}, "additionalProperties": {"format": "x"},
    }  # fmt: skip


def test_unknown_fields_of_schemas_inside_schemas_are_dropped_and_not_told(
    decoder: Decoder, registry: Registry
) -> None:
    kind = Kind(decoder, registry, "apiextensions.k8s.io", "v1", "CustomResourceDefinition")
    inner = {"type": "object", "properties": {"b": {"type": "string", "bogus": 1}}}
    schema = {"type": "object", "nonsense": 1, "properties": {"a": {"type": "array", "items": inner}}}
    versions = [{"name": "v1", "served": True, "storage": True, "schema": {"openAPIV3Schema": schema}}]
    decoded = kind.read({"spec": {"versions": versions}})
    assert decoded.findings == ('unknown field "spec.versions[0].schema.openAPIV3Schema.nonsense"',)
    read = decoded.object["spec"]["versions"][0]["schema"]["openAPIV3Schema"]
    assert read["properties"]["a"]["items"]["properties"]["b"] == {"type": "string"}


def test_completion_adds_what_go_writes(decoder: Decoder, registry: Registry) -> None:
    sets = Kind(decoder, registry, "apps", "v1", "DaemonSet")
    obj = sets.read({"spec": {"template": {"spec": {"containers": [{"name": "a"}]}}}}).object
    decoder.complete(obj, sets.schema)
    assert obj["status"] == dict.fromkeys(
        ("currentNumberScheduled", "desiredNumberScheduled", "numberMisscheduled", "numberReady"), 0
    )
    roles = Kind(decoder, registry, "rbac.authorization.k8s.io", "v1", "Role")
    role = roles.read({}).object
    decoder.complete(role, roles.schema)
    assert role["rules"] is None


def test_a_patched_tree_is_checked_like_a_body(decoder: Decoder, pods: Kind) -> None:
    tree: dict[str, Any] = {"metadata": {}, "spec": {"nope": 1, "containers": [{"name": "a", "bad": 1}]}}
    decoded = decoder.check(tree, pods.schema)
    assert decoded.findings == ('unknown field "spec.nope"', 'unknown field "spec.containers[0].bad"')
    assert decoded.object["spec"] == {"containers": [{"name": "a", "resources": {}}]}


@pytest.mark.parametrize(
    ("spec", "problem"),
    [
        ({"containers": "x"}, "cannot restore slice from string"),
        ({"securityContext": "x"}, "cannot restore struct from: string"),
        ({"nodeSelector": 1}, "cannot restore map from int64"),
        ({"priority": "1"}, "unrecognized type: int32"),
        ({"nodeName": 1.5}, "unrecognized type: string"),
    ],
)
def test_a_converted_tree_is_refused_in_the_converters_words(
    decoder: Decoder, pods: Kind, spec: Any, problem: str
) -> None:
    with pytest.raises(WrongType, match=problem):
        decoder.check({"spec": spec}, pods.schema, wording=CONVERTED)


def test_a_converted_tree_may_hold_whole_floats(decoder: Decoder, pods: Kind) -> None:
    assert decoder.check({"spec": {"priority": 2.0}}, pods.schema, wording=CONVERTED).object["spec"] == {"priority": 2}


def test_patch_documents_have_their_duplicates_found() -> None:
    body = b'{"data":{"x":1,"x":2},"l":[{"a":1,"a":1}]}'
    assert patch_duplicates(body, json.loads(body)) == ('duplicate field "data.x"', 'duplicate field "l[0].a"')


def test_apply_documents_are_yaml_and_refuse_duplicates_when_strict() -> None:
    body = b"a: yes\nb: 1\nb: 2\n"
    tree, findings = read_apply(body, validation="Warn")
    assert tree == {"a": True, "b": 2}
    assert warnings_of(findings) == ['line 3: key "b" already set in map']
    with pytest.raises(BadRequest, match="error strict decoding YAML: error converting YAML to JSON: "):
        read_apply(body, validation="Strict")
    assert read_apply(b'{"a": 1}', validation="Strict") == ({"a": 1}, ())


def test_an_empty_list_of_scaling_policies_is_not_an_absent_one(decoder: Decoder, registry: Registry) -> None:
    autoscalers = Kind(decoder, registry, "autoscaling", "v2", "HorizontalPodAutoscaler")
    spec = autoscalers.spec({"behavior": {"scaleDown": {"policies": []}}})
    assert spec["behavior"]["scaleDown"] == {"policies": []}


def test_a_required_field_that_go_omits_is_not_written(decoder: Decoder, registry: Registry) -> None:
    bindings = Kind(decoder, registry, "admissionregistration.k8s.io", "v1", "ValidatingAdmissionPolicyBinding")
    obj: dict[str, Any] = {"spec": {}}
    decoder.complete(obj, bindings.schema)
    assert "validationActions" not in obj["spec"]


def test_alpha_fields_are_taken_and_dropped(pods: Kind) -> None:
    mount = {"name": "a", "mountPath": "/a", "bindMountOptions": ["noexec"]}
    decoded = pods.read({"spec": {"containers": [{"name": "c", "volumeMounts": [mount]}]}})
    assert decoded.object["spec"]["containers"][0]["volumeMounts"] == [{"name": "a", "mountPath": "/a"}]
    assert decoded.findings == ()
