"""The scheduler as a judge: whether what was decided can be scheduled, node by node, when the machines have come."""

from __future__ import annotations

import random
from collections.abc import Sequence
from typing import Any

from cloudk8s.client.interface import Object
from cloudk8s.provisioning.autoscaler.decision import Decision
from cloudk8s.provisioning.autoscaler.offer import Offer, StandingNode
from cloudk8s.scheduler.pod.toleration import Taint
from tests.provisioning.autoscaler.objects import HOSTNAME
from tests.scheduler.table import Table

ORDERS = 20


def misplaced(
    decision: Decision, pods: Sequence[Object], nodes: Sequence[StandingNode], objects: Sequence[Object] = ()
) -> dict[str, str]:
    """Pods that the scheduler's filters keep from the places that were planned for them, and these places.

    Which pod comes first may decide what fits, so several orders are tried; one in which all fit is enough.
    """
    given, chance = list(pods), random.Random(0)
    for _ in range(ORDERS):
        if not (left := _misplaced(decision, given, nodes, objects)):
            return {}
        chance.shuffle(given)
    return left


def _misplaced(
    decision: Decision, pods: Sequence[Object], nodes: Sequence[StandingNode], objects: Sequence[Object]
) -> dict[str, str]:
    table = Table(*objects, *(_standing(node) for node in nodes))
    for node in nodes:
        for pod in node.pods:
            table.put(_pod(pod, node.name))
    plan = dict(decision.fitting)
    for number, machine in enumerate(decision.machines):
        table.put(_planned(f"new-{number}", machine.offer))
        plan |= dict.fromkeys(machine.pods, f"new-{number}")
    left = {key: pod for pod in pods if (key := f"d/{pod['metadata']['name']}") in plan}
    while ready := [key for key, pod in left.items() if plan[key] in table.fits(_pod(pod))]:
        table.put(_pod(left.pop(ready[0]), plan[ready[0]]))
    return {key: plan[key] for key in left}


def _pod(pod: Object, node: str = "") -> Object:
    spec = {**pod["spec"], **({"nodeName": node} if node else {})}
    return {**pod, "apiVersion": "v1", "kind": "Pod", "spec": spec, "status": {"phase": "Pending"}}


def _standing(node: StandingNode) -> Object:
    found = _node(node.name, node.labels, node.allocatable, node.taints)
    return {**found, "spec": {**found["spec"], **({} if node.accepts else {"unschedulable": True})}}


def _planned(name: str, offer: Offer) -> Object:
    return _node(name, {**offer.labels, HOSTNAME: name}, offer.allocatable, offer.taints)


def _node(name: str, labels: Any, amounts: Any, taints: Sequence[Taint]) -> Object:
    allocatable = {key: f"{value}m" if key == "cpu" else str(value) for key, value in amounts.items()}
    said = [{"key": each.key, "value": each.value, "effect": each.effect} for each in taints]
    metadata = {"name": name, "labels": dict(labels)}
    conditions = [{"type": "Ready", "status": "True"}]
    return {
        "apiVersion": "v1", "kind": "Node", "metadata": metadata, "spec": {"taints": said},
        "status": {"allocatable": allocatable, "conditions": conditions},
    }  # fmt: skip
