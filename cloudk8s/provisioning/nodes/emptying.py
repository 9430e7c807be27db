"""Empty a node before its machine goes: cordon it, evict its pods, wait until they have left.

Pods of DaemonSets, mirror pods and those that ask for it (`cluster.x-k8s.io/drain: skip`) stay. What a disruption
budget protects is asked for again and again, until the time for it is up.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from cloudk8s.client.interface import Object
from cloudk8s.client.objects import (
    annotations_of,
    controller_of,
    is_deleting,
    labels_of,
    name_of,
    namespace_of,
    status_of,
)
from cloudk8s.client.resources import NODES, PODS
from cloudk8s.errors import NotFound, TooManyRequests
from cloudk8s.provisioning.nodes.api import ClusterApi

MIRROR: Final = "kubernetes.io/config.mirror"
SKIP: Final = "cluster.x-k8s.io/drain"


def empty(api: ClusterApi, node: str) -> str:
    """Take one step; returns what is still in the way, nothing when the node is empty or gone."""
    try:
        api.patch(NODES, node, {"spec": {"unschedulable": True}})
    except NotFound:
        return ""
    leaving = [pod for pod in api.list(PODS, fields=f"spec.nodeName={node}") if must_leave(pod)]
    protected = [name for pod in leaving if not is_deleting(pod) and (name := _evict(api, pod))]
    if protected:
        return f"a disruption budget keeps {_named(protected)} on {node}"
    return f"{_named([_name(pod) for pod in leaving])} still leaving {node}" if leaving else ""


def must_leave(pod: Object) -> bool:
    """Whether a pod keeps its node from going. Pure."""
    if status_of(pod).get("phase") in ("Succeeded", "Failed") or MIRROR in annotations_of(pod):
        return False
    owner = controller_of(pod)
    is_daemon = owner is not None and owner.get("kind") == "DaemonSet"
    return not is_daemon and labels_of(pod).get(SKIP) != "skip"


def _evict(api: ClusterApi, pod: Object) -> str:
    """Its name, if it may not go now."""
    metadata = {"name": name_of(pod), "namespace": namespace_of(pod)}
    eviction = {"apiVersion": "policy/v1", "kind": "Eviction", "metadata": metadata}
    try:
        api.create(PODS, eviction, name=name_of(pod), subresource="eviction")
    except NotFound:
        return ""
    except TooManyRequests:
        return _name(pod)
    return ""


def _name(pod: Object) -> str:
    return f"{namespace_of(pod)}/{name_of(pod)}"


def _named(names: Sequence[str]) -> str:
    more = f" and {len(names) - 3} more" if len(names) > 3 else ""
    return f"{', '.join(sorted(names)[:3])}{more}"
