"""The custom resource, in the group, version and words of the AWS Load Balancer Controller. Pure data."""

from __future__ import annotations

from typing import Any, Final

from cloudk8s.client.interface import Resource

TARGET_GROUP_BINDINGS: Final = Resource("elbv2.k8s.aws", "v1beta1", "targetgroupbindings", "TargetGroupBinding")
FINALIZER: Final = "elbv2.k8s.aws/resources"

_STRING: Final = {"type": "string"}
_LABEL_SELECTOR: Final = {
    "type": "object",
    "properties": {
        "matchLabels": {"type": "object", "additionalProperties": _STRING},
        "matchExpressions": {
            "type": "array",
            "items": {
                "type": "object",
                "required": ["key", "operator"],
                "properties": {
                    "key": _STRING, "operator": _STRING, "values": {"type": "array", "items": _STRING},
                },
            },
        },
    },
}  # fmt: skip
_PEER: Final = {
    "type": "object",
    "properties": {
        "ipBlock": {"type": "object", "required": ["cidr"], "properties": {"cidr": _STRING}},
        "securityGroup": {"type": "object", "required": ["groupID"], "properties": {"groupID": _STRING}},
    },
}
_NETWORKING: Final = {
    "type": "object",
    "properties": {
        "ingress": {
            "type": "array",
            "items": {
                "type": "object",
                "required": ["from", "ports"],
                "properties": {
                    "from": {"type": "array", "items": _PEER},
                    "ports": {
                        "type": "array",
                        "items": {
                            "type": "object",
                            "properties": {
                                "port": {"x-kubernetes-int-or-string": True},
                                "protocol": {"type": "string", "enum": ["TCP", "UDP"]},
                            },
                        },
                    },
                },
            },
        },
    },
}
_SPEC: Final = {
    "type": "object",
    "required": ["serviceRef"],
    "properties": {
        "targetGroupARN": {"type": "string", "minLength": 1},
        "targetGroupName": {"type": "string", "minLength": 1},
        "targetType": {"type": "string", "enum": ["instance", "ip"]},
        "serviceRef": {
            "type": "object",
            "required": ["name", "port"],
            "properties": {"name": _STRING, "port": {"x-kubernetes-int-or-string": True}},
        },
        "ipAddressType": {"type": "string", "enum": ["ipv4", "ipv6"]},
        "vpcID": _STRING,
        "multiClusterTargetGroup": {"type": "boolean"},
        "networking": _NETWORKING,
        "nodeSelector": _LABEL_SELECTOR,
    },
}
_COLUMNS: Final = (
    ("SERVICE-NAME", "string", ".spec.serviceRef.name"), ("SERVICE-PORT", "string", ".spec.serviceRef.port"),
    ("TARGET-TYPE", "string", ".spec.targetType"), ("ARN", "string", ".spec.targetGroupARN"),
    ("AGE", "date", ".metadata.creationTimestamp"),
)  # fmt: skip


def definition() -> dict[str, Any]:
    """The CustomResourceDefinition; made where it is not there, and left alone where it is."""
    status = {"type": "object", "properties": {"observedGeneration": {"type": "integer", "format": "int64"}}}
    meta = {"apiVersion": _STRING, "kind": _STRING, "metadata": {"type": "object"}}
    resource = TARGET_GROUP_BINDINGS
    version = {
        "name": resource.version, "served": True, "storage": True, "subresources": {"status": {}},
        "schema": {"openAPIV3Schema": {"type": "object", "properties": {**meta, "spec": _SPEC, "status": status}}},
        "additionalPrinterColumns": [{"name": n, "type": t, "jsonPath": p} for n, t, p in _COLUMNS],
    }  # fmt: skip
    return {
        "apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition",
        "metadata": {"name": f"{resource.plural}.{resource.group}"},
        "spec": {
            "group": resource.group, "scope": "Namespaced", "versions": [version],
            "names": {
                "plural": resource.plural, "singular": "targetgroupbinding", "kind": resource.kind,
                "listKind": "TargetGroupBindingList",
            },
        },
    }  # fmt: skip
