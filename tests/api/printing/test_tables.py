"""What `kubectl get -o wide` shows of each kind, all columns in their order."""

from __future__ import annotations

from typing import Any

import pytest

from cloudk8s.api.printing.printer import Printer
from cloudk8s.api.registry import Registry
from cloudk8s.machinery.clock import FakeClock

MADE = "2025-12-31T23:55:00Z"
TEMPLATE = {"spec": {"containers": [{"name": "c", "image": "i:1"}, {"name": "d", "image": "j"}]}}
LABELLED = {"metadata": {"labels": {"a": "b"}}}
SELECTOR = {"matchLabels": {"app": "a"}, "matchExpressions": [{"key": "x", "operator": "In", "values": ["1", "2"]}]}
AGE = "5m"

Case = tuple[str, str, str, dict[str, Any], list[Any]]
CASES: list[Case] = [
    ("", "v1", "configmaps", {"data": {"a": "1"}, "binaryData": {"b": ""}}, ["n", 2, AGE]),
    ("", "v1", "secrets", {"type": "Opaque", "data": {"a": ""}}, ["n", "Opaque", 1, AGE]),
    ("", "v1", "namespaces", {"status": {"phase": "Active"}}, ["n", "Active", AGE]),
    (
        "", "v1", "services",
        {"spec": {"type": "LoadBalancer", "clusterIPs": ["10.0.0.1"], "externalIPs": ["9.9.9.9"],
                  "selector": {"a": "b"},
                  "ports": [{"port": 80, "nodePort": 30080}, {"port": 53, "protocol": "UDP"}]},
         "status": {"loadBalancer": {"ingress": [{"hostname": "lb"}, {"ip": "1.1.1.1"}]}}},
        ["n", "LoadBalancer", "10.0.0.1", "1.1.1.1,lb,9.9.9.9", "80:30080/TCP,53/UDP", AGE, "a=b"],
    ),
    (
        "", "v1", "services", {"spec": {"type": "LoadBalancer", "clusterIP": "None"}},
        ["n", "LoadBalancer", "None", "<pending>", "<none>", AGE, "<none>"],
    ),
    (
        "", "v1", "services", {"spec": {"type": "ExternalName", "externalName": "a.b"}},
        ["n", "ExternalName", "<none>", "a.b", "<none>", AGE, "<none>"],
    ),
    (
        "", "v1", "endpoints",
        {"subsets": [{"addresses": [{"ip": f"10.0.0.{n}"} for n in range(5)], "ports": [{"port": 80}]}]},
        ["n", "10.0.0.0:80,10.0.0.1:80,10.0.0.2:80 + 2 more...", AGE],
    ),
    (
        "discovery.k8s.io", "v1", "endpointslices",
        {"addressType": "IPv4", "ports": [{"port": 80}, {}], "endpoints": [{"addresses": ["10.0.0.1"]}]},
        ["n", "IPv4", "80,*", "10.0.0.1", AGE],
    ),
    (
        "discovery.k8s.io", "v1", "endpointslices", {"addressType": "IPv6", "endpoints": []},
        ["n", "IPv6", "<unset>", "<unset>", AGE],
    ),
    (
        "", "v1", "nodes",
        {"metadata": {"labels": {"node-role.kubernetes.io/b": "", "kubernetes.io/role": "a"}},
         "spec": {"unschedulable": True},
         "status": {"conditions": [{"type": "Ready", "status": "False"}],
                    "addresses": [{"type": "InternalIP", "address": "10.0.0.1"}],
                    "nodeInfo": {"kubeletVersion": "v1", "osImage": "Debian", "kernelVersion": "6.1",
                                 "containerRuntimeVersion": "containerd://2"}}},
        ["n", "NotReady,SchedulingDisabled", "a,b", AGE, "v1", "10.0.0.1", "<none>", "Debian", "6.1", "containerd://2"],
    ),
    (
        "", "v1", "nodes", {},
        ["n", "Unknown", "<none>", AGE, "", "<none>", "<none>", "<unknown>", "<unknown>", "<unknown>"],
    ),
    (
        "", "v1", "persistentvolumes",
        {"spec": {"capacity": {"storage": "1Gi"}, "accessModes": ["ReadWriteMany", "ReadWriteOnce"],
                  "persistentVolumeReclaimPolicy": "Retain", "claimRef": {"namespace": "a", "name": "b"},
                  "storageClassName": "fast", "volumeMode": "Block"}, "status": {"phase": "Bound", "reason": "why"}},
        ["n", "1Gi", "RWO,RWX", "Retain", "Bound", "a/b", "fast", "<unset>", "why", AGE, "Block"],
    ),
    (
        "", "v1", "persistentvolumeclaims",
        {"spec": {"volumeName": "v", "storageClassName": "fast", "volumeMode": "Filesystem"},
         "status": {"phase": "Bound", "capacity": {"storage": "1Gi"}, "accessModes": ["ReadWriteOncePod"]}},
        ["n", "Bound", "v", "1Gi", "RWOP", "fast", "<unset>", AGE, "Filesystem"],
    ),
    (
        "", "v1", "persistentvolumeclaims",
        {"metadata": {"deletionTimestamp": MADE}, "spec": {"accessModes": ["ReadWriteOnce"]},
         "status": {"phase": "Pending"}},
        ["n", "Terminating", "", "", "", "", "<unset>", AGE, "<unset>"],
    ),
    (
        "storage.k8s.io", "v1", "storageclasses",
        {"metadata": {"annotations": {"storageclass.kubernetes.io/is-default-class": "true"}}, "provisioner": "p",
         "reclaimPolicy": "Delete", "volumeBindingMode": "Immediate"},
        ["n (default)", "p", "Delete", "Immediate", False, AGE],
    ),
    (
        "storage.k8s.io", "v1", "volumeattachments",
        {"spec": {"attacher": "a", "nodeName": "node", "source": {"persistentVolumeName": "v"}},
         "status": {"attached": True}},
        ["n", "a", "v", "node", True, AGE],
    ),
    (
        "storage.k8s.io", "v1", "csidrivers",
        {"spec": {"attachRequired": False, "volumeLifecycleModes": ["Persistent"]}},
        ["n", False, False, False, "<unset>", False, "Persistent", AGE],
    ),
    (
        "apps", "v1", "deployments",
        {"spec": {"replicas": 3, "selector": SELECTOR, "template": TEMPLATE},
         "status": {"readyReplicas": 1, "updatedReplicas": 2, "availableReplicas": 1}},
        ["n", "1/3", 2, 1, AGE, "c,d", "i:1,j", "app=a,x in (1,2)"],
    ),
    (
        "apps", "v1", "replicasets",
        {"spec": {"replicas": 3, "selector": SELECTOR, "template": TEMPLATE}, "status": {"replicas": 2}},
        ["n", 3, 2, 0, AGE, "c,d", "i:1,j", "app=a,x in (1,2)"],
    ),
    (
        "apps", "v1", "statefulsets", {"spec": {"replicas": 2, "template": TEMPLATE}, "status": {"readyReplicas": 2}},
        ["n", "2/2", AGE, "c,d", "i:1,j"],
    ),
    (
        "apps", "v1", "daemonsets",
        {"spec": {"selector": {"matchLabels": {"app": "a"}}, "template": TEMPLATE},
         "status": {"desiredNumberScheduled": 4, "currentNumberScheduled": 3, "numberReady": 2,
                    "updatedNumberScheduled": 1}},
        ["n", 4, 3, 2, 1, 0, "<none>", AGE, "c,d", "i:1,j", "app=a"],
    ),
    (
        "apps", "v1", "controllerrevisions",
        {"metadata": {"ownerReferences": [
            {"apiVersion": "apps/v1", "kind": "DaemonSet", "name": "d", "controller": True},
        ]}, "revision": 3},
        ["n", "daemonset.apps/d", 3, AGE],
    ),
    (
        "networking.k8s.io", "v1", "ingresses",
        {"spec": {"ingressClassName": "nginx", "tls": [{}], "rules": [{"host": "a"}, {"host": "b"}]},
         "status": {"loadBalancer": {"ingress": [{"ip": "1.1.1.1"}]}}},
        ["n", "nginx", "a,b", "1.1.1.1", "80, 443", AGE],
    ),
    ("networking.k8s.io", "v1", "ingresses", {"spec": {"defaultBackend": {}}}, ["n", "<none>", "*", "", "80", AGE]),
    (
        "networking.k8s.io", "v1", "ingressclasses",
        {"spec": {"controller": "c", "parameters": {"apiGroup": "g", "kind": "K", "name": "p"}}},
        ["n", "c", "K.g/p", AGE],
    ),
    ("networking.k8s.io", "v1", "networkpolicies", {"spec": {"podSelector": {}}}, ["n", "<none>", AGE]),
    (
        "networking.k8s.io", "v1", "ipaddresses",
        {"spec": {"parentRef": {"resource": "services", "namespace": "a", "name": "b"}}},
        ["n", "services/a/b", AGE],
    ),
    (
        "policy", "v1", "poddisruptionbudgets",
        {"spec": {"minAvailable": "50%"}, "status": {"disruptionsAllowed": 2}},
        ["n", "50%", "N/A", 2, AGE],
    ),
    (
        "rbac.authorization.k8s.io", "v1", "rolebindings",
        {"roleRef": {"kind": "Role", "name": "r"},
         "subjects": [{"kind": "User", "name": "u"}, {"kind": "Group", "name": "g"},
                      {"kind": "ServiceAccount", "namespace": "a", "name": "s"}]},
        ["n", "Role/r", AGE, "u", "g", "a/s"],
    ),
    ("rbac.authorization.k8s.io", "v1", "clusterroles", {}, ["n", MADE]),
    (
        "certificates.k8s.io", "v1", "certificatesigningrequests",
        {"spec": {"signerName": "s", "username": "u", "expirationSeconds": 3600},
         "status": {"conditions": [{"type": "Approved"}], "certificate": "x"}},
        ["n", AGE, "s", "u", "60m", "Approved,Issued"],
    ),
    ("scheduling.k8s.io", "v1", "priorityclasses", {"value": 7, "preemptionPolicy": "Never"},
     ["n", 7, False, AGE, "Never"]),
    (
        "", "v1", "resourcequotas",
        {"status": {"hard": {"pods": "4", "limits.cpu": "2"}, "used": {"pods": "1"}}},
        ["n", "pods: 1/4", "limits.cpu: 0/2", AGE],
    ),
    (
        "batch", "v1", "jobs",
        {"spec": {"completions": 3, "selector": {"matchLabels": {"a": "b"}}, "template": TEMPLATE},
         "status": {"succeeded": 1, "startTime": MADE}},
        ["n", "Running", "1/3", "5m", AGE, "c,d", "i:1,j", "a=b"],
    ),
    (
        "batch", "v1", "cronjobs",
        {"spec": {"schedule": "@daily", "suspend": True, "jobTemplate": {"spec": {"template": TEMPLATE}}},
         "status": {"active": [{}], "lastScheduleTime": MADE}},
        ["n", "@daily", "<none>", "True", 1, "5m", AGE, "c,d", "i:1,j", "<none>"],
    ),
    (
        "apiregistration.k8s.io", "v1", "apiservices",
        {"spec": {"service": {"namespace": "a", "name": "b"}},
         "status": {"conditions": [{"type": "Available", "status": "False", "reason": "Gone"}]}},
        ["n", "a/b", "False (Gone)", AGE],
    ),
    ("admissionregistration.k8s.io", "v1", "mutatingwebhookconfigurations", {"webhooks": [{}, {}]}, ["n", 2, AGE]),
    ("admissionregistration.k8s.io", "v1", "validatingwebhookconfigurations", {"webhooks": [{}]}, ["n", 1, AGE]),
    ("", "v1", "limitranges", {}, ["n", MADE]),
    ("", "v1", "podtemplates", {"template": TEMPLATE | LABELLED}, ["n", "c,d", "i:1,j", "a=b"]),
    (
        "", "v1", "replicationcontrollers",
        {"spec": {"replicas": 3, "selector": {"a": "b"}, "template": TEMPLATE},
         "status": {"replicas": 2, "readyReplicas": 1}},
        ["n", 3, 2, 1, AGE, "c,d", "i:1,j", "a=b"],
    ),
    ("storage.k8s.io", "v1", "csinodes", {"spec": {"drivers": [{"name": "a"}, {"name": "b"}]}}, ["n", 2, AGE]),
    ("storage.k8s.io", "v1", "volumeattributesclasses", {"driverName": "disk"}, ["n", "disk", AGE]),
    (
        "", "v1", "componentstatuses", {"conditions": [{"type": "Healthy", "status": "True", "message": "ok"}]},
        ["n", "Healthy", "ok", ""],
    ),
    (
        "admissionregistration.k8s.io", "v1", "validatingadmissionpolicybindings",
        {"spec": {"policyName": "p", "paramRef": {"name": "x"}}}, ["n", "p", "*/x", AGE],
    ),
    ("resource.k8s.io", "v1", "resourceclaims", {"status": {"allocation": {"x": 1}, "reservedFor": [{}]}},
     ["n", "allocated,reserved", AGE]),
]  # fmt: skip

