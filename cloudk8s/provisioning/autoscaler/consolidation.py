"""Which nodes nobody needs: all their pods fit elsewhere, and nothing holds them back."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from cloudk8s.client.interface import Object
from cloudk8s.client.objects import annotations_of, controller_of
from cloudk8s.provisioning.autoscaler.budgets import Budgets
from cloudk8s.provisioning.autoscaler.demand import NOWHERE, Surroundings, demands_of
from cloudk8s.provisioning.autoscaler.offer import StandingNode
from cloudk8s.provisioning.autoscaler.packing import Packing

SAFE_TO_EVICT = "cluster-autoscaler.kubernetes.io/safe-to-evict"
DO_NOT_DISRUPT = "karpenter.sh/do-not-disrupt"


@dataclass(frozen=True, slots=True)
class Removal:
    """A node that can go, and where its pods fit."""

    node: str
    pool: str
    moves: tuple[tuple[str, str], ...]
    """Pods and their new nodes."""


@dataclass(frozen=True, slots=True)
class Kept:
    """A node that has to stay."""

    node: str
    reason: str


def removable(
    nodes: Sequence[StandingNode],
    spare: Mapping[str, int],
    budgets: Budgets | None = None,
    around: Surroundings = NOWHERE,
) -> tuple[list[Removal], list[Kept]]:
    """Nodes to take away, the emptiest first, so that all of them can go together; and why the others stay.

    `spare` says how many machines each pool may lose; of `budgets`, which are spent, all that go take their share.
    """
    left, budgets = dict(spare), budgets or Budgets()
    removals: list[Removal] = []
    kept: list[Kept] = []
    receiving: set[str] = set()
    going = {node.name: demands_of((_unbound(pod) for pod in moving(node)), around) for node in nodes}
    packing = Packing(nodes, (), [demand for demands in going.values() for demand in demands], around)
    for node in sorted(nodes, key=lambda node: (len(moving(node)), -node.cost, node.name)):
        if reason := _held(node, left, budgets):
            kept.append(Kept(node.name, reason))
        elif node.name in receiving:
            kept.append(Kept(node.name, "pods of nodes that go fit here"))
        elif problem := next((each.problem for each in going[node.name] if each.problem), ""):
            kept.append(Kept(node.name, f"one of its pods: {problem}"))
        elif not (moves := packing.relocate(node.name, going[node.name])) and going[node.name]:
            kept.append(Kept(node.name, "its pods do not all fit elsewhere"))
        else:
            left[node.pool] -= 1
            budgets.spend(moving(node))
            receiving.update(where for _, where in moves)
            removals.append(Removal(node.name, node.pool, tuple(moves)))
    return removals, kept


def moving(node: StandingNode) -> list[Object]:
    """The pods that would have to go elsewhere: those of DaemonSets end with their node."""
    return [pod for pod in node.pods if (controller_of(pod) or {}).get("kind") not in ("DaemonSet", "Node")]


def _held(node: StandingNode, left: Mapping[str, int], budgets: Budgets) -> str:
    if not node.accepts:
        return "it is cordoned, not ready or going already"
    if node.held:
        return node.held
    if left.get(node.pool, 0) <= 0:
        return f"pool {node.pool or '(none)'} may not lose another machine"
    for pod in moving(node):
        name = f"{pod['metadata'].get('namespace', '')}/{pod['metadata']['name']}"
        if annotations_of(pod).get(SAFE_TO_EVICT) == "false" or annotations_of(pod).get(DO_NOT_DISRUPT) == "true":
            return f"pod {name} says that it may not be moved"
        if controller_of(pod) is None:
            return f"nobody would make pod {name} again"
    if name := budgets.refuses(moving(node)):
        return f"a disruption budget keeps pod {name}"
    return ""


def _unbound(pod: Object) -> Object:
    return {**pod, "spec": {name: value for name, value in pod["spec"].items() if name != "nodeName"}}
