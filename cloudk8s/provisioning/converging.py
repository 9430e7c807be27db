"""Make a cluster as declared: look, decide, do, look again; safe to stop at any moment and to run again.

One pass applies the network's stack, then takes one step of every group's rollout. The first look reads everything;
later ones ask only for what is waited for, until something fails: then everything is read anew.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace

from cloudk8s.cloud.model.machine import Machine, MachineRequest
from cloudk8s.cloud.model.network import Network
from cloudk8s.cloud.stack.interface import Observation
from cloudk8s.errors import CloudError, CloudK8sError
from cloudk8s.provisioning.declaration.cluster import CONTROL_PLANE, ClusterDeclaration
from cloudk8s.provisioning.identity import cluster_uid
from cloudk8s.provisioning.interruptions import heed
from cloudk8s.provisioning.joining import Joining
from cloudk8s.provisioning.leaving import Remedied
from cloudk8s.provisioning.machine_work import completed, make, remove
from cloudk8s.provisioning.machines.decision import Decision
from cloudk8s.provisioning.machines.view import MachineView, in_group
from cloudk8s.provisioning.network import network_request
from cloudk8s.provisioning.planning import settled
from cloudk8s.provisioning.progress import Event
from cloudk8s.provisioning.recording import keep_record, with_record
from cloudk8s.provisioning.scaling_groups import follow
from cloudk8s.provisioning.simulation import next_decisions
from cloudk8s.provisioning.site import Site
from cloudk8s.provisioning.state import State, in_order, listed, look, look_at_groups, renewed
from cloudk8s.provisioning.waiting import Patience

JOINING_SECONDS = 2.0
"""The longest pause while machines become nodes: who waits for an approval should not wait long."""


@dataclass(slots=True)
class Pass:
    """One pass: what is known after it, what failed, what is waited for."""

    state: State
    failures: dict[str, CloudError] = field(default_factory=dict)
    waiting: dict[str, str] = field(default_factory=dict)
    pending_types: set[str] = field(default_factory=set)
    """Types of the network's resources that are not ready."""
    has_moved: bool = False
    has_released: bool = False
    """Machines were taken out of their groups, which want less now."""
    goes_on: bool = False
    """A rollout has a next step that waits for nothing."""


def converge(
    site: Site, declaration: ClusterDeclaration, *, timeout: float = 1500.0, state: State | None = None,
    remedied: Remedied | None = None,
) -> State:  # fmt: skip
    """Pass after pass until everything is as declared. Raises what stands in the way, or NotConverged.

    Who converges turn by turn hands on what was `remedied` in vain.
    """
    patience = Patience(site, timeout)
    state = state or patience.read(lambda: look(site))
    declaration = _settled(site, declaration, state, patience)
    joining = Joining.of(site, declaration)
    joining.leaving.known = {} if remedied is None else remedied
    try:
        return _converge(site, joining, state, patience)
    finally:
        joining.close()


def _converge(site: Site, joining: Joining, state: State, patience: Patience) -> State:
    while True:
        done = _pass(site, joining, state)
        if done.has_moved:
            patience.progressed()
        if done.failures or done.waiting:
            patience.wait(done.failures, done.waiting, most=JOINING_SECONDS if joining.awaits_nodes else 0.0)
            state = _look_again(site, done, patience)
        elif done.goes_on:
            state = done.state
        else:
            site.report(Event("done", f"cluster {site.cluster}", "is as declared"))
            return replace(done.state, recorded=joining.declaration)


def _settled(site: Site, declaration: ClusterDeclaration, state: State, patience: Patience) -> ClusterDeclaration:
    return patience.read(lambda: settled(site, declaration, state))


