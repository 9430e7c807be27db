"""Delete a cluster and everything that was ever made for it, in any state that a crash left it in.

Load balancers of its Services go first (they hold on to the network), then machines, then volumes and what else
workloads left, then the network, and at the end one more look at everything: what is still there is named.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from cloudk8s.cloud.interface import SweepsLoadBalancers
from cloudk8s.cloud.model.load_balancer import ServiceKey
from cloudk8s.cloud.model.volume import Volume
from cloudk8s.errors import CloudError, RetryLater
from cloudk8s.provisioning.groups import owner_of_groups
from cloudk8s.provisioning.holding import Holding, free
from cloudk8s.provisioning.identity import cluster_uid, owner_of
from cloudk8s.provisioning.leftovers import Consent, Sweep
from cloudk8s.provisioning.machine_work import remove
from cloudk8s.provisioning.machines.decision import remove_all
from cloudk8s.provisioning.nodes.api import ClusterApi
from cloudk8s.provisioning.progress import Event
from cloudk8s.provisioning.site import Site
from cloudk8s.provisioning.state import State, listed, look_to_delete, renewed
from cloudk8s.provisioning.waiting import Patience


@dataclass(frozen=True, slots=True)
class Belongings:
    """What the cluster's own controllers made in the cloud."""

    services: tuple[ServiceKey, ...] = ()
    volumes: tuple[Volume, ...] = ()


@dataclass(slots=True)
class _Work:
    failures: dict[str, CloudError] = field(default_factory=dict)
    waiting: dict[str, str] = field(default_factory=dict)
    has_moved: bool = False

    @property
    def is_done(self) -> bool:
        return not (self.failures or self.waiting)


def belongings(site: Site) -> Belongings:
    """Load balancers of Services and volumes of claims."""
    services: Sequence[ServiceKey] = ()
    if site.load_balancers is not None and _may_have_services(site):
        owned = site.engine.retries.call(site.load_balancers.list_owned)
        services = [state.service for state in owned if state.service.uid != cluster_uid(site.cluster)]
        services.sort(key=lambda service: not service.name)  # what all of them share comes last
    volumes: Sequence[Volume] = ()
    if site.volumes is not None:
        listing = site.volumes
        volumes = site.engine.retries.call(lambda: listing.list_owned(site.cluster))
    return Belongings(tuple(services), tuple(volumes))


def _may_have_services(site: Site) -> bool:
    return site.deletion is None or site.deletion.has_others(cluster_uid(site.cluster))


def tear_down(
    site: Site, *, timeout: float = 1200.0, consent: Consent = "declared", state: State | None = None,
    api: ClusterApi | None = None,
) -> None:  # fmt: skip
    """Delete everything; raises NotConverged with what blocks it, or the error that can't be cured.

    `api` is the cluster's, which may hold machines back while it answers.
    """
    patience = Patience(site, timeout)
    state = state or patience.read(lambda: look_to_delete(site))
    owned = patience.read(lambda: belongings(site))
    sweep, holding = Sweep(site, consent), Holding(site, api)
    while True:
        work = _Work()
        held = holding.held(state.machines)
        state = _pass(site, patience, state, owned, work, sweep, held)
        if work.is_done:
            left = patience.read(lambda state=state: sorted(_left(site, state, sweep)))  # type: ignore[misc]
            if not left:
                site.seeds.forget()
                site.report(
                    Event("done", f"cluster {site.cluster}", f"is gone; {sweep.remains() or 'nothing is left'}")
                )
                return
            work.waiting["what is left"] = ", ".join(left)
        if work.has_moved:
            patience.progressed()
        patience.wait(work.failures, work.waiting)
        state = patience.read(lambda state=state, work=work: _looked_again(site, state, work))  # type: ignore[misc]
        if owned.services or owned.volumes:
            owned = patience.read(lambda: belongings(site))


def _pass(
    site: Site, patience: Patience, state: State, owned: Belongings, work: _Work, sweep: Sweep, held: Mapping[str, str]
) -> State:
    _delete_services(site, owned, work)
    if not any(view.machine.group and view.name in held for view in state.machines):
        state = _delete_groups(site, state, work)
        if not work.is_done and state.groups.resources:
            return state
    work.waiting |= {f"machine {name}": reason for name, reason in held.items()}
    state = _delete_machines(site, patience, state, work, held)
    if any(view.machine.state != "gone" for view in state.machines):
        return state
    if sweep.consent != "none":
        _delete_volumes(site, owned, work)
    work.has_moved |= patience.read(lambda: sweep.run(work.failures, work.waiting))
    if work.failures or site.networks is None:
        return state
    state = _delete_network(site, state, work)
    sweep.is_wanted |= bool(work.waiting)
    return state