SEEN = "2025-12-31T23:59:00Z"
EVENTS: list[Case] = [
    (
        "", "v1", "events",
        {"involvedObject": {"kind": "Pod", "name": "p", "fieldPath": "spec.containers{c}"}, "type": "Warning",
         "reason": "BackOff", "message": " again\n", "count": 4, "firstTimestamp": MADE, "lastTimestamp": SEEN,
         "source": {"component": "kubelet", "host": "node"}},
        ["60s", "Warning", "BackOff", "pod/p", "spec.containers{c}", "kubelet, node", "again", AGE, 4, "n"],
    ),
    (
        "", "v1", "events",
        {"involvedObject": {"kind": "Node"}, "eventTime": "2025-12-31T23:55:00.000000Z",
         "reportingComponent": "scheduler"},
        [AGE, "", "", "node", "", "scheduler", "", AGE, 1, "n"],
    ),
    (
        "events.k8s.io", "v1", "events",
        {"regarding": {"kind": "Pod", "name": "p"}, "note": "so", "eventTime": "2025-12-31T23:55:00.000000Z",
         "reportingController": "c", "reportingInstance": "i",
         "series": {"count": 9, "lastObservedTime": "2025-12-31T23:59:00.000000Z"}},
        ["60s", "", "", "pod/p", "", "c, i", "so", AGE, 9, "n"],
    ),
    ("", "v1", "events", {}, ["<unknown>", "", "", "", "", "", "", "<unknown>", 1, "n"]),
]  # fmt: skip


