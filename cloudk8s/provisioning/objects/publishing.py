"""Show in the objects what became of a cluster."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from cloudk8s.client.interface import Object
from cloudk8s.client.objects import annotations_of, is_deleting, labels_of, name_of, spec_of
from cloudk8s.errors import Conflict
from cloudk8s.machinery.times import format_time
from cloudk8s.provisioning.declaration.cluster import CONTROL_PLANE, ClusterDeclaration
from cloudk8s.provisioning.machines.health import ailments
from cloudk8s.provisioning.machines.rollout import Bounds
from cloudk8s.provisioning.machines.template import POOL_TAG, Group, groups_of
from cloudk8s.provisioning.machines.view import MachineView, in_group
from cloudk8s.provisioning.objects import kinds
from cloudk8s.provisioning.objects.declaring import is_paused, pool_of
from cloudk8s.provisioning.objects.history import MADE_OF, made_of
from cloudk8s.provisioning.objects.ledger import Ledger
from cloudk8s.provisioning.objects.machines import Context, machine_object, set_name
from cloudk8s.provisioning.objects.reading import stands_for
from cloudk8s.provisioning.objects.summaries import (
    cluster_status,
    group_status,
    health_status,
    labelled,
    selector_text,
)
from cloudk8s.provisioning.objects.writing import groups_in, new, object_name, selector_of, written

HISTORY: Final = 10
"""How many MachineSets without machines are kept, to see what was before."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What is known after a turn."""

    declaration: ClusterDeclaration
    machines: Sequence[MachineView]
    endpoint: str
    now: datetime
    problem: str = ""
    """Why what is declared is not done."""


def write_declaration(ledger: Ledger, declaration: ClusterDeclaration, endpoint: str) -> bool:
    """Make the objects say what is declared; False where somebody changed one meanwhile."""
    root: Object | None = None
    try:
        for wanted in written(declaration, endpoint):
            made = ledger.write(wanted, owner=root)
            root = root or made
    except Conflict:
        return False
    names = {object_name(declaration.name, group) for group in groups_in(declaration)}
    for resource in (kinds.MACHINE_DEPLOYMENTS, kinds.MACHINE_HEALTH_CHECKS, kinds.TEMPLATES):
        ours = {name for name, entry in ledger.found[resource].items() if POOL_TAG in labels_of(entry)}
        ledger.remove(resource, ours - names)  # what somebody has just made is declared by the next turn
    return True


def publish(ledger: Ledger, outcome: Outcome) -> None:
    """Machines, sets, and the status of everything."""
    groups = {group.name: group for group in groups_of(outcome.declaration)}
    shown = _machines(ledger, outcome, groups)
    for group in groups.values():
        if group.name != CONTROL_PLANE:
            _sets(ledger, outcome, group, shown)
    for deployment in ledger.all(kinds.MACHINE_DEPLOYMENTS):
        _deployment(ledger, outcome, deployment, groups.get(pool_of(deployment, ledger.cluster)), shown)
    for check in ledger.all(kinds.MACHINE_HEALTH_CHECKS):
        selected = (spec_of(check).get("selector") or {}).get("matchLabels") or {}
        ledger.report(kinds.MACHINE_HEALTH_CHECKS, name_of(check), health_status(labelled(shown, selected)))
    _root(ledger, outcome, groups, shown)


def _machines(ledger: Ledger, outcome: Outcome, groups: Mapping[str, Group]) -> list[Object]:
    """The objects of machines that are there; those of others go."""
    views = {view.name: view for view in outcome.machines if view.exists or view.machine.state == "deleting"}
    ill = {
        entry.machine.name: entry
        for group in groups.values()
        for entry in ailments(group.health_check, in_group(outcome.machines, group.name), outcome.now)
    }
    context = Context(
        ledger.cluster, outcome.now, {name: group.template.hash for name, group in groups.items()}, ill,
        {name: group.template.version for name, group in groups.items()},
    )  # fmt: skip
    found = []
    for name, view in views.items():
        previous = ledger.get(kinds.MACHINES, name)
        if previous is not None and not stands_for(previous, view.machine):
            _forget_machine(ledger, name)
            previous = None
        if previous is None and not view.exists:
            continue
        wanted = machine_object(view, previous, context)
        made = ledger.write(wanted, owner=_owner(ledger, view)) if previous is None or view.exists else previous
        ledger.report(kinds.MACHINES, name, wanted["status"])
        found.append({**made, "status": wanted["status"]})
    for name in set(ledger.found[kinds.MACHINES]) - views.keys():
        _forget_machine(ledger, name)
    return found


def _forget_machine(ledger: Ledger, name: str) -> None:
    ledger.release(kinds.MACHINES, name, kinds.MACHINE_FINALIZER)
    ledger.remove(kinds.MACHINES, [name])


def _owner(ledger: Ledger, view: MachineView) -> Object | None:
    if view.group == CONTROL_PLANE:
        return ledger.get(kinds.CONTROL_PLANES, ledger.cluster)
    return _machine_set(ledger, view.group, view.template)


