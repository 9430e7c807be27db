"""The smallest object of each kind that is stored, and what may stand in its status."""

from __future__ import annotations

from typing import Any

_POD: dict[str, Any] = {"containers": [{"name": "main", "image": "registry.example/app:1"}]}
_LABELS = {"app": "web"}
_TEMPLATE = {"metadata": {"labels": _LABELS}, "spec": _POD}
_SELECTED = {"selector": {"matchLabels": _LABELS}, "template": _TEMPLATE}
_ONCE = {"template": {"spec": _POD | {"restartPolicy": "Never"}}}
_TARGET = {"apiVersion": "apps/v1", "kind": "Deployment", "name": "web"}
_THINGS = {"apiGroups": ["a.example"], "apiVersions": ["v1"], "resources": ["things"], "operations": ["CREATE"]}
_HOOK = {
    "name": "hook.a.example", "clientConfig": {"url": "https://hook.example/x"}, "rules": [_THINGS],
    "sideEffects": "None", "admissionReviewVersions": ["v1"],
}  # fmt: skip
_MATCH = {"matchConstraints": {"resourceRules": [_THINGS]}}
_EXPRESSION = "Object{metadata: Object.metadata{annotations: {'a': 'b'}}}"
_DEVICES = {"devices": {"requests": [{"name": "gpu", "exactly": {"deviceClassName": "gpu"}}]}}
_ROLE = {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "view"}
_RULES = [{"apiGroups": [""], "resources": ["pods"], "verbs": ["get"]}]
_VERSION = {"name": "v1", "served": True, "storage": True, "schema": {"openAPIV3Schema": {"type": "object"}}}
_REGARDED = {"kind": "Pod", "name": "web", "namespace": "default"}
_VOLUME = {"accessModes": ["ReadWriteOnce"], "capacity": {"storage": "1Gi"}, "hostPath": {"path": "/data"}}
_MOMENT = "2026-01-01T00:00:00.000000Z"
_DEVICE_POOL = {"name": "n1", "generation": 1, "resourceSliceCount": 1}

NAMES = {
    "apiservices": "v1.a.example",
    "customresourcedefinitions": "things.a.example",
    "ipaddresses": "10.96.7.7",
}
"""Of those kinds that say what their objects are called."""


def smallest(group: str, plural: str, request: str) -> dict[str, Any]:
    """Fields besides the metadata; `request` is a signing request."""
    if plural == "certificatesigningrequests":
        return {"spec": {"request": request, "signerName": "a.example/signer", "usages": ["digital signature"]}}
    if (group, plural) == ("events.k8s.io", "events"):
        return _NEW_EVENT
    return _OBJECTS[plural]


_NEW_EVENT: dict[str, Any] = {
    "eventTime": _MOMENT, "reportingController": "a.example/c", "reportingInstance": "c-1", "action": "Start",
    "reason": "Started", "type": "Normal", "regarding": _REGARDED,
}  # fmt: skip
_OBJECTS: dict[str, dict[str, Any]] = {
    "configmaps": {"data": {"k": "v"}},
    "endpoints": {"subsets": [{"addresses": [{"ip": "10.1.2.3"}], "ports": [{"port": 80}]}]},
    "events": {"involvedObject": _REGARDED, "reason": "Started", "type": "Normal"},
    "limitranges": {"spec": {"limits": [{"type": "Container", "max": {"cpu": "100"}}]}},
    "namespaces": {},
    "nodes": {},
    "persistentvolumeclaims": {
        "spec": {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}}
    },
    "persistentvolumes": {"spec": _VOLUME},
    "pods": {"spec": _POD},
    "podtemplates": {"template": _TEMPLATE},
    "replicationcontrollers": {"spec": {"selector": _LABELS, "template": _TEMPLATE}},
    "resourcequotas": {"spec": {"hard": {"count/things.a.example": "100"}}},
    "secrets": {"data": {"k": "dg=="}},
    "serviceaccounts": {},
    "services": {"spec": {"selector": _LABELS, "ports": [{"port": 80}]}},
    "apiservices": {
        "spec": {"group": "a.example", "version": "v1", "groupPriorityMinimum": 100, "versionPriority": 10,
                 "insecureSkipTLSVerify": True, "service": {"name": "ext", "namespace": "default"}},
    },
    "controllerrevisions": {"revision": 1, "data": {"spec": {"x": 1}}},
    "daemonsets": {"spec": _SELECTED},
    "deployments": {"spec": _SELECTED},
    "replicasets": {"spec": _SELECTED},
    "statefulsets": {"spec": _SELECTED | {"serviceName": "web"}},
    "horizontalpodautoscalers": {"spec": {"maxReplicas": 5, "scaleTargetRef": _TARGET}},
    "cronjobs": {"spec": {"schedule": "*/5 * * * *", "jobTemplate": {"spec": _ONCE}}},
    "jobs": {"spec": _ONCE},
    "ingressclasses": {"spec": {"controller": "a.example/front"}},
    "ingresses": {"spec": {"defaultBackend": {"service": {"name": "web", "port": {"number": 80}}}}},
    "ipaddresses": {"spec": {"parentRef": {"resource": "services", "name": "web", "namespace": "default"}}},
    "networkpolicies": {"spec": {"podSelector": {}}},
    "servicecidrs": {"spec": {"cidrs": ["10.77.0.0/24"]}},
    "poddisruptionbudgets": {"spec": {"minAvailable": 1, "selector": {"matchLabels": _LABELS}}},
    "clusterrolebindings": {"roleRef": _ROLE},
    "clusterroles": {"rules": _RULES},
    "rolebindings": {"roleRef": _ROLE},
    "roles": {"rules": _RULES},
    "csidrivers": {"spec": {}},
    "csinodes": {"spec": {"drivers": []}},
    "csistoragecapacities": {"storageClassName": "fast", "capacity": "10Gi"},
    "storageclasses": {"provisioner": "disk.example"},
    "volumeattachments": {
        "spec": {"attacher": "disk.example", "nodeName": "n1", "source": {"persistentVolumeName": "v1"}}
    },
    "volumeattributesclasses": {"driverName": "disk.example", "parameters": {"iops": "100"}},
    "mutatingadmissionpolicies": {
        "spec": _MATCH | {
            "reinvocationPolicy": "Never",
            "mutations": [{"patchType": "ApplyConfiguration", "applyConfiguration": {"expression": _EXPRESSION}}],
        },
    },
    "mutatingadmissionpolicybindings": {"spec": {"policyName": "p"}},
    "mutatingwebhookconfigurations": {"webhooks": [_HOOK]},
    "validatingadmissionpolicies": {"spec": _MATCH | {"validations": [{"expression": "true"}]}},
    "validatingadmissionpolicybindings": {"spec": {"policyName": "p", "validationActions": ["Deny"]}},
    "validatingwebhookconfigurations": {"webhooks": [_HOOK]},
    "customresourcedefinitions": {
        "spec": {"group": "a.example", "scope": "Namespaced", "names": {"plural": "things", "kind": "Thing"},
                 "versions": [_VERSION]},
    },
    "priorityclasses": {"value": 1000},
    "leases": {"spec": {"holderIdentity": "me", "renewTime": "0001-01-01T00:00:05.000123Z"}},
    "runtimeclasses": {"handler": "kata"},
    "endpointslices": {"addressType": "IPv4", "endpoints": [{"addresses": ["10.1.2.3"]}], "ports": [{"port": 80}]},
    "deviceclasses": {"spec": {}},
    "resourceclaims": {"spec": _DEVICES},
    "resourceclaimtemplates": {"spec": {"spec": _DEVICES}},
    "resourceslices": {"spec": {"driver": "gpu.example", "nodeName": "n1", "pool": _DEVICE_POOL, "devices": []}},
    "flowschemas": {"spec": {"priorityLevelConfiguration": {"name": "global-default"}, "matchingPrecedence": 10000}},
    "prioritylevelconfigurations": {"spec": {"type": "Limited", "limited": {"limitResponse": {"type": "Reject"}}}},
}  # fmt: skip