def _pass(site: Site, joining: Joining, state: State) -> Pass:
    """The network; new machines; the endpoint, which sends nothing more to those that go; and only then these go."""
    done, declaration = Pass(state), joining.declaration
    members = tuple(id for id in state.members if id not in joining.going)
    network = _network(site, declaration, members, done)
    if network is None:
        return done
    machines = joining.look(state.machines, network)
    done.state = replace(done.state, machines=machines)
    if holder := joining.others_turn():
        done.waiting[f"cluster {site.cluster}"] = f"{holder} works on it"
        return done
    done.state = replace(done.state, machines=(machines := heed(site, declaration, machines)))
    joining.tend(machines, network)
    done.failures |= keep_record(site, declaration, machines)
    decisions = next_decisions(declaration, machines, network.id, site.clock.now())
    decisions = _possible(joining, decisions, done)
    _keep_groups(site, joining, decisions, network, done)
    _make(site, joining, decisions, network, done)
    doomed = {deletion.machine.machine.id for decision in decisions for deletion in decision.delete}
    joining.going = frozenset(doomed)
    staying = [id for id in done.state.members if id not in doomed]
    if staying != list(members) and not done.failures and site.networks is not None:
        _network(site, declaration, staying, done)
    if not done.failures:
        _remove(site, joining, decisions, done)
    for decision in decisions:
        waits = _waits(decision, done.state.machines)
        done.waiting |= waits
        done.goes_on |= not (waits or decision.is_settled)
    return done


def _possible(joining: Joining, decisions: Sequence[Decision], done: Pass) -> list[Decision]:
    """While the API of the cluster does not answer nothing is known of nodes: only a control plane may be made."""
    if not joining.awaits_nodes or joining.answers:
        return list(decisions)
    left = [entry for entry in done.state.machines if entry.exists and entry.machine.role == "control-plane"]
    if left:
        done.waiting["the API"] = "does not answer yet, usually within a minute"
    return [
        replace(
            decision, create=decision.create if decision.group == CONTROL_PLANE and not left else (), delete=(),
            is_settled=False,
        )
        for decision in decisions
    ]  # fmt: skip


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
    complete = bool(network.id) and (bool(network.endpoint) or not _has_balancer(site, done))
    return network if complete and _has_places(declaration, network) else None


def _has_balancer(site: Site, done: Pass) -> bool:
    """Whether the API gets an endpoint of its own, which is waited for; a cloud may have to be asked."""
    try:
        return site.networks is not None and site.networks.capabilities.api_load_balancer
    except CloudError as error:
        done.failures[f"what {site.provider} can do"] = error
        return True


def _has_places(declaration: ClusterDeclaration, network: Network) -> bool:
    """Whether there is a place for machines of both roles in every zone; nowhere else may they be put."""
    roles, zones = ("control-plane", "worker"), declaration.network.zones
    if not zones:
        return all(any(name.startswith(f"{role}/") for name in network.attachments) for role in roles)
    return all(network.attachments.get(f"{role}/{zone}") for role in roles for zone in zones)


def _keep_groups(site: Site, joining: Joining, decisions: Sequence[Decision], network: Network, done: Pass) -> None:
    outcome = follow(site, joining, decisions, network, done.state)
    if outcome is not None:
        done.state = renewed(site, done.state, outcome.observation)
        done.failures |= outcome.failures
        done.waiting |= {subject: error.message for subject, error in outcome.waiting.items()}
        done.has_moved |= bool(outcome.done)


def _make(site: Site, joining: Joining, decisions: Sequence[Decision], network: Network, done: Pass) -> None:
    for decision in decisions:
        alone = [request for request in decision.create if not request.group]
        if not alone:
            continue
        requests = [with_record(site, joining.declaration, completed(request, network)) for request in alone]
        try:
            joining.invite(requests, network, done.state.machines)
        except CloudK8sError as error:
            done.waiting["the API"] = str(error)
            continue
        for batch in _batches(requests, joining, done):
            work = make(site, joining.inviting.user_data(batch, network, done.state.machines))
            done.failures |= work.failures
            _note(done, work.made, joining)
            if work.failures:
                break


def _batches(
    requests: Sequence[MachineRequest], joining: Joining, done: Pass
) -> Iterable[Sequence[MachineRequest]]:  # fmt: skip
    """The first machine of a control plane makes what others join: they are made only once it is there."""
    is_first = requests[0].role == "control-plane" and not in_group(done.state.machines, CONTROL_PLANE)
    if is_first and joining.awaits_nodes and len(requests) > 1:
        return (requests[:1], requests[1:])
    return (requests,)