@pytest.mark.parametrize(
    ("group", "version", "plural", "obj", "cells"),
    CASES + EVENTS,
    ids=[f"{case[2]}-{i}" for i, case in enumerate(CASES + EVENTS)],
)
def test_cells(
    registry: Registry, group: str, version: str, plural: str, obj: dict[str, Any], cells: list[Any]
) -> None:
    resource = registry.lookup(group, version, plural)
    assert resource is not None
    metadata = {"name": "n", "creationTimestamp": MADE, **obj.get("metadata", {})}
    whole = {"kind": resource.kind, "apiVersion": resource.api_version, **obj, "metadata": metadata}
    table = Printer(FakeClock()).table(resource, [whole])
    assert table["rows"][0]["cells"] == cells
    assert len(table["columnDefinitions"]) == len(cells)
    types = [column["type"] for column in table["columnDefinitions"]]
    assert all(isinstance(cell, int) for cell, type in zip(cells, types, strict=True) if type == "integer")


@pytest.mark.parametrize("plural", ["mutatingwebhookconfigurations", "validatingwebhookconfigurations"])
def test_hooks_are_counted_in_a_column_of_numbers(registry: Registry, plural: str) -> None:
    resource = registry.lookup("admissionregistration.k8s.io", "v1", plural)
    assert resource is not None
    types = [column["type"] for column in Printer(FakeClock()).table(resource, [])["columnDefinitions"]]
    assert types == ["string", "integer", "string"]


