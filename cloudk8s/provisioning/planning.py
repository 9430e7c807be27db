"""A declaration and one look at the cloud become a plan. Reads nothing, changes nothing."""

from __future__ import annotations

from cloudk8s.cloud.stack.plan import Plan, Step
from cloudk8s.cloud.stack.resource import Stack
from cloudk8s.errors import FieldError, SettingsError
from cloudk8s.provisioning.declaration.cluster import ClusterDeclaration
from cloudk8s.provisioning.following import check_followed, machines_of
from cloudk8s.provisioning.foresight import calls_of, cost_of, deletion_calls, endpoint_steps
from cloudk8s.provisioning.identity import owner_of
from cloudk8s.provisioning.inheritance import NOTHING, Inheritance
from cloudk8s.provisioning.joining import Joining
from cloudk8s.provisioning.machines.decision import remove_all
from cloudk8s.provisioning.network import found, network_request, pinned
from cloudk8s.provisioning.plan import ClusterPlan
from cloudk8s.provisioning.scaling_groups import deletion_steps, group_steps
from cloudk8s.provisioning.simulation import Simulation, simulate, steps_of
from cloudk8s.provisioning.site import Site
from cloudk8s.provisioning.state import State
from cloudk8s.provisioning.staying import check_stays
from cloudk8s.provisioning.stores import with_store


def settled(site: Site, declaration: ClusterDeclaration, state: State) -> ClusterDeclaration:
    """The declaration with what was chosen at creation, and what it follows; SettingsError for what can't be."""
    wanted, recorded = _pinned(site, declaration, state), state.recorded
    if site.machines.capabilities.boots:  # else nothing is stored anywhere
        wanted = with_store(wanted, recorded)
    if recorded is None:
        return wanted
    is_same = wanted.model_copy(update={"settings": recorded.settings}) == recorded
    return wanted.after(recorded.previous if is_same else recorded)


def _pinned(site: Site, declaration: ClusterDeclaration, state: State) -> ClusterDeclaration:
    found = _with_zones(site, declaration, state)
    zones = found.network.zones
    for place, machine in machines_of(found):
        if zones and (outside := sorted(set(machine.zones) - set(zones))):
            text = f"{', '.join(outside)}: the cluster is in {', '.join(zones)}; network.zones names where it is to be"
            raise FieldError(f"{place}.zones", text)
    return found


def _with_zones(site: Site, declaration: ClusterDeclaration, state: State) -> ClusterDeclaration:
    if state.recorded is not None and state.recorded.provider != declaration.provider:
        raise SettingsError(f"cluster {declaration.name} is one of provider {state.recorded.provider!r}")
    _check_name(site, declaration, state)
    check_followed(site, declaration, state.recorded)
    declaration = found(declaration, state.recorded, site.networks)
    if state.recorded is not None:
        check_stays(declaration, state.recorded)
    known = state.recorded.network.zones if state.recorded is not None else ()
    wanted = declaration.network.zones
    if known and set(wanted) <= set(known) and declaration.network.zone_count <= len(known):
        return pinned(declaration, state.recorded, ())
    zones = site.networks.capabilities.zones if site.networks is not None else ()
    zones = zones or site.machines.capabilities.zones
    if zones and (unknown := sorted(set(wanted) - set(zones))):
        raise FieldError("network.zones", f"{', '.join(unknown)}: there is {', '.join(zones)}")
    return pinned(declaration, state.recorded, zones)


def _check_name(site: Site, declaration: ClusterDeclaration, state: State) -> None:
    api, before = declaration.network.api, state.recorded.network.api if state.recorded is not None else None
    if before is not None and (api.dns_zone, api.dns_name) != (before.dns_zone, before.dns_name):
        raise FieldError(
            "network.api.dnsZone",
            "certificates and kubeconfigs have the API's name from the beginning; it stays "
            f"{before.dns_zone or 'without a zone'}, or make another cluster",
        )
    if api.dns_zone and not (site.networks is not None and site.networks.capabilities.dns):
        raise FieldError("network.api.dnsZone", f"{site.provider} has no zones of DNS")


def plan_cluster(site: Site, declaration: ClusterDeclaration, state: State) -> ClusterPlan:
    """What converging would do; `declaration` is settled."""
    network: Plan | None = None
    network_id = ""
    if site.networks is not None:
        request = network_request(declaration, state.members)
        network = site.engine.plan(site.networks.stack(request), state.observation)
        network_id = site.networks.outputs(request, state.observation).id
    simulation = simulate(declaration, state.machines, network_id, site.clock.now())
    endpoint = endpoint_steps(site, declaration, simulation)
    groups = _group_steps(site, declaration, state, simulation)
    return ClusterPlan(
        declaration.name, network, tuple(simulation.steps()), tuple(endpoint), tuple(groups),
        calls_of(site, network, [*endpoint, *groups], simulation),
        cost_of(site, declaration, state.observation, state.machines, simulation), notes=_notes(declaration),
        uses=_uses(declaration),
    )  # fmt: skip


def _group_steps(site: Site, declaration: ClusterDeclaration, state: State, simulation: Simulation) -> list[Step]:
    if site.networks is None or not (state.groups.resources or any(pool.scaling_group for pool in declaration.pools)):
        return []
    joining = Joining.of(site, declaration)
    outputs = site.networks.outputs(network_request(declaration, state.members), state.observation)
    return group_steps(site, joining, outputs, state, simulation)


def plan_deletion(site: Site, state: State, workloads: Inheritance = NOTHING) -> ClusterPlan:
    """What deleting everything would do."""
    steps = steps_of(remove_all(view for view in state.machines if not view.is_promised))
    network: Plan | None = None
    if site.networks is not None:
        network = site.engine.plan(Stack(owner_of(site.cluster)), state.observation)
    groups = deletion_steps(site, state.groups)
    calls = deletion_calls(site, network, groups, sum(len(step.names) for step in steps))
    return ClusterPlan(
        site.cluster, network, tuple(steps), groups=tuple(groups), calls=calls, going=workloads.going,
        kept=workloads.kept,
    )  # fmt: skip


def _uses(declaration: ClusterDeclaration) -> tuple[str, ...]:
    """What is there already and stays as it is, but for tags."""
    if (existing := declaration.network.existing) is None:
        return ()
    places = [f"subnet {id} in {zone} for machines" for zone, id in existing.machine_subnets.items()]
    places += [
        f"subnet {id} in {zone} for the API's load balancer" for zone, id in existing.load_balancer_subnets.items()
    ]
    return (f"network {existing.id} ({', '.join(existing.cidrs)})", *places)


def _notes(declaration: ClusterDeclaration) -> tuple[str, ...]:
    """What a person should know."""
    notes = []
    if declaration.network.nat == "per-zone" and declaration.network.existing is None:
        notes.append("a NAT gateway in each zone may cost more than the nodes behind it; network.nat: single has one")
    if declaration.control_plane.replicas == 1 and not declaration.keeps_etcd:
        notes.append("one machine runs the control plane: while it is replaced, the API does not answer")
    return tuple(notes)
