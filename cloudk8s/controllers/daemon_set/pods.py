"""How a DaemonSet's pods look, and which node each is for; pure functions."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Final

from cloudk8s.client.interface import Object
from cloudk8s.client.objects import annotations_of, is_deleting, labels_of, name_of, spec_of
from cloudk8s.client.resources import DAEMON_SETS
from cloudk8s.controllers.pods import is_terminal, pod_from_template
from cloudk8s.controllers.revisions import POD_LABEL

GENERATION_LABEL: Final = "pod-template-generation"
GENERATION_ANNOTATION: Final = "deprecated.daemonset.template.generation"
_TOLERATED: Final = (
    ("node.kubernetes.io/not-ready", "NoExecute"),
    ("node.kubernetes.io/unreachable", "NoExecute"),
    ("node.kubernetes.io/disk-pressure", "NoSchedule"),
    ("node.kubernetes.io/memory-pressure", "NoSchedule"),
    ("node.kubernetes.io/pid-pressure", "NoSchedule"),
    ("node.kubernetes.io/unschedulable", "NoSchedule"),
)
_NETWORK: Final = ("node.kubernetes.io/network-unavailable", "NoSchedule")


def with_daemon_tolerations(spec: Mapping[str, Any]) -> dict[str, Any]:
    """A pod's spec that puts up with what daemons have to put up with."""
    wanted = (*_TOLERATED, _NETWORK) if spec.get("hostNetwork") else _TOLERATED
    tolerations = list(spec.get("tolerations") or ())
    for key, effect in wanted:
        toleration = {"key": key, "operator": "Exists", "effect": effect}
        same = [i for i, item in enumerate(tolerations) if item.get("key") == key and _covers(item, toleration)]
        if same:
            tolerations[same[0]] = toleration
        else:
            tolerations.append(toleration)
    return {**spec, "tolerations": tolerations}


def _covers(item: Mapping[str, Any], other: Mapping[str, Any]) -> bool:
    """Whether two tolerations are about the same taint: upstream replaces such a one."""
    mine = {name: item.get(name) or "" for name in ("effect", "operator", "value")}
    return mine == {name: other.get(name) or "" for name in ("effect", "operator", "value")}


def new_pod(daemon_set: Object, node: str, hash: str) -> Object:
    """The pod for a node; the scheduler binds it, and may bind it nowhere else."""
    pod = pod_from_template(spec_of(daemon_set)["template"], daemon_set, DAEMON_SETS)
    labels = {**labels_of(pod), POD_LABEL: hash}
    if generation := annotations_of(daemon_set).get(GENERATION_ANNOTATION):
        labels[GENERATION_LABEL] = generation
    pod["metadata"]["labels"] = labels
    pod["spec"] = _pinned(with_daemon_tolerations(pod["spec"]), node)
    return pod


def _pinned(spec: dict[str, Any], node: str) -> dict[str, Any]:
    affinity = dict(spec.get("affinity") or {})
    on_node = {"matchFields": [{"key": "metadata.name", "operator": "In", "values": [node]}]}
    required = {"requiredDuringSchedulingIgnoredDuringExecution": {"nodeSelectorTerms": [on_node]}}
    affinity["nodeAffinity"] = {**(affinity.get("nodeAffinity") or {}), **required}
    return {**spec, "affinity": affinity}


def target_node(pod: Object) -> str:
    """The node that a pod runs on or is made for; empty if it says neither."""
    spec = spec_of(pod)
    if node := spec.get("nodeName"):
        return str(node)
    affinity = (spec.get("affinity") or {}).get("nodeAffinity") or {}
    required = affinity.get("requiredDuringSchedulingIgnoredDuringExecution") or {}
    for term in required.get("nodeSelectorTerms") or ():
        for field in term.get("matchFields") or ():
            if field.get("key") == "metadata.name" and field.get("operator") == "In" and len(field["values"]) == 1:
                return str(field["values"][0])
    return ""


def by_node(pods: Iterable[Object]) -> dict[str, list[Object]]:
    """Pods by the node they are for; those that have ended and are being deleted do not count."""
    found: dict[str, list[Object]] = {}
    for pod in pods:
        if not (is_deleting(pod) and is_terminal(pod)) and (node := target_node(pod)):
            found.setdefault(node, []).append(pod)
    return found


def oldest_first(pods: Iterable[Object]) -> list[Object]:
    """Those on a node first, then by age."""
    return sorted(
        pods,
        key=lambda pod: (
            not spec_of(pod).get("nodeName"), pod["metadata"].get("creationTimestamp", ""), name_of(pod),
        ),
    )  # fmt: skip


def is_updated(daemon_set: Object, pod: Object, hash: str) -> bool:
    """Whether a pod is made from the present template."""
    labels = labels_of(pod)
    if hash and labels.get(POD_LABEL) == hash:
        return True
    generation = annotations_of(daemon_set).get(GENERATION_ANNOTATION)
    return generation is not None and labels.get(GENERATION_LABEL) == generation
