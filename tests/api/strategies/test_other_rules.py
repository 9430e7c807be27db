"""Storage, quotas, RBAC, flow control, webhooks and more that is refused, and why."""

from __future__ import annotations

import base64
from typing import Any

import pytest

from tests.api.strategies.judging import changed, made, refused

VOLUME = {"accessModes": ["ReadWriteOnce"], "capacity": {"storage": "1Gi"}, "hostPath": {"path": "/data"}}
CLAIM = {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "2Gi"}}}
HOOK = {
    "name": "check.example.com",
    "clientConfig": {"url": "https://hook.example/x"},
    "rules": [{"apiGroups": [""], "apiVersions": ["v1"], "resources": ["pods"], "operations": ["CREATE"]}],
    "sideEffects": "None",
    "admissionReviewVersions": ["v1"],
}


def paths(findings: list[str]) -> list[str]:
    return [finding.partition(":")[0] for finding in findings]


def test_volume_source_stays() -> None:
    old = made("v1", "PersistentVolume", spec=VOLUME)
    assert changed(old, spec=old["spec"] | {"capacity": {"storage": "2Gi"}}) == []
    (finding,) = changed(old, spec=old["spec"] | {"hostPath": {"path": "/other", "type": ""}})
    assert '-  "Path": "/data",\n+  "Path": "/other",' in finding


def test_bound_claim_grows_and_shrinks_no_further_than_it_is() -> None:
    old = made("v1", "PersistentVolumeClaim", spec=CLAIM)
    old["spec"]["volumeName"] = "pv"
    old["status"] = {"phase": "Bound", "capacity": {"storage": "1Gi"}}
    for size, expected in (("3Gi", []), ("1500Mi", []), ("1Gi", ["spec.resources.requests.storage"])):
        spec = old["spec"] | {"resources": {"requests": {"storage": size}}}
        assert paths(changed(old, spec=spec)) == expected
    assert paths(changed(old, spec=old["spec"] | {"volumeName": "x"})) == ["spec"]


def test_node_keeps_its_place() -> None:
    old = made("v1", "Node", spec={"podCIDR": "10.0.0.0/24", "providerID": "x://1"})
    assert changed(old, spec={"podCIDR": "10.0.1.0/24", "providerID": "x://2"}) == [
        'spec.podCIDRs: Forbidden: node updates may not change podCIDR except from "" to valid',
        'spec.providerID: Forbidden: node updates may not change providerID except from "" to valid',
    ]


def test_quota_scopes() -> None:
    spec = {"hard": {"services": "1"}, "scopes": ["Terminating"]}
    assert refused("v1", "ResourceQuota", spec=spec) == [
        'spec.scopes: Invalid value: ["Terminating"]: unsupported scope applied to resource'
    ]


def test_limit_range() -> None:
    limit = {"type": "Container", "max": {"cpu": "1"}, "min": {"cpu": "2"}}
    assert "spec.limits[0].min[cpu]" in paths(refused("v1", "LimitRange", spec={"limits": [limit]}))


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ({"involvedObject": {"namespace": "default"}}, []),
        ({"involvedObject": {"namespace": "other"}}, ["involvedObject.namespace"]),
        (
            {"involvedObject": {"namespace": "default"}, "eventTime": "2024-01-01T00:00:00Z"},
            ["reportingComponent", "reportingComponent", "reportingComponent", "reportingInstance", "action", "reason"],
        ),
    ],
)
def test_core_event(body: dict[str, Any], expected: list[str]) -> None:
    assert paths(refused("v1", "Event", **body)) == expected


def test_new_event_leaves_old_fields_empty() -> None:
    body = {"regarding": {"namespace": "default"}, "type": "Odd", "deprecatedCount": 2}
    assert paths(refused("events.k8s.io/v1", "Event", **body)) == ["eventTime", "type", "count"]


def test_autoscaler_of_both_versions() -> None:
    spec = {"maxReplicas": 0, "scaleTargetRef": {"kind": "Deployment", "name": "web", "apiVersion": "apps/v1"}}
    for version in ("autoscaling/v1", "autoscaling/v2"):
        assert paths(refused(version, "HorizontalPodAutoscaler", spec=spec)) == ["spec.maxReplicas"] * 2


