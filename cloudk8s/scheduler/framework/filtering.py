"""Which nodes can take a pod."""

from __future__ import annotations

from cloudk8s.scheduler.cluster.arrays import Bools
from cloudk8s.scheduler.framework.diagnosis import Diagnosis
from cloudk8s.scheduler.framework.profile import Profile
from cloudk8s.scheduler.interface import Cycle, Filter, Refusal


def prepare(profile: Profile, cycle: Cycle) -> Refusal | None:
    """Run the pre-filters; a refusal names its plugin."""
    limiting = []
    for plugin in profile.pre_filter:
        answer = plugin.pre_filter(cycle)
        if answer is None:
            continue
        name = plugin.name  # type: ignore[attr-defined]
        if isinstance(answer, Refusal):
            return Refusal(answer.reason, answer.is_resolvable, name)
        limiting.append(name)
        cycle.names = answer if cycle.names is None else cycle.names & answer
        if not cycle.names:
            return Refusal(_contradiction(limiting), plugin=name)
    if limiting:
        cycle.state["limiting"] = limiting
    return None


def feasible(profile: Profile, cycle: Cycle, rows: slice) -> Bools:
    """The rows of nodes that exist and pass every filter."""
    alive = eligible(cycle, rows)
    for plugin in profile.filter:
        cycle.alive = alive
        passed = plugin.filter(cycle, rows)
        if passed is not None:
            alive = alive & passed
    return alive


def diagnose(profile: Profile, cycle: Cycle) -> Diagnosis:
    """Ask all filters again, and why, after no node was feasible."""
    nodes = cycle.cluster.nodes
    rows = nodes.rows
    alive = eligible(cycle, rows)
    counts: dict[str, int] = {}
    plugins: set[str] = set()
    resolvable = alive.copy()
    if limiting := cycle.state.get("limiting"):
        counts[f"node(s) didn't satisfy plugin(s) [{' '.join(sorted(limiting))}]"] = nodes.count - int(alive.sum())
        plugins.update(limiting)
    for plugin in profile.filter:
        cycle.alive = alive
        passed = plugin.filter(cycle, rows)
        if passed is None or passed[alive].all():
            continue
        plugins.add(plugin.name)  # type: ignore[attr-defined]
        _count(plugin, cycle, alive & ~passed, counts, resolvable)
        alive = alive & passed
    counts = {reason: count for reason, count in counts.items() if count}
    return Diagnosis(nodes.count, counts, resolvable, plugins=plugins)


def _count(plugin: Filter, cycle: Cycle, rejected: Bools, counts: dict[str, int], resolvable: Bools) -> None:
    for rejection in plugin.explain(cycle, rejected):
        found = rejection.rows & rejected
        counts[rejection.reason] = counts.get(rejection.reason, 0) + int(found.sum())
        if not rejection.is_resolvable:
            resolvable &= ~found


def eligible(cycle: Cycle, rows: slice) -> Bools:
    """The rows of nodes that exist and that no pre-filter has ruled out."""
    nodes = cycle.cluster.nodes
    alive = nodes.exists[rows]
    if cycle.names is None:
        return alive
    named = alive.copy()
    named[:] = False
    start = rows.start or 0
    for name in cycle.names:
        slot = nodes.slot(name)
        if slot is not None and start <= slot < rows.stop:
            named[slot - start] = True
    return named


def _contradiction(limiting: list[str]) -> str:
    if len(limiting) == 1:
        return f"node(s) didn't satisfy plugin {limiting[0]}"
    return f"node(s) didn't satisfy plugin(s) [{' '.join(limiting)}] simultaneously"
