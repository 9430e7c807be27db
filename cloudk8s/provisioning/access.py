"""How a person or a command gets into a cluster that was made here or anywhere else: out of its seed."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from cloudk8s.apiserver.kubeconfig import Access
from cloudk8s.cloud.model.network import Network
from cloudk8s.errors import CloudK8sError, UserError
from cloudk8s.provisioning.holding import PATIENCE, answers
from cloudk8s.provisioning.identity import cluster_uid
from cloudk8s.provisioning.joining import Joining
from cloudk8s.provisioning.network import network_request
from cloudk8s.provisioning.nodes.api import ClusterApi
from cloudk8s.provisioning.progress import Event
from cloudk8s.provisioning.site import Site
from cloudk8s.provisioning.state import State

LIFETIME = timedelta(days=365)


def access_to(site: Site, state: State, lifetime: timedelta = LIFETIME) -> Access:
    """An administrator's access. Raises UserError where there is nothing to get into."""
    if state.recorded is None:
        raise UserError(f'there is no cluster "{site.cluster}" on {site.provider}')
    joining = Joining.of(site, state.recorded)
    seed, endpoint = site.seeds.find(), joining.inviting.endpoint(network_of(site, state), state.machines)
    if not joining.method.joins or seed is None:
        raise UserError(f'cluster "{site.cluster}" was bootstrapped by others: only they have its kubeconfig')
    if not endpoint:
        raise UserError(f'cluster "{site.cluster}" has no control plane yet; go on with: cloudk8s cluster apply')
    return seed.administrator(site.cluster, f"https://{endpoint}", site.clock.now(), lifetime)


def addressed(site: Site, state: State) -> State:
    """The state with what tells where the API answers, which a look that is to delete leaves out."""
    if site.deletion is None:
        return state
    engine = replace(site.engine, types=site.deletion.endpoint_types())
    observation = site.engine.retries.call(lambda: engine.observe(site.cluster, cluster_uid(site.cluster)))
    return replace(state, observation=observation)


def reach(site: Site, state: State, within: float = PATIENCE) -> ClusterApi | None:
    """The API of a cluster that is about to go; None where it has none, or it does not answer, which is told."""
    if not has_nodes(site, state):
        return None
    try:
        api = ClusterApi(access_to(site, addressed(site, state)))
    except CloudK8sError as error:
        site.report(Event("note", f"cluster {site.cluster}", f"is not asked about its volumes and hooks: {error}"))
        return None
    if answers(site, api, state.machines, within):
        return api
    api.close()
    return None


def with_nodes(site: Site, state: State) -> State:
    """The state with what the cluster itself says of its nodes, where it can be asked."""
    if state.recorded is None:
        return state
    joining = Joining.of(site, state.recorded)
    try:
        machines = joining.look(state.machines, network_of(site, state))
    finally:
        joining.close()
    return replace(state, machines=machines)


def has_nodes(site: Site, state: State) -> bool:
    """Whether machines of the cluster are nodes that can be asked for."""
    return state.recorded is not None and Joining.of(site, state.recorded).awaits_nodes


def network_of(site: Site, state: State) -> Network:
    """The cluster's network as it is."""
    if site.networks is None or state.recorded is None:
        return Network(site.cluster)
    return site.networks.outputs(network_request(state.recorded, state.members), state.observation)