def _remove(site: Site, joining: Joining, decisions: Sequence[Decision], done: Pass) -> None:
    for decision in decisions:
        doomed, given_up = joining.leaving.remedied(decision)
        ready, waiting = joining.leaving.emptied([entry.machine for entry in doomed if not entry.machine.is_promised])
        done.waiting |= given_up
        done.waiting |= waiting
        names = {view.machine.id for view in ready}
        work = remove(site, [deletion for deletion in decision.delete if deletion.machine.machine.id in names])
        joining.leaving.forget(work.deleted)
        done.has_released |= any(machine.group for machine in work.deleted)
        done.failures |= work.failures
        _note(done, [replace(machine, state="deleting") for machine in work.deleted], joining)
    joining.leaving.let_go(done.state.machines)
    joining.leaving.reopen(done.state.machines, joining.going)


def _note(done: Pass, machines: Sequence[Machine], joining: Joining) -> None:
    """What is known of machines now."""
    if machines:
        known = {view.machine.id: view for view in done.state.machines}
        for machine in machines:
            view = known.get(machine.id) or MachineView(machine, needs_node=joining.awaits_nodes)
            known[machine.id] = replace(view, machine=machine)
        done.state = replace(done.state, machines=in_order(known.values()))
        done.has_moved = True


def _waits(decision: Decision, machines: Iterable[MachineView]) -> dict[str, str]:
    """What a group waits for, after this step."""
    if decision.is_paused:
        return {}
    mine = [view for view in machines if view.group == decision.group]
    unready = [view for view in mine if view.exists and not view.is_available]
    if decision.held:
        return {f"machines of {decision.group}": decision.held}
    leaving = [view.name for view in mine if view.machine.state == "deleting"]
    if unready:
        return {f"machines of {decision.group}": _missing(unready)}
    if leaving:
        return {f"machines of {decision.group}": f"{len(leaving)} still shutting down"}
    return {}


def _missing(views: Sequence[MachineView]) -> str:
    """What machines lack that do not serve."""
    stopped = [view for view in views if view.machine.state == "stopped"]
    if stopped:
        return f"{stopped[0].name} has stopped{': ' if stopped[0].machine.reason else ''}{stopped[0].machine.reason}"
    running = [view for view in views if view.machine.state == "running"]
    if len(running) < len(views):
        return f"{len(views) - len(running)} not running yet, usually within a minute"
    if voteless := [view for view in running if view.needs_member and view.node is not None and view.node.is_ready]:
        return f"{voteless[0].name} is no healthy member of etcd yet"
    unready = [view.node for view in running if view.node is not None]
    if unready:
        return f"{len(views)} not ready yet: node {unready[0].name}: {unready[0].reason}"
    return f"{len(views)} not joined yet, usually within a minute of their first boot"


def _refreshed(site: Site, done: Pass) -> State:
    """Look again, but only at what is waited for."""
    observation = done.state.observation
    if done.pending_types:
        observation = _relisted(site, observation, done.pending_types)
    machines = done.state.machines
    groups = look_at_groups(site) if done.has_released else done.state.groups
    if any(view.machine.state in ("pending", "deleting") for view in machines):
        machines = listed(site, site.list_machines(), groups)
    return replace(done.state, observation=observation, machines=machines, groups=groups)


def _look_again(site: Site, done: Pass, patience: Patience) -> State:
    return patience.read(lambda: look(site) if done.failures else _refreshed(site, done))


def _relisted(site: Site, observation: Observation, types: set[str]) -> Observation:
    engine = replace(site.engine, types=[kind for kind in site.engine.types if kind.name in types])
    fresh = engine.observe(site.cluster, cluster_uid(site.cluster))
    kept = tuple(entry for entry in observation.resources if entry.type not in types)
    return Observation(kept + fresh.resources)
