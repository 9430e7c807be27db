from __future__ import annotations

from typing import Any

import pytest

from cloudk8s.api.quota import scopes, usage
from cloudk8s.api.resource import Object
from cloudk8s.client.resources import PERSISTENT_VOLUME_CLAIMS, PODS, RESOURCE_CLAIMS, SERVICES


def container(name: str = "c", **resources: dict[str, str]) -> Object:
    return {"name": name, "image": "i", "resources": resources}


def pod(*containers: Object, status: Object | None = None, **spec: Any) -> Object:
    return {"metadata": {"name": "p"}, "spec": {"containers": list(containers), **spec}, "status": status or {}}


def used(obj: Object, resource: Any = PODS) -> dict[str, str]:
    return {name: str(amount) for name, amount in usage.of(resource, obj).items()}


def test_init_containers_sidecars_and_overhead_count_as_they_run() -> None:
    sidecar = {**container("s", requests={"cpu": "200m"}), "restartPolicy": "Always"}
    first, last = container("a", requests={"cpu": "900m"}), container("z", requests={"cpu": "900m"})
    made = pod(container(requests={"cpu": "500m"}), initContainers=[first, sidecar, last], overhead={"cpu": "50m"})
    assert used(made)["requests.cpu"] == "1150m", "the last one runs beside the sidecar"


def test_what_a_pod_says_for_itself_stands_for_its_containers() -> None:
    made = pod(
        container(requests={"cpu": "500m", "example.com/dongle": "1"}),
        resources={"requests": {"cpu": "2", "memory": "1Gi"}, "limits": {"cpu": "3"}},
    )
    amounts = used(made)
    assert (amounts["requests.cpu"], amounts["cpu"], amounts["limits.cpu"]) == ("2", "2", "3")
    assert (amounts["requests.memory"], amounts["requests.example.com/dongle"]) == ("1Gi", "1")
    assert usage.unsaid(made, ["requests.cpu", "limits.memory"]) == {"limits.memory": ["c"]}


@pytest.mark.parametrize(
    ("wanted", "has", "reason", "counts"),
    [("1", "2", "", "2"), ("2", "1", "", "2"), ("4", "1", "Infeasible", "1"), ("4", "1", "Deferred", "4")],
)
def test_while_a_pod_is_resized_the_larger_counts(wanted: str, has: str, reason: str, counts: str) -> None:
    status: Object = {"containerStatuses": [{"name": "c", "resources": {"requests": {"cpu": has}}}]}
    status["conditions"] = [{"type": "PodResizePending", "status": "True", "reason": reason}] if reason else []
    assert used(pod(container(requests={"cpu": wanted}), status=status))["requests.cpu"] == counts


@pytest.mark.parametrize(
    ("made", "is_best_effort"),
    [
        (pod(container()), True),
        (pod(container(requests={"example.com/dongle": "1"})), True),
        (pod(container(requests={"cpu": "0"})), True),
        (pod(container(limits={"memory": "1Mi"})), False),
        (pod(container(), resources={"requests": {"cpu": "1"}}), False),
        (pod(container(), status={"qosClass": "Burstable"}), False),
    ],
)
def test_best_effort_is_the_pods_quality_of_service(made: Object, is_best_effort: bool) -> None:
    assert scopes.matches({"spec": {"scopes": ["BestEffort"]}}, PODS, made) is is_best_effort
    assert scopes.matches({"spec": {"scopes": ["NotBestEffort"]}}, PODS, made) is not is_best_effort


def test_devices_are_charged_by_class_in_the_worst_case() -> None:
    requests = [
        {"name": "a", "exactly": {"deviceClassName": "gpu", "allocationMode": "ExactCount", "count": 2}},
        {
            "name": "b",
            "firstAvailable": [
                {"name": "x", "deviceClassName": "gpu", "count": 3},
                {"name": "y", "deviceClassName": "gpu", "count": 1},
                {"name": "z", "deviceClassName": "nic", "allocationMode": "All"},
            ],
        },
    ]
    made = {"metadata": {"name": "c"}, "spec": {"devices": {"requests": requests}}}
    assert used(made, RESOURCE_CLAIMS) == {
        "count/resourceclaims.resource.k8s.io": "1",
        "gpu.deviceclass.resource.k8s.io/devices": "5",
        "nic.deviceclass.resource.k8s.io/devices": "32",
    }


@pytest.mark.parametrize(
    ("status", "matches"),
    [
        ({}, True),
        ({"currentVolumeAttributesClassName": "gold"}, True),
        ({"modifyVolumeStatus": {"targetVolumeAttributesClassName": "gold"}}, True),
    ],
)
def test_a_claim_counts_for_every_class_it_is_about(status: Object, matches: bool) -> None:
    spec = {"volumeAttributesClassName": "silver" if status else "gold"}
    scope = {"scopeName": "VolumeAttributesClass", "operator": "In", "values": ["gold"]}
    quota = {"spec": {"scopeSelector": {"matchExpressions": [scope]}}}
    claim = {"metadata": {"name": "c"}, "spec": spec, "status": status}
    assert scopes.matches(quota, PERSISTENT_VOLUME_CLAIMS, claim) is matches
    assert not scopes.matches(quota, PERSISTENT_VOLUME_CLAIMS, {"metadata": {}, "spec": {}})


@pytest.mark.parametrize(
    ("operator", "values", "of_class", "matches"),
    [
        ("In", ["high"], "high", True),
        ("NotIn", ["high"], "high", False),
        ("NotIn", ["high"], "low", True),
        ("Exists", None, "low", True),
        ("Exists", None, None, False),
        ("DoesNotExist", None, None, True),
    ],
)
def test_priority_classes_are_selected(operator: str, values: list[str] | None, of_class: str, matches: bool) -> None:
    scope = {"scopeName": "PriorityClass", "operator": operator, **({"values": values} if values else {})}
    quota = {"spec": {"scopeSelector": {"matchExpressions": [scope]}}}
    assert scopes.matches(quota, PODS, pod(container(), priorityClassName=of_class)) is matches
    assert not scopes.matches(quota, SERVICES, {"metadata": {}, "spec": {}})


@pytest.mark.parametrize("term", [{"namespaces": ["x"]}, {"namespaceSelector": {}}])
def test_affinity_to_other_namespaces_is_a_scope(term: Object) -> None:
    quota = {"spec": {"scopes": ["CrossNamespacePodAffinity"]}}
    affinity = {"podAntiAffinity": {"preferredDuringSchedulingIgnoredDuringExecution": [{"podAffinityTerm": term}]}}
    assert scopes.matches(quota, PODS, pod(container(), affinity=affinity))
    assert not scopes.matches(quota, PODS, pod(container()))


@pytest.mark.parametrize(
    ("spec", "amounts"),
    [
        ({"type": "ClusterIP", "ports": [{"port": 1}]}, {}),
        ({"type": "NodePort", "ports": [{"port": 1}, {"port": 2}]}, {"services.nodeports": "2"}),
        (
            {"type": "LoadBalancer", "ports": [{"port": 1}]},
            {"services.loadbalancers": "1", "services.nodeports": "1"},
        ),
        (
            {"type": "LoadBalancer", "allocateLoadBalancerNodePorts": False, "ports": [{"port": 1}]},
            {"services.loadbalancers": "1", "services.nodeports": "0"},
        ),
    ],
)
def test_services_count_by_type(spec: Object, amounts: dict[str, str]) -> None:
    assert used({"metadata": {}, "spec": spec}, SERVICES) == {"count/services": "1", "services": "1", **amounts}
