"""Protobuf bodies become the trees that the same objects have in JSON."""

from __future__ import annotations

import struct

import pytest

from cloudk8s.api.protobuf import ProtobufError, decode_body, json_order
from cloudk8s.api.protobuf.numbers import messages, short_name
from cloudk8s.api.registry import Registry, load_registry
from cloudk8s.machinery.schema import Schema


def varint(number: int) -> bytes:
    number %= 2**64
    out = bytearray()
    while number > 0x7F:
        out.append(number & 0x7F | 0x80)
        number >>= 7
    return bytes([*out, number])


def field(number: int, value: int | str | bytes | float) -> bytes:
    """One field as gogo writes it."""
    if isinstance(value, float):
        return varint(number << 3 | 1) + struct.pack("<d", value)
    if isinstance(value, int):
        return varint(number << 3) + varint(value)
    data = value.encode() if isinstance(value, str) else value
    return varint(number << 3 | 2) + varint(len(data)) + data


def body(api_version: str, kind: str, *fields: bytes) -> bytes:
    return b"k8s\0" + field(1, field(1, api_version) + field(2, kind)) + field(2, b"".join(fields))


def decode(registry: Registry, data: bytes) -> object:
    return decode_body(data, registry.schema)


def test_scalars_maps_lists_and_nested_messages(registry: Registry) -> None:
    quantity = field(1, "cpu") + field(2, field(1, "500m"))
    port = field(3, 8080) + field(4, "TCP")
    container = field(1, "main") + field(3, "sh") + field(3, "-c") + field(6, port) + field(8, field(1, quantity))
    spec = field(2, container) + field(11, 1) + field(4, -1)
    metadata = field(1, "web") + field(11, field(1, "a") + field(2, "b"))
    assert decode(registry, body("v1", "Pod", field(1, metadata), field(2, spec))) == {
        "apiVersion": "v1", "kind": "Pod", "metadata": {"name": "web", "labels": {"a": "b"}},
        "spec": {
            "hostNetwork": True, "terminationGracePeriodSeconds": -1,
            "containers": [{
                "name": "main", "command": ["sh", "-c"], "ports": [{"containerPort": 8080, "protocol": "TCP"}],
                "resources": {"limits": {"cpu": "500m"}},
            }],
        },
    }  # fmt: skip


def test_messages_inlined_in_json(registry: Registry) -> None:
    volume = field(1, "v") + field(2, field(19, field(1, field(1, "conf")) + field(4, 1)))
    made = decode(registry, body("v1", "Pod", field(2, field(1, volume))))
    assert made == {
        "apiVersion": "v1", "kind": "Pod",
        "spec": {"volumes": [{"name": "v", "configMap": {"name": "conf", "optional": True}}]},
    }  # fmt: skip


def test_values_with_a_form_of_their_own(registry: Registry) -> None:
    lease = field(2, field(1, "me") + field(4, field(1, 1767225600) + field(2, 5000)))
    assert decode(registry, body("coordination.k8s.io/v1", "Lease", lease)) == {
        "apiVersion": "coordination.k8s.io/v1", "kind": "Lease",
        "spec": {"holderIdentity": "me", "renewTime": "2026-01-01T00:00:00.000005Z"},
    }  # fmt: skip
    secret = body("v1", "Secret", field(1, field(8, b"")), field(2, field(1, "k") + field(2, b"\x00\xff")))
    assert decode(registry, secret) == {
        "apiVersion": "v1", "kind": "Secret", "metadata": {"creationTimestamp": None}, "data": {"k": "AP8="},
    }  # fmt: skip
    ports = field(1, field(4, field(1, 1) + field(3, "http"))) + field(1, field(4, field(2, 80)))
    assert decode(registry, body("v1", "Service", field(2, ports))) == {
        "apiVersion": "v1", "kind": "Service", "spec": {"ports": [{"targetPort": "http"}, {"targetPort": 80}]},
    }  # fmt: skip


def test_extra_values_are_lists(registry: Registry) -> None:
    extra = field(5, field(1, "k") + field(2, field(1, "a") + field(1, "b")))
    made = decode(registry, body("authorization.k8s.io/v1", "SubjectAccessReview", field(2, extra)))
    assert isinstance(made, dict)
    assert made["spec"] == {"extra": {"k": ["a", "b"]}}


def test_unknown_fields_are_skipped(registry: Registry) -> None:
    made = decode(registry, body("v1", "ConfigMap", field(99, "x"), field(98, 1), field(97, 1.5), field(4, 1)))
    assert made == {"apiVersion": "v1", "kind": "ConfigMap", "immutable": True}


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"{}",
        b"k8s\0\xff",
        body("v1", "ConfigMap", b"\x0a\xff"),
        body("v1", "ConfigMap", field(1, 5)),
        body("v1", "X"),
    ],
)
def test_what_is_no_message_is_refused(registry: Registry, data: bytes) -> None:
    with pytest.raises(ProtobufError):
        decode(registry, data)


def test_the_table_knows_every_kind_that_go_components_send(registry: Registry) -> None:
    kinds = [short_name(resource.schema.name) for resource in registry.resources()]
    missing = [kind for kind in kinds if kind not in messages()]
    assert missing == []


