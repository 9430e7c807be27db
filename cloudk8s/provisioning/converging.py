"""Make a cluster as declared: look, decide, do, look again; safe to stop at any moment and to run again.

One pass applies the network's stack, then takes one step of every group's rollout. The first look reads everything;
later ones ask only for what is waited for, until something fails: then everything is read anew.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace

from cloudk8s.cloud.model.machine import Machine
from cloudk8s.cloud.model.network import Network
from cloudk8s.cloud.stack.interface import Observation
from cloudk8s.errors import CloudError
from cloudk8s.provisioning.declaration.cluster import ClusterDeclaration
from cloudk8s.provisioning.identity import cluster_uid
from cloudk8s.provisioning.machine_work import make, remove
from cloudk8s.provisioning.machines.decision import Decision
from cloudk8s.provisioning.machines.view import MachineView
from cloudk8s.provisioning.network import network_request
from cloudk8s.provisioning.planning import settled
from cloudk8s.provisioning.progress import Event
from cloudk8s.provisioning.simulation import next_decisions
from cloudk8s.provisioning.site import Site
from cloudk8s.provisioning.state import State, look, views
from cloudk8s.provisioning.waiting import Patience


@dataclass(slots=True)
class Pass:
    """One pass: what is known after it, what failed, what is waited for."""

    state: State
    failures: dict[str, CloudError] = field(default_factory=dict)
    waiting: dict[str, str] = field(default_factory=dict)
    pending_types: set[str] = field(default_factory=set)
    """Types of the network's resources that are not ready."""
    has_moved: bool = False
    goes_on: bool = False
    """A rollout has a next step that waits for nothing."""


def converge(
    site: Site, declaration: ClusterDeclaration, *, timeout: float = 1500.0, state: State | None = None
) -> State:
    """Pass after pass until everything is as declared. Raises what stands in the way, or NotConverged."""
    patience = Patience(site, timeout)
    state = state or patience.read(lambda: look(site))
    declaration = _settled(site, declaration, state, patience)
    while True:
        done = _pass(site, declaration, state)
        if done.has_moved:
            patience.progressed()
        if done.failures or done.waiting:
            patience.wait(done.failures, done.waiting)
            state = _look_again(site, done, patience)
        elif done.goes_on:
            state = done.state
        else:
            site.report(Event("done", f"cluster {site.cluster}", "is as declared"))
            return replace(done.state, recorded=declaration)


def _settled(site: Site, declaration: ClusterDeclaration, state: State, patience: Patience) -> ClusterDeclaration:
    return patience.read(lambda: settled(site, declaration, state))


def _pass(site: Site, declaration: ClusterDeclaration, state: State) -> Pass:
    """The network; new machines; the endpoint, which sends nothing more to those that go; and only then these go."""
    done = Pass(state)
    members = state.members
    network = _network(site, declaration, members, done)
    if network is None:
        return done
    decisions = next_decisions(declaration, state.machines, network.id, site.clock.now())
    _make(site, decisions, network, done)
    doomed = {deletion.machine.machine.id for decision in decisions for deletion in decision.delete}
    staying = [id for id in done.state.members if id not in doomed]
    if staying != list(members) and not done.failures and site.networks is not None:
        _network(site, declaration, staying, done)
    if not done.failures:
        _remove(site, decisions, done)
    for decision in decisions:
        waits = _waits(decision, done.state.machines)
        done.waiting |= waits
        done.goes_on |= not (waits or decision.is_settled)
    return done


def _network(site: Site, declaration: ClusterDeclaration, members: Sequence[str], done: Pass) -> Network | None:
    """Apply the network's stack; None while machines can't be put into it yet."""
    if site.networks is None:
        return Network(site.cluster, is_ready=True)
    request = network_request(declaration, members)
    outcome = site.engine.apply(site.networks.stack(request), done.state.observation)
    done.state = replace(done.state, observation=outcome.observation)
    done.failures |= outcome.failures
    done.waiting |= {subject: error.message for subject, error in outcome.waiting.items()}
    if outcome.skipped and not (outcome.failures or outcome.waiting):
        done.waiting |= dict.fromkeys(outcome.skipped, "waits for others")
    done.pending_types |= {entry.type for entry in outcome.observation.resources if entry.state == "pending"}
    done.has_moved |= bool(outcome.done)
    network = site.networks.outputs(request, outcome.observation)
    complete = bool(network.id) and (bool(network.endpoint) or not site.networks.capabilities.api_load_balancer)
    return network if complete and _has_places(declaration, network) else None


def _has_places(declaration: ClusterDeclaration, network: Network) -> bool:
    """Whether there is a place for machines of both roles in every zone; nowhere else may they be put."""
    roles, zones = ("control-plane", "worker"), declaration.network.zones
    if not zones:
        return all(any(name.startswith(f"{role}/") for name in network.attachments) for role in roles)
    return all(network.attachments.get(f"{role}/{zone}") for role in roles for zone in zones)


def _make(site: Site, decisions: Sequence[Decision], network: Network, done: Pass) -> None:
    for decision in decisions:
        work = make(site, decision, network)
        done.failures |= work.failures
        _note(done, work.made)


def _remove(site: Site, decisions: Sequence[Decision], done: Pass) -> None:
    for decision in decisions:
        work = remove(site, decision)
        done.failures |= work.failures
        _note(done, [replace(machine, state="deleting") for machine in work.deleted])


def _note(done: Pass, machines: Sequence[Machine]) -> None:
    """What is known of machines now."""
    if machines:
        known = {view.machine.id: view.machine for view in done.state.machines}
        known |= {machine.id: machine for machine in machines}
        done.state = replace(done.state, machines=views(list(known.values())))
        done.has_moved = True


def _waits(decision: Decision, machines: Iterable[MachineView]) -> dict[str, str]:
    """What a group waits for, after this step."""
    mine = [view for view in machines if view.group == decision.group]
    unready = [view.name for view in mine if view.exists and not view.is_available]
    leaving = [view.name for view in mine if view.machine.state == "deleting"]
    if unready:
        return {f"machines of {decision.group}": f"{len(unready)} not running yet, usually within a minute"}
    if leaving:
        return {f"machines of {decision.group}": f"{len(leaving)} still shutting down"}
    return {}


def _refreshed(site: Site, done: Pass) -> State:
    """Look again, but only at what is waited for."""
    observation = done.state.observation
    if done.pending_types:
        observation = _relisted(site, observation, done.pending_types)
    machines = done.state.machines
    if any(view.machine.state in ("pending", "deleting") for view in machines):
        listed = site.list_machines()
        machines = views(listed)
    return replace(done.state, observation=observation, machines=machines)


def _look_again(site: Site, done: Pass, patience: Patience) -> State:
    return patience.read(lambda: look(site) if done.failures else _refreshed(site, done))


def _relisted(site: Site, observation: Observation, types: set[str]) -> Observation:
    engine = replace(site.engine, types=[kind for kind in site.engine.types if kind.name in types])
    fresh = engine.observe(site.cluster, cluster_uid(site.cluster))
    kept = tuple(entry for entry in observation.resources if entry.type not in types)
    return Observation(kept + fresh.resources)