STARTED = {"status": {"startTime": MADE}}


def containers(*states: dict[str, Any], **status: Any) -> dict[str, Any]:
    """A pod whose containers are in these states."""
    found = [
        {"name": f"c{n}", "ready": "running" in state, "restartCount": 0, "state": state}
        for n, state in enumerate(states)
    ]
    spec = {"containers": [{"name": f"c{n}"} for n in range(len(states))], "nodeName": "node"}
    return {"spec": spec, "status": {"phase": "Running", "containerStatuses": found, **status}}


@pytest.mark.parametrize(
    ("pod", "ready", "state"),
    [
        (containers({"running": {}}), "1/1", "Running"),
        (containers({"running": {}}, {"waiting": {"reason": "CrashLoopBackOff"}}), "1/2", "CrashLoopBackOff"),
        (containers({"terminated": {"reason": "Completed"}}, phase="Succeeded"), "0/1", "Completed"),
        (containers({"terminated": {"exitCode": 3}}, phase="Failed"), "0/1", "ExitCode:3"),
        (containers({"terminated": {"signal": 9}}, phase="Failed"), "0/1", "Signal:9"),
        (containers({"running": {}}, reason="Evicted"), "1/1", "Evicted"),
        (containers(phase="Pending"), "0/0", "Pending"),
    ],
)
def test_a_pod_shows_what_matters_most(registry: Registry, pod: dict[str, Any], ready: str, state: str) -> None:
    resource = registry.lookup("", "v1", "pods")
    assert resource is not None
    whole = {"kind": "Pod", "apiVersion": "v1", "metadata": {"name": "n", "creationTimestamp": MADE}, **pod}
    cells = Printer(FakeClock()).table(resource, [whole])["rows"][0]["cells"]
    assert (cells[1], cells[2]) == (ready, state)


