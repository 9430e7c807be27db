"""Which calls a plan takes and what the cluster will cost; as far as the provider can tell. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from typing import TypeVar

from cloudk8s.cloud.interface import ForetellsCalls, KnowsPrices
from cloudk8s.cloud.model.machine import MachineRequest
from cloudk8s.cloud.stack.difference import resolve
from cloudk8s.cloud.stack.interface import Observation, Observed
from cloudk8s.cloud.stack.plan import Plan, Step
from cloudk8s.cloud.stack.resource import Resource, Stack
from cloudk8s.provisioning.costs import Cost, estimate
from cloudk8s.provisioning.declaration.cluster import ClusterDeclaration
from cloudk8s.provisioning.machines.decision import Decision
from cloudk8s.provisioning.machines.template import Group, groups_of
from cloudk8s.provisioning.machines.view import MachineView
from cloudk8s.provisioning.network import network_request
from cloudk8s.provisioning.simulation import Simulation
from cloudk8s.provisioning.site import Site

T = TypeVar("T")


def endpoint_steps(site: Site, declaration: ClusterDeclaration, simulation: Simulation) -> list[Step]:
    """How the endpoint follows the machines of the control plane, step by step."""
    if site.networks is None:
        return []
    steps: list[Step] = []
    for taken in simulation.passes:
        if taken.members_after != taken.members:
            before = site.networks.stack(network_request(declaration, taken.members))
            after = site.networks.stack(network_request(declaration, taken.members_after))
            steps += site.engine.plan(after, imagined(before)).mutations
    return steps


def calls_of(
    site: Site, network: Plan | None, others: Sequence[Step], simulation: Simulation
) -> tuple[str, ...] | None:
    """Names of all calls that change something; None where the provider can't tell."""
    teller = _offering(site, lambda contract: contract if isinstance(contract, ForetellsCalls) else None)
    if teller is None:
        return None
    calls = list(teller.network_calls([*(network.mutations if network is not None else ()), *others]))
    for taken in simulation.passes:
        for decision in taken.decisions:
            alone = [request for request in decision.create if not request.group]
            calls += teller.creation_calls(alone) if alone else ()
            calls += _removal_calls(site, teller, decision)
    return tuple(calls)


def _removal_calls(site: Site, teller: ForetellsCalls, decision: Decision) -> list[str]:
    """Machines leave their group before they are deleted; those that were only promised never come."""
    doomed = [entry.machine.machine.group for entry in decision.delete if not entry.machine.is_promised]
    calls = list(teller.deletion_calls(len(doomed))) if doomed else []
    for name, count in Counter(doomed).items():
        calls += site.groups.release_calls(count) if name and site.groups is not None else ()
    return calls


def deletion_calls(site: Site, network: Plan | None, groups: Sequence[Step], machines: int) -> tuple[str, ...] | None:
    """Names of the calls that delete everything."""
    teller = _offering(site, lambda contract: contract if isinstance(contract, ForetellsCalls) else None)
    if teller is None:
        return None
    of_network = teller.network_calls([*groups, *(network.mutations if network is not None else ())])
    return (*(teller.deletion_calls(machines) if machines else ()), *of_network)


def cost_of(
    site: Site, declaration: ClusterDeclaration, observation: Observation, machines: Sequence[MachineView],
    simulation: Simulation,
) -> Cost | None:  # fmt: skip
    """What is there and what will be, by the month; None where the provider knows no prices."""
    prices = _offering(site, lambda contract: contract if isinstance(contract, KnowsPrices) else None)
    if prices is None:
        return None
    groups = {group.name: group for group in groups_of(declaration)}
    existing = declaration.network.existing
    has_public_addresses = existing.public_addresses if existing else declaration.network.nat == "none"
    now = [Resource(entry.type, entry.key, entry.properties) for entry in observation.resources if entry.is_alive]
    stack = site.networks.stack(network_request(declaration)) if site.networks is not None else None
    present = [_request(view, groups, has_public_addresses) for view in machines if view.exists]
    future = [_request(view, groups, has_public_addresses) for view in simulation.machines if view.exists]
    return estimate(prices, (now, present), (stack.resources if stack is not None else (), future))


def imagined(stack: Stack) -> Observation:
    """The observation of a stack that was applied in full."""
    found: dict[str, Observed] = {}
    for resource in stack.resources:
        found[resource.key] = Observed(resource.type, resource.key, f"(new) {resource.key}", stack.owner.uid)
    for resource in stack.resources:
        properties = resolve(resource.properties, found.get)
        found[resource.key] = Observed(
            resource.type, resource.key, f"(new) {resource.key}", stack.owner.uid, properties
        )
    return Observation(tuple(found.values()))


def _request(view: MachineView, groups: dict[str, Group], has_public_address: bool) -> MachineRequest:
    """A machine as it was, or will be, asked for; only what a price depends on."""
    machine, group = view.machine, groups.get(view.group)
    template = group.template if group is not None and view.template == group.template.hash else None
    return MachineRequest(
        machine.uid, machine.name, machine.cluster, type=machine.type or (template.type if template else ""),
        root_volume_gib=template.root_volume_gib if template else 0, spot=bool(template and template.spot),
        network={"public": "true"} if has_public_address else {},
    )  # fmt: skip


def _offering(site: Site, pick: Callable[[object], T | None]) -> T | None:
    return pick(site.networks) or pick(site.machines)
