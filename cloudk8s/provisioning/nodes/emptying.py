"""Empty a node before its machine goes: cordon it, evict its pods, wait until they and their volumes have left.

Pods of DaemonSets, mirror pods and those that ask for it stay. What a disruption budget protects is asked for again and
again, until the time for it is up. `MachineDrainRule`s say in which order pods leave, which stay, and which may finish.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

from cloudk8s.client.interface import Object
from cloudk8s.client.objects import (
    annotations_of,
    controller_of,
    is_deleting,
    name_of,
    namespace_of,
    spec_of,
    status_of,
)
from cloudk8s.client.resources import NODES, PODS, VOLUME_ATTACHMENTS
from cloudk8s.errors import BadRequest, NotFound, TooManyRequests
from cloudk8s.provisioning.nodes.api import ClusterApi
from cloudk8s.provisioning.nodes.drain_rules import Place, Treatment, treatment

MIRROR: Final = "kubernetes.io/config.mirror"


@dataclass(frozen=True, slots=True)
class DrainPlan:
    """The rules that hold for one machine."""

    rules: Sequence[Object] = ()
    place: Place = field(default_factory=Place)

    def treatment(self, pod: Object) -> Treatment:
        return treatment(pod, self.rules, self.place)


def empty(api: ClusterApi, node: str, plan: DrainPlan | None = None) -> str:
    """Take one step; returns what is still in the way, nothing when the node is empty or gone."""
    try:
        api.patch(NODES, node, {"spec": {"unschedulable": True}})
    except NotFound:
        return ""
    plan = plan or DrainPlan()
    found = [pod for pod in api.list(PODS, fields=f"spec.nodeName={node}") if must_leave(pod)]
    treated = [(pod, plan.treatment(pod)) for pod in found]
    leaving = [(pod, how.order) for pod, how in treated if how.behavior == "Drain"]
    now = min((order for _, order in leaving), default=0)
    protected = [name for pod, order in leaving if order == now and not is_deleting(pod) and (name := _evict(api, pod))]
    if protected:
        return f"a disruption budget keeps {_named(protected)} on {node}"
    if leaving:
        return f"{_named([_name(pod) for pod, _ in leaving])} still leaving {node}"
    if finishing := [_name(pod) for pod, how in treated if how.behavior == "WaitCompleted"]:
        return f"{_named(finishing)} may finish on {node}"
    return _volumes(api, node)


def must_leave(pod: Object) -> bool:
    """Whether a pod keeps its node from going, unless it asks not to. Pure."""
    if status_of(pod).get("phase") in ("Succeeded", "Failed") or MIRROR in annotations_of(pod):
        return False
    owner = controller_of(pod)
    return owner is None or owner.get("kind") != "DaemonSet"


def _volumes(api: ClusterApi, node: str) -> str:
    """Volumes that a machine must not take with it."""
    attached = [
        str((spec_of(entry).get("source") or {}).get("persistentVolumeName") or name_of(entry))
        for entry in api.list(VOLUME_ATTACHMENTS)
        if spec_of(entry).get("nodeName") == node
    ]
    return f"volumes {_named(attached)} still attached to {node}" if attached else ""


def _evict(api: ClusterApi, pod: Object) -> str:
    """Its name, if it may not go now."""
    try:
        try:
            _post_eviction(api, pod, "policy/v1")
        except BadRequest:  # servers before 1.22 know the older version only
            _post_eviction(api, pod, "policy/v1beta1")
    except NotFound:
        return ""
    except TooManyRequests:
        return _name(pod)
    return ""


def _post_eviction(api: ClusterApi, pod: Object, version: str) -> None:
    metadata = {"name": name_of(pod), "namespace": namespace_of(pod)}
    eviction = {"apiVersion": version, "kind": "Eviction", "metadata": metadata}
    api.create(PODS, eviction, name=name_of(pod), subresource="eviction")


def _name(pod: Object) -> str:
    return f"{namespace_of(pod)}/{name_of(pod)}"


def _named(names: Sequence[str]) -> str:
    more = f" and {len(names) - 3} more" if len(names) > 3 else ""
    return f"{', '.join(sorted(names)[:3])}{more}"
