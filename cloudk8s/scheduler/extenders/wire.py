"""What goes to an extender and what comes back, as `k8s.io/kube-scheduler/extender/v1` has it: with Go's names. Pure.

What comes back is read whatever the case of its keys, as Go reads JSON.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from cloudk8s.client.interface import Object
from cloudk8s.client.objects import name_of
from cloudk8s.scheduler.pod.pod import Pod
from cloudk8s.scheduler.preemption.candidates import Candidate


class WireError(ValueError):
    """An extender answered something else than it should."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """Which nodes an extender lets pass, and why not the others."""

    names: Sequence[str]
    failed: Mapping[str, str] = field(default_factory=dict)
    """Reasons by node, where removing pods may help."""
    unresolvable: Mapping[str, str] = field(default_factory=dict)
    """Reasons by node, where it does not help."""
    error: str = ""


def arguments(pod: Pod, nodes: Mapping[str, Object], *, by_name: bool) -> Object:
    """What `filter` and `prioritize` are asked with: the nodes, or their names for those who know them."""
    if by_name:
        return {"Pod": pod.obj, "Nodes": None, "NodeNames": list(nodes)}
    return {"Pod": pod.obj, "Nodes": {"metadata": {}, "items": list(nodes.values())}, "NodeNames": None}


def verdict(answer: Any, asked: Mapping[str, Object], *, by_name: bool) -> Verdict:
    """What `filter` answers. Raises WireError."""
    found = _fields(answer)
    names, nodes = found.get("nodenames"), found.get("nodes")
    if by_name and names is not None:
        passed = [str(name) for name in names]
    elif nodes is not None:
        passed = [name_of(node) for node in _fields(nodes).get("items") or ()]
    else:
        passed = []
    if unknown := [name for name in passed if name not in asked]:
        raise WireError(f"node {unknown[0]!r} was not among those that were asked about")
    failed, unresolvable = found.get("failednodes") or {}, found.get("failedandunresolvablenodes") or {}
    return Verdict(passed, dict(failed), dict(unresolvable), str(found.get("error") or ""))


def scores(answer: Any) -> Mapping[str, float]:
    """What `prioritize` answers: scores by node. Raises WireError."""
    if not isinstance(answer, list):
        raise WireError("a list of hosts and scores was expected")
    found = [_fields(item) for item in answer]
    return {str(item.get("host", "")): float(item.get("score") or 0) for item in found}


def preemption(pod: Pod, candidates: Sequence[Candidate], *, by_name: bool) -> Object:
    """What `preempt` is asked with: victims by node, by UID for those who know them."""
    whole = {each.node: _victims(each, [pod.obj for pod in each.victims]) for each in candidates}
    short = {each.node: _victims(each, [{"UID": pod.uid} for pod in each.victims]) for each in candidates}
    return {
        "Pod": pod.obj,
        "NodeNameToVictims": None if by_name else whole,
        "NodeNameToMetaVictims": short if by_name else None,
    }


def victims(answer: Any) -> Mapping[str, tuple[Sequence[str], int]]:
    """What `preempt` answers: UIDs of victims by node, and how many disruption budgets that breaks."""
    found = {}
    for node, item in (_fields(answer).get("nodenametometavictims") or {}).items():
        fields = _fields(item)
        uids = [str(_fields(pod).get("uid", "")) for pod in fields.get("pods") or ()]
        found[str(node)] = (uids, int(fields.get("numpdbviolations") or 0))
    return found


def binding(pod: Pod, node: str) -> Object:
    """What `bind` is asked with."""
    return {"PodName": pod.name, "PodNamespace": pod.namespace, "PodUID": pod.uid, "Node": node}


def error(answer: Any) -> str:
    """The error in an answer; empty if there is none. Raises WireError."""
    return str(_fields(answer).get("error") or "")


def _victims(candidate: Candidate, pods: Sequence[Object]) -> Object:
    return {"Pods": list(pods), "NumPDBViolations": candidate.cost[0]}


def _fields(value: Any) -> Mapping[str, Any]:
    if not isinstance(value, dict):
        raise WireError("an object was expected")
    return {name.lower(): item for name, item in value.items()}
