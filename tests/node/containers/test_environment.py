"""A container's environment and what is expanded in it."""

from __future__ import annotations

import base64
from typing import Any

import pytest

from cloudk8s.node.containers import expansion, service_env
from cloudk8s.node.containers.environment import ConfigurationError, Sources, environment
from cloudk8s.node.containers.fields import FieldError, PodFacts, field_value, resource_value

POD = {
    "metadata": {
        "name": "p", "namespace": "ns", "uid": "u", "annotations": {"x": "y"}, "labels": {"a": "1", "b": 'say "hi"\n'},
    },
    "spec": {"nodeName": "n", "serviceAccountName": "sa", "containers": []},
}  # fmt: skip
FACTS = PodFacts(("10.0.0.1", "fd00::1"), ("192.0.2.1", "fd00::9"), {"cpu": "2", "memory": "1Gi"})
SIZED = {"name": "c", "resources": {"limits": {"cpu": "1250m", "memory": "64Mi"}, "requests": {"cpu": "250m"}}}


@pytest.mark.parametrize(
    ("text", "result"),
    [
        ("$(A)", "1"), ("$(A)$(B)", "1two"), ("x$(A)y", "1".join("xy")), ("$$(A)", "$(A)"), ("$$$(A)", "$1"),
        ("$(MISSING)", "$(MISSING)"), ("$A", "$A"), ("$(A", "$(A"), ("$", "$"), ("a$", "a$"), ("$()", "$()"),
        ("$$", "$"), ("$(B)-$(A)", "two-1"), ("", ""),
    ],
)  # fmt: skip
def test_references_are_expanded(text: str, result: str) -> None:
    assert expansion.expand(text, {"A": "1"}, {"A": "other", "B": "two"}) == result


def test_a_sub_path_must_know_all_its_names() -> None:
    assert expansion.expand_strictly("$(A)/x", {"A": "1"}) == "1/x"
    with pytest.raises(LookupError, match='missing value for "B"'):
        expansion.expand_strictly("$(B)", {"A": "1"})


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("metadata.name", "p"), ("metadata.namespace", "ns"), ("metadata.uid", "u"), ("spec.nodeName", "n"),
        ("spec.serviceAccountName", "sa"), ("status.podIP", "10.0.0.1"), ("status.podIPs", "10.0.0.1,fd00::1"),
        ("status.hostIP", "192.0.2.1"), ("status.hostIPs", "192.0.2.1,fd00::9"),
        ("metadata.labels['a']", "1"), ("metadata.labels['none']", ""),
        ("metadata.annotations['x']", "y"), ("metadata.labels", 'a="1"\nb="say \\"hi\\"\\n"'),
    ],
)  # fmt: skip
def test_fields_of_the_pod(path: str, value: str) -> None:
    assert field_value(POD, path, FACTS) == value


def test_an_unknown_field_is_an_error() -> None:
    with pytest.raises(FieldError, match="unsupported fieldPath"):
        field_value(POD, "status.phase", FACTS)


@pytest.mark.parametrize(
    ("reference", "value"),
    [
        ({"resource": "limits.cpu"}, "2"), ({"resource": "limits.cpu", "divisor": "1m"}, "1250"),
        ({"resource": "requests.cpu"}, "1"), ({"resource": "limits.memory"}, "67108864"),
        ({"resource": "limits.memory", "divisor": "1Mi"}, "64"), ({"resource": "requests.memory"}, "0"),
    ],
)  # fmt: skip
def test_resources_of_the_container_are_rounded_up(reference: dict[str, Any], value: str) -> None:
    assert resource_value(POD, SIZED, reference, FACTS) == value


def test_a_missing_limit_is_what_the_node_can_give() -> None:
    assert resource_value(POD, {"name": "c"}, {"resource": "limits.cpu"}, FACTS) == "2"
    assert resource_value(POD, {"name": "c"}, {"resource": "limits.memory"}, FACTS) == str(1 << 30)


def test_variables_come_from_everywhere_and_the_later_one_wins() -> None:
    sources = Sources(
        config_maps={"cm": {"data": {"A": "from map", "B": "kept"}}},
        secrets={"s": {"data": {"TOKEN": base64.b64encode(b"shh").decode()}}},
        services={"WEB_PORT": "80", "A": "from service"},
    )
    container = {
        "name": "c",
        "envFrom": [{"configMapRef": {"name": "cm"}}, {"prefix": "p-", "secretRef": {"name": "s"}}],
        "env": [
            {"name": "A", "value": "own"},
            {"name": "ALL", "value": "$(A) $(B) $(WEB_PORT) $(LATER)"},
            {"name": "LATER", "valueFrom": {"secretKeyRef": {"name": "s", "key": "TOKEN"}}},
            {"name": "MAYBE", "valueFrom": {"configMapKeyRef": {"name": "cm", "key": "none", "optional": True}}},
        ],
    }

    found = environment(POD, container, sources, FACTS)

    assert found == {
        "A": "own", "B": "kept", "p-TOKEN": "shh", "ALL": "own kept 80 $(LATER)", "LATER": "shh", "WEB_PORT": "80",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("entry", "message"),
    [
        ({"env": [{"name": "X", "valueFrom": {"secretKeyRef": {"name": "s", "key": "k"}}}]}, 'secret "s" not found'),
        ({"envFrom": [{"configMapRef": {"name": "m"}}]}, 'configmap "m" not found'),
        (
            {"env": [{"name": "X", "valueFrom": {"configMapKeyRef": {"name": "cm", "key": "k"}}}]},
            "couldn't find key k in ConfigMap ns/cm",
        ),
    ],
)
def test_what_is_missing_is_named(entry: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        environment(POD, {"name": "c", **entry}, Sources(config_maps={"cm": {"data": {}}}), FACTS)
    assert str(caught.value) == message


def test_services_are_told_in_both_old_forms() -> None:
    ports = [{"name": "main-port", "port": 8765}, {"port": 53, "protocol": "UDP"}]
    services = [
        service("foo-service", "ns", "10.96.0.9", ports),
        service("kubernetes", "default", "10.96.0.1", [{"name": "https", "port": 443}]),
        service("headless", "ns", "None", [{"port": 1}]),
        service("other", "elsewhere", "10.96.0.3", [{"port": 1}]),
    ]

    found = service_env.service_environment(services, "ns", with_links=True)

    assert found["FOO_SERVICE_SERVICE_HOST"] == "10.96.0.9"
    assert found["FOO_SERVICE_SERVICE_PORT"] == "8765"
    assert found["FOO_SERVICE_SERVICE_PORT_MAIN_PORT"] == "8765"
    assert found["FOO_SERVICE_PORT"] == "tcp://10.96.0.9:8765"
    assert found["FOO_SERVICE_PORT_8765_TCP_ADDR"] == "10.96.0.9"
    assert found["FOO_SERVICE_PORT_53_UDP"] == "udp://10.96.0.9:53"
    assert found["KUBERNETES_SERVICE_PORT_HTTPS"] == "443"
    assert not [name for name in found if name.startswith(("HEADLESS", "OTHER"))]
    assert "FOO_SERVICE_PORT" not in service_env.service_environment(services, "ns", with_links=False)


def service(name: str, namespace: str, address: str, ports: list[dict[str, Any]]) -> dict[str, Any]:
    return {"metadata": {"name": name, "namespace": namespace}, "spec": {"clusterIP": address, "ports": ports}}
