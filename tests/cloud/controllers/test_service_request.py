"""What a Service asks of a cloud, field by field."""

from __future__ import annotations

from typing import Any

import pytest

from cloudk8s.cloud.controllers.service_request import SOURCE_RANGES, make_request, needs_update
from cloudk8s.cloud.controllers.service_status import wanted_ingress
from cloudk8s.cloud.model.load_balancer import (
    HealthCheck,
    Ingress,
    LoadBalancerCapabilities,
    LoadBalancerRequest,
    LoadBalancerStatus,
)
from cloudk8s.testing.cloud_harness import make_service


def request(**given: Any) -> LoadBalancerRequest:
    service = make_service(**given)
    service["metadata"]["uid"] = "u"
    return make_request(service, cluster="c", capabilities=LoadBalancerCapabilities())


@pytest.mark.parametrize(
    ("given", "ranges"),
    [
        ({}, ("0.0.0.0/0",)),
        ({"ipFamilies": ["IPv4", "IPv6"]}, ("0.0.0.0/0", "::/0")),
        ({"annotations": {SOURCE_RANGES: " 10.0.0.0/8 ,192.168.0.0/16"}}, ("10.0.0.0/8", "192.168.0.0/16")),
        (
            {"annotations": {SOURCE_RANGES: "10.0.0.0/8"}, "loadBalancerSourceRanges": [" 172.16.0.0/12 "]},
            ("172.16.0.0/12",),
        ),
    ],
)
def test_source_ranges_come_from_the_spec_else_the_annotation_else_everyone(
    given: dict[str, Any], ranges: tuple[str, ...]
) -> None:
    assert request(**given).source_ranges == ranges


def test_policy_local_is_probed_at_the_services_own_port_of_every_node() -> None:
    local = request(externalTrafficPolicy="Local", healthCheckNodePort=31999)
    assert local.health_check == HealthCheck("HTTP", 31999, "/healthz")
    assert local.traffic_policy == "Local"
    assert request().health_check == HealthCheck()
    assert request().traffic_policy == "Cluster"


def test_the_shared_probe_is_the_proxys() -> None:
    assert (HealthCheck().protocol, HealthCheck().port, HealthCheck().path) == ("HTTP", 10256, "/healthz")


def test_what_kubectl_notes_costs_no_call() -> None:
    before, after = make_service(), make_service(annotations={"kubectl.kubernetes.io/last-applied-configuration": "{}"})
    assert not needs_update(before, after)
    assert needs_update(before, make_service(annotations={"any.other/one": "1"}))


@pytest.mark.parametrize(
    ("ingress", "shown"),
    [
        (Ingress(ip="192.0.2.1"), {"ip": "192.0.2.1", "ipMode": "VIP"}),
        (Ingress(ip="192.0.2.1", ip_mode="Proxy"), {"ip": "192.0.2.1", "ipMode": "Proxy"}),
        (Ingress(hostname="a.example"), {"hostname": "a.example"}),
    ],
)
def test_an_address_has_a_mode_and_a_name_has_none(ingress: Ingress, shown: dict[str, str]) -> None:
    assert wanted_ingress(LoadBalancerStatus((ingress,))) == [shown]
