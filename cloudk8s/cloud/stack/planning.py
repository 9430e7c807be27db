"""Stack and observation become a plan. Pure: the same input gives the same plan."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace

from cloudk8s.cloud.stack.difference import changes
from cloudk8s.cloud.stack.interface import Observation, Observed, ResourceType, Traits
from cloudk8s.cloud.stack.order import sort_resources, sort_steps
from cloudk8s.cloud.stack.plan import Plan, Step
from cloudk8s.cloud.stack.resource import Resource, Stack, StackError

NOT_DESIRED = "no longer wanted"


def make_plan(stack: Stack, observation: Observation, types: Sequence[ResourceType]) -> Plan:
    """What to do so that the owner has exactly the stack's resources.

    `types` is ordered: a type refers only to types before it, so deletion goes backwards; where parts go with a whole,
    what the parts refer to comes before the whole. Everything of this owner that is not in the stack is deleted;
    resources of other owners are never looked at.
    """
    traits = {kind.name: kind.traits for kind in types}
    if unknown := sorted({resource.type for resource in stack.resources} - set(traits)):
        raise StackError(f"there is no resource type {', '.join(unknown)}")
    mine = observation.of(stack.owner.uid).resources
    steps, chosen = _wanted(stack, mine, traits)
    deletes = [
        _delete(entry, _why(entry, stack, chosen)) for entry in mine if entry.id not in chosen and _is_there(entry)
    ]
    steps += _without_contained(deletes + _before_replacement(steps))
    return Plan(stack.owner, sort_steps(steps, [kind.name for kind in types]))


def plan_deletion(stack: Stack, observation: Observation, types: Sequence[ResourceType]) -> Plan:
    """What to do so that the owner has nothing."""
    return make_plan(Stack(stack.owner), observation, types)


def _wanted(stack: Stack, mine: Iterable[Observed], traits: Mapping[str, Traits]) -> tuple[list[Step], dict[str, str]]:
    """A step for each wanted resource, and the observed ids that are kept, with their keys."""
    by_key: dict[tuple[str, str], list[Observed]] = defaultdict(list)
    for entry in mine:
        by_key[entry.type, entry.key].append(entry)
    present: dict[str, Observed] = {}
    steps: list[Step] = []
    for resource in sort_resources(stack.resources):
        candidates = by_key.get((resource.type, resource.key), [])
        step = _step(resource, candidates, traits[resource.type], present.get)
        steps.append(step)
        if step.observed is not None and step.action != "replace":
            present[resource.key] = step.observed
    return steps, {step.observed.id: step.key for step in steps if step.observed is not None}


def _step(
    resource: Resource, candidates: Sequence[Observed], traits: Traits, lookup: Callable[[str], Observed | None]
) -> Step:
    alive = [entry for entry in candidates if entry.is_alive]
    base = Step("create", resource.type, resource.key, resource=resource, after=resource.references())
    if not alive:
        dead = tuple(f"{entry.id} is {entry.state}" for entry in candidates)
        return replace(base, reasons=dead or ("not there",))
    compared = sorted(((changes(resource, entry, traits, lookup), entry) for entry in alive), key=_closeness)
    differing, observed = compared[0]
    if final := [change.property for change in differing if change.property in traits.immutable]:
        reasons = (f"{', '.join(final)} can't be changed in place",)
        return replace(base, action="replace", reasons=reasons, changes=differing, observed=observed)
    if differing:
        return replace(base, action="update", changes=differing, observed=observed)
    if observed.state == "pending":
        return replace(base, action="wait", reasons=(observed.reason or "not ready yet",), observed=observed)
    return replace(base, action="keep", observed=observed)


def _closeness(compared: tuple[tuple[object, ...], Observed]) -> tuple[int, bool, str]:
    differing, observed = compared
    return len(differing), observed.state != "ready", observed.id


def _is_there(entry: Observed) -> bool:
    return entry.state != "deleting"


def _why(entry: Observed, stack: Stack, chosen: Mapping[str, str]) -> str:
    if entry.state == "failed":
        return f"failed: {entry.reason}" if entry.reason else "failed"
    kept = next((id for id, key in chosen.items() if key == entry.key), "")
    if kept:
        return f"a duplicate of {kept}"
    return NOT_DESIRED


def _delete(observed: Observed, reason: str) -> Step:
    return Step("delete", observed.type, observed.key, (reason,), observed=observed)


def _before_replacement(steps: Iterable[Step]) -> list[Step]:
    return [
        replace(_delete(step.observed, f"is replaced: {'; '.join(step.reasons)}"), is_replacement=True)
        for step in steps
        if step.action == "replace" and step.observed is not None
    ]


def _without_contained(deletes: Sequence[Step]) -> list[Step]:
    going = {step.observed.id for step in deletes if step.observed is not None}
    return [step for step in deletes if step.observed is None or step.observed.within not in going]