@pytest.mark.parametrize("include", ["None", "Metadata", "Object"])
def test_rows_carry_as_much_of_the_object_as_asked(registry: Registry, include: str) -> None:
    resource = registry.lookup("", "v1", "configmaps")
    assert resource is not None
    obj = {
        "kind": "ConfigMap",
        "apiVersion": "v1",
        "metadata": {"name": "n", "creationTimestamp": MADE},
        "data": {"a": ""},
    }
    row = Printer(FakeClock()).table(resource, [obj], include=include)["rows"][0]
    assert row["object"] == {"None": None, "Object": obj}.get(include, row["object"])
    if include == "Metadata":
        assert row["object"]["kind"] == "PartialObjectMetadata"
        assert "data" not in row["object"]


def test_an_object_without_a_time_has_no_age(registry: Registry) -> None:
    resource = registry.lookup("", "v1", "serviceaccounts")
    assert resource is not None
    obj = {"kind": "ServiceAccount", "apiVersion": "v1", "metadata": {"name": "n"}}
    assert Printer(FakeClock()).table(resource, [obj])["rows"][0]["cells"] == ["n", "<unknown>"]


def true(*types: str) -> dict[str, Any]:
    return {"status": {"conditions": [{"type": name, "status": "True"} for name in types]}}


@pytest.mark.parametrize(
    ("job", "state", "completions"),
    [
        (true("FailureTarget", "Failed") | {"spec": {"parallelism": 3}}, "Failed", "0/1 of 3"),
        (true("SuccessCriteriaMet", "Complete") | {"metadata": {"deletionTimestamp": MADE}}, "Complete", "0/1"),
        (true("Suspended") | {"metadata": {"deletionTimestamp": MADE}}, "Terminating", "0/1"),
        (true("Suspended"), "Suspended", "0/1"),
        (true("FailureTarget"), "FailureTarget", "0/1"),
        (true("SuccessCriteriaMet"), "SuccessCriteriaMet", "0/1"),
        ({"status": {"conditions": [{"type": "Complete", "status": "False"}]}}, "Running", "0/1"),
    ],
)
def test_the_state_of_a_job(registry: Registry, job: dict[str, Any], state: str, completions: str) -> None:
    assert row(registry, "batch", "jobs", {"spec": {}} | job)[1:4] == [state, completions, ""]