def test_role_bindings() -> None:
    group = "rbac.authorization.k8s.io"
    role = {"apiGroup": group, "kind": "Role", "name": "reader"}
    old = made(f"{group}/v1", "RoleBinding", roleRef=role, subjects=[{"kind": "User", "name": "ann"}])
    (finding,) = changed(old, roleRef=role | {"name": "writer"})
    assert finding.endswith("cannot change roleRef")
    subject = {"kind": "ServiceAccount", "name": "robot"}
    findings = refused(f"{group}/v1", "ClusterRoleBinding", roleRef=role, subjects=[subject])
    assert paths(findings) == ["roleRef.kind", "subjects[0].namespace"]


def test_flow_control() -> None:
    group = "flowcontrol.apiserver.k8s.io/v1"
    schema = {"priorityLevelConfiguration": {"name": "x"}, "matchingPrecedence": 1}
    assert paths(refused(group, "FlowSchema", spec=schema)) == ["spec.matchingPrecedence"]
    queuing = {"queues": 64, "handSize": 20, "queueLengthLimit": 5}
    level = {"type": "Limited", "limited": {"limitResponse": {"type": "Queue", "queuing": queuing}}}
    assert refused(group, "PriorityLevelConfiguration", spec=level) == [
        "spec.limited.limitResponse.queuing.handSize: Invalid value: 20: "
        "required entropy bits of deckSize 64 and handSize 20 should not be greater than 60"
    ]


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({}, []),
        ({"clientConfig": {"url": "http://x?y"}}, ["webhooks[0].clientConfig.url"] * 2),
        (
            {"clientConfig": {"service": {"name": "a", "namespace": "b", "path": "/a//B"}}},
            ["webhooks[0].clientConfig.service.path"] * 2,
        ),
        ({"timeoutSeconds": 31}, ["webhooks[0].timeoutSeconds"]),
    ],
)
def test_webhook(change: dict[str, Any], expected: list[str]) -> None:
    group = "admissionregistration.k8s.io/v1"
    assert paths(refused(group, "ValidatingWebhookConfiguration", webhooks=[HOOK | change])) == expected


def test_policy_binding_acts_in_one_way() -> None:
    spec = {"policyName": "p", "validationActions": ["Deny", "Warn"]}
    group = "admissionregistration.k8s.io/v1"
    assert paths(refused(group, "ValidatingAdmissionPolicyBinding", spec=spec)) == ["spec.validationActions"]


def test_signing_request_is_decided_once() -> None:
    body = {"request": base64.b64encode(b"x").decode(), "signerName": "a.example/s", "usages": ["client auth"]}
    findings = refused("certificates.k8s.io/v1", "CertificateSigningRequest", spec=body)
    assert [finding.rpartition(": ")[2] for finding in findings] == ["PEM block type must be CERTIFICATE REQUEST"]
    old = made("certificates.k8s.io/v1", "CertificateSigningRequest", spec=body)
    both = [{"type": kind, "status": "True"} for kind in ("Approved", "Denied")]
    assert paths(changed(old, "approval", status={"conditions": both})) == ["status.conditions[1].type"]
    assert changed(old, "status", status={"conditions": both[:1]}) == [
        'status.conditions: Forbidden: updates may not add a condition of type "Approved"'
    ]


def test_devices() -> None:
    claim = {"devices": {"requests": [{"name": "gpu"}, {"name": "gpu", "exactly": {"deviceClassName": "x"}}]}}
    assert paths(refused("resource.k8s.io/v1", "ResourceClaim", spec=claim)) == [
        "spec.devices.requests[0]",
        "spec.devices.requests[1].name",
    ]
    spec = {"driver": "gpu.example", "pool": {"name": "n", "resourceSliceCount": 1}, "nodeName": "n", "allNodes": True}
    assert paths(refused("resource.k8s.io/v1", "ResourceSlice", spec=spec)) == ["spec"]


def test_small_kinds() -> None:
    assert paths(refused("coordination.k8s.io/v1", "Lease", spec={"leaseDurationSeconds": 0})) == [
        "spec.leaseDurationSeconds"
    ]
    assert paths(refused("node.k8s.io/v1", "RuntimeClass", handler="a.b")) == ["handler"]
    assert refused("scheduling.k8s.io/v1", "PriorityClass", metadata={"name": "system-x"}, value=1) == [
        "metadata.name: Forbidden: priority class names with 'system-' prefix are reserved for system use only. "
        "error: system-x is not a known system priority class"
    ]
    spec = {"group": "a.example", "version": "v1", "groupPriorityMinimum": 1, "versionPriority": 1}
    assert paths(refused("apiregistration.k8s.io/v1", "APIService", spec=spec)) == ["metadata.name"]