def _condition(reason: str) -> dict[str, Any]:
    """As controllers of one's own may write it, without a time."""
    return {"conditions": [{"type": "Seen", "status": "True", "reason": reason, "message": "by a test"}]}


def _timed(reason: str) -> dict[str, Any]:
    """As the common type of conditions wants it."""
    (condition,) = _condition(reason)["conditions"]
    return {"conditions": [condition | {"lastTransitionTime": "2026-01-01T00:00:00Z"}]}


def _allocated(device: str) -> dict[str, Any]:
    result = {"request": "gpu", "driver": "gpu.example", "pool": "n1", "device": "d"}
    return {"allocation": {"devices": {"results": [result]}}, "reservedFor": [{"resource": "pods", **_pod(device)}]}


def _pod(name: str) -> dict[str, str]:
    return {"name": name, "uid": name}


_CONDITIONS = _condition("First"), _condition("Second")
_TIMED = _timed("First"), _timed("Second")
STATUSES: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "apiservices.v1": _CONDITIONS,
    "certificatesigningrequests.v1": _CONDITIONS,
    "cronjobs.v1": ({"lastScheduleTime": "2026-01-01T00:00:00Z"}, {"lastScheduleTime": "2026-01-02T00:00:00Z"}),
    "customresourcedefinitions.v1": _CONDITIONS,
    "daemonsets.v1": _CONDITIONS,
    "deployments.v1": _CONDITIONS,
    "flowschemas.v1": _CONDITIONS,
    "horizontalpodautoscalers.v1": ({"desiredReplicas": 2}, {"desiredReplicas": 3}),
    "horizontalpodautoscalers.v2": _CONDITIONS,
    "ingresses.v1": (
        {"loadBalancer": {"ingress": [{"ip": "10.1.2.3"}]}}, {"loadBalancer": {"ingress": [{"ip": "10.1.2.4"}]}},
    ),
    "jobs.v1": _CONDITIONS,
    "namespaces.v1": _CONDITIONS,
    "nodes.v1": _CONDITIONS,
    "persistentvolumeclaims.v1": _CONDITIONS,
    "persistentvolumes.v1": ({"message": "first"}, {"message": "second"}),
    "poddisruptionbudgets.v1": _TIMED,
    "pods.v1": _CONDITIONS,
    "prioritylevelconfigurations.v1": _CONDITIONS,
    "replicasets.v1": _CONDITIONS,
    "replicationcontrollers.v1": _CONDITIONS,
    "resourceclaims.v1": (_allocated("a"), _allocated("b")),
    "resourcequotas.v1": ({"used": {"pods": "1"}}, {"used": {"pods": "2"}}),
    "servicecidrs.v1": _TIMED,
    "services.v1": _TIMED,
    "statefulsets.v1": _CONDITIONS,
    "validatingadmissionpolicies.v1": _TIMED,
    "volumeattachments.v1": ({"attached": True}, {"attached": False}),
}  # fmt: skip
"""Two statuses of each kind that has one."""