def _delete_network(site: Site, state: State, work: _Work) -> State:
    outcome = site.engine.delete(owner_of(site.cluster), state.observation)
    work.failures |= {name: error for name, error in outcome.failures.items() if not isinstance(error, RetryLater)}
    work.waiting |= {name: error.message for name, error in outcome.waiting.items()}
    if outcome.skipped and work.is_done:
        work.waiting |= dict.fromkeys(outcome.skipped, "waits for others")
    if any(entry.state == "deleting" for entry in outcome.observation.resources) and work.is_done:
        work.waiting["network"] = "parts of it are still being deleted"
    work.has_moved |= bool(outcome.done)
    return replace(state, observation=outcome.observation)


def _delete_groups(site: Site, state: State, work: _Work) -> State:
    """Groups first: they would make anew what is deleted. Their machines are then like others."""
    if not state.groups.resources:
        return state
    outcome = site.group_engine.delete(owner_of_groups(site.cluster), state.groups)
    work.failures |= {name: error for name, error in outcome.failures.items() if not isinstance(error, RetryLater)}
    work.waiting |= {name: error.message for name, error in outcome.waiting.items()}
    if any(entry.state == "deleting" for entry in outcome.observation.resources):
        work.waiting["groups of machines"] = "are still being deleted"
    work.has_moved |= bool(outcome.done)
    return renewed(site, state, outcome.observation)


def _delete_services(site: Site, owned: Belongings, work: _Work) -> None:
    if site.load_balancers is None:
        return
    for service in owned.services:
        try:
            site.load_balancers.delete(service)
        except RetryLater as error:
            work.waiting[f"load balancer of {service}"] = error.message
        except CloudError as error:
            work.failures[f"load balancer of {service}"] = error
        else:
            site.report(Event("deleted", f"load balancer of {service}", ""))
    _sweep(site, work)


def _sweep(site: Site, work: _Work) -> None:
    """What no Service asked for, and what all of them shared."""
    contract: object = site.load_balancers
    if not isinstance(contract, SweepsLoadBalancers) or not _may_have_services(site):
        return
    try:
        contract.sweep()
    except RetryLater as error:
        work.waiting["load balancers of workloads"] = error.message
    except CloudError as error:
        work.failures["load balancers of workloads"] = error


def _delete_machines(site: Site, patience: Patience, state: State, work: _Work, held: Mapping[str, str]) -> State:
    there = [view for view in state.machines if not view.is_promised]
    goers = free(there, held)
    if state.groups.resources:  # which would make anew what goes
        goers = [view for view in goers if not view.machine.group]
    alone = [replace(view, machine=replace(view.machine, group="")) for view in goers]
    done = remove(site, remove_all(alone).delete)
    work.failures |= done.failures
    work.has_moved |= bool(done.deleted)
    if done.deleted:
        state = replace(state, machines=listed(site, patience.read(site.list_machines), state.groups))
    left = [view.name for view in state.machines if view.machine.state != "gone"]
    if left and not held:
        work.waiting["machines"] = f"{len(left)} still shutting down, usually within a minute"
    return state


def _delete_volumes(site: Site, owned: Belongings, work: _Work) -> None:
    if site.volumes is None:
        return
    for volume in owned.volumes:
        try:
            if volume.attached_to:
                site.volumes.detach(volume.id, volume.attached_to)
            site.volumes.delete(volume.id)
        except RetryLater as error:
            work.waiting[f"volume {volume.id}"] = error.message
        except CloudError as error:
            work.failures[f"volume {volume.id}"] = error
        else:
            site.report(Event("deleted", f"volume {volume.name}", volume.id))


def _looked_again(site: Site, state: State, work: _Work) -> State:
    """Only machines, while only they are waited for."""
    if set(work.waiting) == {"machines"} and not work.failures:
        return replace(state, machines=listed(site, site.list_machines(), state.groups))
    return look_to_delete(site)


def _left(site: Site, state: State, sweep: Sweep) -> Iterator[str]:
    """Everything is read once more, but for machines that were deleted and seen gone: that listing came after it."""
    seen = [view.machine for view in state.machines] if site.deletion is not None else []
    there = look_to_delete(site, machines=seen or None)
    entries = (*there.observation.resources, *there.groups.resources)
    yield from (f"{entry.type} {entry.id}" for entry in entries if entry.state != "deleting")
    machines = (view.machine for view in there.machines if not view.is_promised)
    yield from (f"machine {machine.id}" for machine in machines if machine.state not in ("deleting", "gone"))
    if site.deletion is not None and _may_have_services(site):
        yield "load balancers of workloads, or what they share"
    yield from (str(entry) for entry in sweep.left)
    if site.volumes is not None and sweep.consent != "none":
        yield from (f"volume {volume.id}" for volume in site.volumes.list_owned(site.cluster))