def _machine_set(ledger: Ledger, group: str, template: str) -> Object | None:
    """The set of a template, made when its first machine is."""
    deployment = ledger.get(kinds.MACHINE_DEPLOYMENTS, object_name(ledger.cluster, group))
    name = set_name(ledger.cluster, group, template)
    if (known := ledger.get(kinds.MACHINE_SETS, name)) is not None or deployment is None:
        return known
    labels = {**selector_of(ledger.cluster, group), kinds.TEMPLATE_HASH: template}
    spec = {
        "clusterName": ledger.cluster, "replicas": 0, "selector": {"matchLabels": labels},
        "template": spec_of(deployment).get("template") or {},
    }  # fmt: skip
    revision = str(1 + max((_revision(entry) for entry in _sets_of(ledger, group)), default=0))
    wanted = new(kinds.MACHINE_SETS, ledger.cluster, name, spec, labels=labels, annotations={kinds.REVISION: revision})
    return ledger.write(wanted, owner=deployment)


def _sets(ledger: Ledger, outcome: Outcome, group: Group, machines: Sequence[Object]) -> None:
    if (current := _machine_set(ledger, group.name, group.template.hash)) is not None:
        ledger.mark(kinds.MACHINE_SETS, name_of(current), annotations={MADE_OF: made_of(group.template)})
    empty: list[Object] = []
    for entry in _sets_of(ledger, group.name):
        labels = (spec_of(entry).get("selector") or {}).get("matchLabels") or {}
        mine = labelled(machines, labels)
        is_current = labels.get(kinds.TEMPLATE_HASH) == group.template.hash
        replicas = group.replicas if is_current else len(mine)
        if spec_of(entry).get("replicas") != replicas:
            entry = ledger.write({**entry, "spec": {**entry["spec"], "replicas": replicas}})
        status = group_status(
            entry, mine, fewest=replicas, selector=selector_text(labels), now=format_time(outcome.now)
        )
        ledger.report(kinds.MACHINE_SETS, name_of(entry), status)
        if not mine and not is_current:
            empty.append(entry)
    oldest = sorted(empty, key=_revision)
    ledger.remove(kinds.MACHINE_SETS, [name_of(entry) for entry in oldest[: max(len(oldest) - HISTORY, 0)]])


def _sets_of(ledger: Ledger, group: str) -> list[Object]:
    return labelled(ledger.all(kinds.MACHINE_SETS), selector_of(ledger.cluster, group))


def _revision(machine_set: Object) -> int:
    return int(annotations_of(machine_set).get(kinds.REVISION) or 0)


def _deployment(
    ledger: Ledger, outcome: Outcome, deployment: Object, group: Group | None, machines: Sequence[Object]
) -> None:
    pool = pool_of(deployment, ledger.cluster)
    labels = selector_of(ledger.cluster, pool)
    mine, name = labelled(machines, labels), name_of(deployment)
    if is_deleting(deployment) and not mine:
        ledger.release(kinds.MACHINE_DEPLOYMENTS, name, kinds.DEPLOYMENT_FINALIZER)
        return
    unavailable = Bounds.of(group.rollout, group.replicas).unavailable if group is not None else 0
    fewest = max(int(spec_of(deployment).get("replicas") or 0) - unavailable, 0)
    status = group_status(
        deployment, mine, fewest=fewest, selector=selector_text(labels), now=format_time(outcome.now),
        problem=outcome.problem,
    )  # fmt: skip
    if group is not None:
        ledger.mark(kinds.MACHINE_DEPLOYMENTS, name, labels={kinds.CLUSTER_NAME: ledger.cluster, POOL_TAG: pool})
    if group is not None and (current := _machine_set(ledger, pool, group.template.hash)) is not None:
        ledger.mark(kinds.MACHINE_DEPLOYMENTS, name, annotations={kinds.REVISION: str(_revision(current))})
    ledger.report(kinds.MACHINE_DEPLOYMENTS, name, status)


def _root(ledger: Ledger, outcome: Outcome, groups: Mapping[str, Group], machines: Sequence[Object]) -> None:
    first = [entry for entry in machines if kinds.CONTROL_PLANE_LABEL in labels_of(entry)]
    workers = [entry for entry in machines if kinds.CONTROL_PLANE_LABEL not in labels_of(entry)]
    now, name = format_time(outcome.now), ledger.cluster
    if (control_plane := ledger.get(kinds.CONTROL_PLANES, name)) is not None:
        replicas = groups[CONTROL_PLANE].replicas
        labels = {kinds.CLUSTER_NAME: name, kinds.CONTROL_PLANE_LABEL: ""}
        status: dict[str, Any] = group_status(
            control_plane, first, fewest=replicas // 2 + 1, selector=selector_text(labels), now=now
        )
        status["version"] = min((str(spec_of(entry).get("version")) for entry in first), default="")
        status["initialization"] = {"controlPlaneInitialized": status["availableReplicas"] > 0}
        ledger.report(kinds.CONTROL_PLANES, name, status)
    if (root := ledger.get(kinds.CLUSTERS, name)) is not None:
        wanted = groups[CONTROL_PLANE].replicas, sum(pool.replicas for pool in outcome.declaration.pools)
        status = cluster_status(
            root, first, workers, wanted, now=now, zones=outcome.declaration.network.zones,
            has_endpoint=bool(outcome.endpoint), paused=is_paused(ledger.found, name), problem=outcome.problem,
        )  # fmt: skip
        ledger.report(kinds.CLUSTERS, name, status)
