"""A Node object as clouds are asked about it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from cloudk8s.client.interface import Object
from cloudk8s.client.objects import labels_of, name_of, spec_of, status_of, uid_of
from cloudk8s.cloud.model.instance import NodeAddress, NodeRef

UNINITIALIZED = "node.cloudprovider.kubernetes.io/uninitialized"
SHUTDOWN = "node.cloudprovider.kubernetes.io/shutdown"
TO_BE_DELETED = "ToBeDeletedByClusterAutoscaler"
EXCLUDE = "node.kubernetes.io/exclude-from-external-load-balancers"
PROVIDED_NODE_IP = "alpha.kubernetes.io/provided-node-ip"


def node_ref(node: Object) -> NodeRef:
    """What a cloud may know about a node."""
    return NodeRef(name_of(node), uid_of(node), provider_id_of(node), addresses_of(node), labels_of(node))


def provider_id_of(node: Object) -> str:
    return str(spec_of(node).get("providerID") or "")


def addresses_of(node: Object) -> tuple[NodeAddress, ...]:
    """`status.addresses`, in order."""
    return tuple(NodeAddress(entry["type"], entry["address"]) for entry in status_of(node).get("addresses") or ())


def age_of(node: Object, now: datetime) -> timedelta:
    """How long ago the node was created; none where that is not known."""
    stamp = node["metadata"].get("creationTimestamp")
    return now - datetime.fromisoformat(str(stamp).replace("Z", "+00:00")) if stamp else timedelta(0)


def taints_of(node: Object) -> list[Mapping[str, Any]]:
    return list(spec_of(node).get("taints") or ())


def has_taint(node: Object, key: str) -> bool:
    """Whether a taint with this key is there, whatever its value and effect."""
    return any(taint.get("key") == key for taint in taints_of(node))