def _without_number(registry: Registry) -> set[str]:
    """The fields of built-in kinds that are on and that the table does not know, without what is below them."""
    missing: set[str] = set()
    seen: set[str] = set()

    def look(schema: Schema) -> None:
        if schema.name in seen or schema.name.endswith("JSONSchemaProps"):
            return
        seen.add(schema.name)
        known = {*json_order(short_name(schema.name)), "apiVersion", "kind"}
        for name, node in (schema.properties or {}).items():
            if f"{short_name(schema.name)}.{name}" in registry.features.dropped:
                continue
            if schema.name and name not in known:
                missing.add(f"{short_name(schema.name)}.{name}")
                continue
            inner = node.items or node.additional or node
            if inner.properties is not None:
                look(inner)

    for resource in registry.resources():
        look(resource.schema)
    return missing


def test_the_table_knows_every_field_that_is_on_by_default(registry: Registry) -> None:
    assert _without_number(registry) == set()


@pytest.mark.parametrize("version", ["1.35", "1.36"])
def test_the_table_knows_every_field_of_older_versions_that_is_on_by_default(version: str) -> None:
    pytest.importorskip("kubernetes_validate", reason="other versions come with the extra `schemas`")
    assert not _without_number(load_registry(version))


def test_every_message_that_a_field_holds_is_known(registry: Registry) -> None:
    """A body with such a field would be refused otherwise."""
    names = {short_name(name): registry.definitions[name] for name in registry.definitions.names}
    for name, message in messages().items():
        for held in message.names.values():
            node = (names[name].properties or {}).get(held) if name in names else None
            inner = node and (node.items or node.additional or node)
            if inner and inner.name and inner.properties and not inner.format:
                assert short_name(inner.name) in messages(), f"{name}.{held}"


def test_fields_of_newer_versions(registry: Registry) -> None:
    spec = field(43, field(1, "workers")) + field(44, field(1, "example.com/a"))
    made = decode(registry, body("v1", "Pod", field(2, spec)))
    assert isinstance(made, dict)
    assert made["spec"] == {
        "schedulingGroup": {"podGroupName": "workers"}, "evictionResponders": [{"name": "example.com/a"}],
    }  # fmt: skip


def test_fields_that_came_with_1_37(registry: Registry) -> None:
    node = decode(registry, body("v1", "Node", field(3, field(7, field(12, 1)))))
    assert isinstance(node, dict)
    assert node["status"]["nodeInfo"] == {"runningInUserNamespace": True}
    slice = decode(registry, body("resource.k8s.io/v1", "ResourceSlice", field(2, field(9, "example.com/profile"))))
    assert isinstance(slice, dict)
    assert slice["spec"] == {"partitionTypeAttribute": "example.com/profile"}
    scaler = decode(registry, body("autoscaling/v2", "HorizontalPodAutoscaler", field(3, field(6, field(6, 7)))))
    assert isinstance(scaler, dict)
    assert scaler["status"]["conditions"] == [{"observedGeneration": 7}]


def test_the_table_names_fields_that_exist(registry: Registry) -> None:
    names = {short_name(name): name for name in registry.definitions.names}
    known = {name: message for name, message in messages().items() if name in names}
    wrong = {
        f"{name}.{field}"
        for name, message in known.items()
        for field in message.names.values()
        if field not in (registry.definitions[names[name]].properties or {})
    }
    former = {"core.v1.PodSpec.workloadRef"}
    assert wrong <= former | {"apps.v1.DeploymentSpec.podReplacementPolicy", "discovery.v1.Endpoint.deprecatedTopology"}


def test_schemas_of_custom_resources_hold_schemas_booleans_and_lists(registry: Registry) -> None:
    text = field(5, "string")
    nested = field(29, field(1, "a") + field(2, field(30, field(1, 1)))) + field(30, field(2, text))
    several = field(24, field(2, text) + field(2, field(5, "integer")))
    one = field(24, field(1, text)) + field(8, field(1, "[1]")) + field(9, 2.5) + field(38, 1)
    schema = field(29, field(1, "b") + field(2, several)) + field(29, field(1, "c") + field(2, one)) + nested
    version = field(1, "v1") + field(2, 1) + field(4, field(1, schema))
    found = decode(registry, body("apiextensions.k8s.io/v1", "CustomResourceDefinition", field(2, field(7, version))))
    assert isinstance(found, dict)
    assert found["spec"]["versions"][0]["schema"]["openAPIV3Schema"] == {
        "properties": {
            "a": {"additionalProperties": True},
            "b": {"items": [{"type": "string"}, {"type": "integer"}]},
            "c": {
                "items": {"type": "string"}, "default": [1], "maximum": 2.5,
                "x-kubernetes-preserve-unknown-fields": True,
            },
        },
        "additionalProperties": {"type": "string"},
    }  # fmt: skip


def test_fields_stand_in_the_order_of_go(registry: Registry) -> None:
    assert json_order("core.v1.Probe")[:3] == ("exec", "httpGet", "tcpSocket")
    assert json_order("core.v1.Container")[-4:] == ("securityContext", "stdin", "stdinOnce", "tty")