def test_a_job_that_is_done_took_a_time(registry: Registry) -> None:
    status = {"startTime": MADE, "completionTime": "2025-12-31T23:56:30Z"}
    assert row(registry, "batch", "jobs", {"spec": {}, "status": status})[3] == "90s"


def resource_metric(target: dict[str, Any], **source: Any) -> dict[str, Any]:
    return {"type": "Resource", "resource": {"name": "cpu", "target": target} | source}


def now(kind: str, **current: Any) -> dict[str, Any]:
    return {"type": kind, kind[0].lower() + kind[1:]: {"current": current}}


@pytest.mark.parametrize(
    ("metric", "current", "text"),
    [
        (resource_metric({"averageUtilization": 80}), None, "cpu: <unknown>/80%"),
        (resource_metric({"averageUtilization": 80}), now("Resource", averageUtilization=0), "cpu: 0%/80%"),
        (resource_metric({}), now("Resource", averageUtilization=7), "cpu: 7%/<auto>"),
        (resource_metric({"averageValue": "1"}), now("Resource", averageValue="500m"), "cpu: 500m/1"),
        (
            {"type": "ContainerResource", "containerResource": {"name": "memory", "target": {"averageValue": "1Gi"}}},
            None,
            "memory: <unknown>/1Gi",
        ),
        ({"type": "Pods", "pods": {"target": {"averageValue": "5"}}}, now("Pods", averageValue="3"), "3/5"),
        ({"type": "Object", "object": {"target": {"value": "5"}}}, now("Object", value="3"), "3/5"),
        ({"type": "Object", "object": {"target": {"averageValue": "5"}}}, None, "<unknown>/5 (avg)"),
        ({"type": "External", "external": {"target": {"value": "5"}}}, None, "<unknown>/5"),
        ({"type": "External", "external": {"target": {"averageValue": "5"}}}, None, "<unknown>/5 (avg)"),
    ],
)
def test_a_target_of_an_autoscaler(
    registry: Registry, metric: dict[str, Any], current: dict[str, Any] | None, text: str
) -> None:
    spec = {"scaleTargetRef": {"kind": "Deployment", "name": "d"}, "maxReplicas": 3, "metrics": [metric]}
    status = {"currentReplicas": 2, "currentMetrics": [current] if current else []}
    cells = row(registry, "autoscaling", "horizontalpodautoscalers", {"spec": spec, "status": status}, "v2")
    assert cells == ["n", "Deployment/d", text, "<unset>", 3, 2, AGE]


def test_an_autoscaler_shows_two_targets_and_how_many_more(registry: Registry) -> None:
    spec = {
        "scaleTargetRef": {"kind": "Deployment", "name": "d"},
        "minReplicas": 0,
        "metrics": [resource_metric({"averageUtilization": number}) for number in (1, 2, 3, 4)],
    }
    cells = row(registry, "autoscaling", "horizontalpodautoscalers", {"spec": spec}, "v2")
    assert cells[2:4] == ["cpu: <unknown>/1%, cpu: <unknown>/2% + 2 more...", "0"]
    del spec["metrics"]
    assert row(registry, "autoscaling", "horizontalpodautoscalers", {"spec": spec}, "v2")[2] == "<none>"


def row(registry: Registry, group: str, plural: str, obj: dict[str, Any], version: str = "v1") -> list[Any]:
    """The cells of one object of the name n, made five minutes ago."""
    resource = registry.lookup(group, version, plural)
    assert resource is not None
    metadata = {"name": "n", "creationTimestamp": MADE, **obj.get("metadata", {})}
    whole = {"kind": resource.kind, "apiVersion": resource.api_version, **obj, "metadata": metadata}
    cells: list[Any] = Printer(FakeClock()).table(resource, [whole])["rows"][0]["cells"]
    return cells
