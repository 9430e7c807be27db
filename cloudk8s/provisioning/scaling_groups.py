"""Groups of machines that the cloud keeps, made to follow what was decided; and what that will take, beforehand."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from cloudk8s.cloud.interface import ScalesGroups
from cloudk8s.cloud.model.machine_group import MachineGroup
from cloudk8s.cloud.model.network import Network
from cloudk8s.cloud.stack.interface import Observation
from cloudk8s.cloud.stack.outcome import Outcome
from cloudk8s.cloud.stack.plan import Step
from cloudk8s.cloud.stack.resource import Stack
from cloudk8s.provisioning.foresight import imagined
from cloudk8s.provisioning.groups import after, owner_of_groups, placed, stack_of, templates, wanted_groups, zones_of
from cloudk8s.provisioning.joining import Joining
from cloudk8s.provisioning.machines.decision import Decision
from cloudk8s.provisioning.machines.view import MachineView
from cloudk8s.provisioning.simulation import Pass, Simulation
from cloudk8s.provisioning.site import Site
from cloudk8s.provisioning.state import State


def follow(
    site: Site, joining: Joining, decisions: Sequence[Decision], network: Network, state: State
) -> Outcome | None:
    """Bring all groups to the sizes of these decisions; None where there are none."""
    if site.groups is None:
        return None
    wanted = _Wishes(site.groups, joining, network).of(decisions, state.machines, state.groups)
    if not wanted and not state.groups.resources:
        return None
    return site.group_engine.apply(stack_of(site.cluster, site.groups, wanted), state.groups)


def group_steps(site: Site, joining: Joining, network: Network, state: State, simulation: Simulation) -> list[Step]:
    """What will be done to groups, in the order of the rollout."""
    if site.groups is None:
        return []
    is_known = site.seeds.find() is not None  # else nothing is there yet that a template could be compared with
    return list(_steps(site, _Wishes(site.groups, joining, network, boots=is_known), state.groups, simulation))


def deletion_steps(site: Site, there: Observation) -> Sequence[Step]:
    """How all groups go."""
    return site.group_engine.plan(Stack(owner_of_groups(site.cluster)), there).mutations


@dataclass(frozen=True, slots=True)
class _Wishes:
    """What groups shall be."""

    contract: ScalesGroups
    joining: Joining
    network: Network
    boots: bool = True

    def of(
        self, decisions: Sequence[Decision], machines: Sequence[MachineView], there: Observation
    ) -> list[MachineGroup]:
        declaration = self.joining.declaration
        found = wanted_groups(declaration, decisions, machines, self.contract.groups_of(there))
        known = templates(declaration)
        return [self._with_template(group) if group.name in known else group for group in found]

    def _with_template(self, group: MachineGroup) -> MachineGroup:
        declaration = self.joining.declaration
        request = templates(declaration)[group.name]
        found = placed(group, request, zones_of(declaration, request.pool), self.network)
        if not self.boots or found.template is None:
            return found
        return replace(found, template=self.joining.inviting.user_data([found.template], self.network, ())[0])


def _steps(site: Site, wishes: _Wishes, there: Observation, simulation: Simulation) -> Iterator[Step]:
    for taken in (*simulation.passes, Pass((), (), (), tuple(simulation.machines))):
        wanted = wishes.of(taken.decisions, taken.machines, there)
        yield from site.group_engine.plan(stack_of(site.cluster, wishes.contract, wanted), there).mutations
        there = imagined(stack_of(site.cluster, wishes.contract, after(wanted, taken.decisions)))
