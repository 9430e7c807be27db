"""Put resources and steps into an order that the references between them allow."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from graphlib import CycleError, TopologicalSorter

from cloudk8s.cloud.stack.plan import Step
from cloudk8s.cloud.stack.resource import Resource, StackError

MAKING = ("create", "update", "replace")


def sort_resources(resources: Iterable[Resource]) -> list[Resource]:
    """What is referred to comes first; otherwise in the order given. Raises StackError for a cycle."""
    by_key = {resource.key: resource for resource in resources}
    return [by_key[key] for key in _sorted({key: entry.references() for key, entry in by_key.items()})]


def sort_steps(steps: Iterable[Step], type_order: Sequence[str]) -> tuple[Step, ...]:
    """Order the steps, and fill in `after` with the steps that each really waits for.

    Making goes along the references. Deleting goes backwards through the types: a resource goes after everything of
    later types that is deleted, and after what is made or changed there, which may be what stops using it. A
    replacement comes after its predecessor is deleted; deletes that this needs wait for nothing that is made.
    """
    by_name = {step.name: step for step in steps}
    rank = {name: position for position, name in enumerate(type_order)}
    replaced = [step for step in by_name.values() if step.action == "replace"]
    first_replaced = min((rank[step.type] for step in replaced), default=len(rank))
    edges: dict[str, frozenset[str]] = {}
    for name, step in by_name.items():
        if step.action != "delete":
            edges[name] = (step.after & by_name.keys()) | _predecessor(step, by_name.values())
            continue
        mine = rank.get(step.type, len(rank))
        later = [other for other in by_name.values() if rank.get(other.type, len(rank)) > mine]
        edges[name] = frozenset(
            other.name
            for other in later
            if other.action == "delete" or (other.action in MAKING and _waits(step, mine, first_replaced))
        )
    return tuple(replace(by_name[name], after=edges[name]) for name in _sorted(edges))


def _waits(step: Step, rank: int, first_replaced: int) -> bool:
    return rank < first_replaced or (rank == first_replaced and not step.is_replacement)


def _predecessor(step: Step, steps: Iterable[Step]) -> frozenset[str]:
    if step.action != "replace" or step.observed is None:
        return frozenset()
    id = step.observed.id
    return frozenset(
        other.name
        for other in steps
        if other.action == "delete" and other.observed is not None and other.observed.id == id
    )


def _sorted(edges: Mapping[str, frozenset[str]]) -> list[str]:
    """A stable topological order."""
    sorter = TopologicalSorter(edges)
    try:
        sorter.prepare()
    except CycleError as error:
        raise StackError(f"resources refer to each other in a circle: {' → '.join(error.args[1])}") from error
    position = {name: index for index, name in enumerate(edges)}
    ordered: list[str] = []
    while sorter.is_active():
        ready = sorted(sorter.get_ready(), key=lambda name: position.get(name, -1))
        ordered += ready
        sorter.done(*ready)
    return ordered
