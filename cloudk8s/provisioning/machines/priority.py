"""Which machines of a set go first. Pure; the order is Cluster API's.

Marked for deletion 80, unhealthy 50, then by the set's policy: Random 20, Oldest 50·(1 − e^(−age/10 d)), Newest the
rest of it to 50. Among equals the one in the most crowded zone goes first, then by name.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from datetime import datetime

from cloudk8s.provisioning.machines.view import MachineView

DELETE_MARK = "cluster.x-k8s.io/delete-machine"
TEN_DAYS = 864_000.0
MUST, BETTER, COULD = 80.0, 50.0, 20.0


def victims(machines: Sequence[MachineView], count: int, *, order: str, now: datetime) -> list[MachineView]:
    """The machines to delete, the first first."""
    left = list(machines)
    chosen: list[MachineView] = []
    while left and len(chosen) < count:
        crowd = Counter(entry.machine.zone for entry in left)
        ranked = sorted(left, key=lambda entry: (-_score(entry, order, now), -crowd[entry.machine.zone], entry.name))
        chosen.append(ranked[0])
        left.remove(ranked[0])
    return chosen


def _score(view: MachineView, order: str, now: datetime) -> float:
    on_node = view.node.annotations if view.node is not None else {}
    if DELETE_MARK in view.marks or DELETE_MARK in view.machine.tags or DELETE_MARK in on_node:
        return MUST
    if not view.is_available:
        return BETTER
    if order == "Random":
        return COULD
    age = (now - view.machine.created).total_seconds() if view.machine.created else 0.0
    oldest = BETTER * (1 - math.exp(-age / TEN_DAYS))
    return oldest if order == "Oldest" else BETTER - oldest
