"""Services, endpoints, ingresses and policies that are refused, and why."""

from __future__ import annotations

from typing import Any

import pytest

from tests.api.strategies.judging import changed, made, refused

PORTS = [{"port": 80}]
ADDRESS = {
    "clusterIP": "10.96.0.9",
    "clusterIPs": ["10.96.0.9"],
    "ipFamilies": ["IPv4"],
    "ipFamilyPolicy": "SingleStack",
}


@pytest.mark.parametrize(
    ("spec", "findings"),
    [
        ({"ports": PORTS}, []),
        ({}, ["spec.ports: Required value"]),
        ({"clusterIP": "None", "clusterIPs": ["None"]}, []),
        (
            {"ports": PORTS, "type": "LoadBalancer", "clusterIP": "None", "clusterIPs": ["None"]},
            ["spec.clusterIPs[0]: Invalid value: \"None\": may not be set to 'None' for LoadBalancer services"],
        ),
        (
            {"ports": PORTS, **ADDRESS, "clusterIPs": ["10.96.0.9", "10.96.0.10"]},
            [
                'spec.clusterIPs: Invalid value: ["10.96.0.9","10.96.0.10"]: '
                "may specify no more than one IP for each IP family"
            ],
        ),
        (
            {"ports": PORTS, "externalIPs": ["127.0.0.1"]},
            [
                'spec.externalIPs[0]: Invalid value: "127.0.0.1": '
                "may not be in the loopback range (127.0.0.0/8, ::1/128)"
            ],
        ),
        (
            {"ports": [{"port": 10250}], "type": "LoadBalancer"},
            ["spec.ports[0]: Invalid value: 10250: may not expose port 10250 externally since it is used by kubelet"],
        ),
    ],
)
def test_service(spec: dict[str, Any], findings: list[str]) -> None:
    assert refused("v1", "Service", spec=spec) == findings


def test_service_keeps_its_address_but_may_add_another() -> None:
    old = made("v1", "Service", spec={"ports": PORTS, **ADDRESS})
    other = {"clusterIP": "10.96.0.8", "clusterIPs": ["10.96.0.8"]}
    assert changed(old, spec=old["spec"] | other) == [
        'spec.clusterIPs[0]: Invalid value: ["10.96.0.8"]: may not change once set'
    ]
    second = {
        "clusterIPs": ["10.96.0.9", "fd00::9"],
        "ipFamilies": ["IPv4", "IPv6"],
        "ipFamilyPolicy": "RequireDualStack",
    }
    assert changed(old, spec=old["spec"] | second) == []


def test_service_that_becomes_a_name_drops_what_it_held() -> None:
    old = made("v1", "Service", spec={"ports": [{"port": 80, "nodePort": 30001}], "type": "NodePort", **ADDRESS})
    new = {**old["spec"], "type": "ExternalName", "externalName": "a.example"}
    assert changed(old, spec=new) == []


@pytest.mark.parametrize(
    ("spec", "paths"),
    [
        ({"defaultBackend": {"service": {"name": "web", "port": {"number": 80}}}}, []),
        ({}, ["spec"]),
        ({"defaultBackend": {}}, ["spec.defaultBackend"]),
        ({"rules": [{"host": "1.2.3.4", "http": {"paths": []}}]}, ["spec.rules[0].host", "spec.rules[0].http.paths"]),
    ],
)
def test_ingress(spec: dict[str, Any], paths: list[str]) -> None:
    findings = refused("networking.k8s.io/v1", "Ingress", spec=spec)
    assert [finding.partition(":")[0] for finding in findings] == paths


def test_network_policy() -> None:
    peers = [{}, {"ipBlock": {"cidr": "10.0.0.0/8", "except": ["10.0.0.0/8"]}}]
    assert refused("networking.k8s.io/v1", "NetworkPolicy", spec={"ingress": [{"from": peers}]}) == [
        "spec.ingress[0].from[0]: Required value: must specify a peer",
        'spec.ingress[0].from[1].ipBlock.except[0]: Invalid value: "10.0.0.0/8": must be a strict subset of `cidr`',
    ]


def test_endpoint_slice() -> None:
    endpoints = [{"addresses": []}, {"addresses": ["fd00::1"]}]
    assert refused("discovery.k8s.io/v1", "EndpointSlice", addressType="IPv4", endpoints=endpoints) == [
        "endpoints[0].addresses: Required value: must contain at least 1 address",
        'endpoints[1].addresses[0]: Invalid value: "fd00::1": must be a valid IPv4 address',
    ]


def test_address_ranges() -> None:
    assert refused("networking.k8s.io/v1", "ServiceCIDR", spec={"cidrs": ["10.0.0.1/24"]}) == [
        'spec.cidrs[0]: Invalid value: "10.0.0.1/24": '
        'must not have bits set beyond the prefix length (perhaps "10.0.0.0/24" or "10.0.0.1/32")'
    ]
    parent = {"parentRef": {"resource": "services", "name": "web"}}
    findings = refused("networking.k8s.io/v1", "IPAddress", metadata={"name": "FD00::1"}, spec=parent)
    assert findings == ['metadata.name: Invalid value: "FD00::1": must be in canonical form ("fd00::1")']
