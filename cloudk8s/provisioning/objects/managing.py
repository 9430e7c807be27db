"""One turn of looking after a cluster by its objects: read what is declared, converge, show what became of it.

What was declared last is in the cloud's tags. Where these say something else than when the objects were last in line
with them, a command has changed the declaration, and the objects follow; else the objects are the declaration.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field, replace

from cloudk8s.client.objects import annotations_of
from cloudk8s.errors import SettingsError, UserError
from cloudk8s.machinery.codec import encode_canonical
from cloudk8s.provisioning.access import access_to, network_of, with_nodes
from cloudk8s.provisioning.autoscaling import Unneeded, scale, scales
from cloudk8s.provisioning.converging import converge
from cloudk8s.provisioning.declaration.cluster import ClusterDeclaration
from cloudk8s.provisioning.joining import Joining
from cloudk8s.provisioning.leaving import Remedied
from cloudk8s.provisioning.nodes.api import ClusterApi
from cloudk8s.provisioning.objects import kinds
from cloudk8s.provisioning.objects.declaring import declared_by, is_paused
from cloudk8s.provisioning.objects.ledger import Ledger, install
from cloudk8s.provisioning.objects.publishing import Outcome, publish, write_declaration
from cloudk8s.provisioning.planning import settled
from cloudk8s.provisioning.progress import Event
from cloudk8s.provisioning.record import from_tags, to_tags
from cloudk8s.provisioning.site import Site
from cloudk8s.provisioning.state import State, look
from cloudk8s.provisioning.waiting import NotConverged

DECLARED = "cloudk8s.io/declared"
"""Annotation of the Cluster: digest of the declaration that the objects were last in line with."""


@dataclass(slots=True)
class Manager:
    """Looks after one cluster; what it keeps between turns it can do without."""

    limit: float
    """Seconds that one turn may take to converge; the next turn goes on."""
    unneeded: Unneeded = field(default_factory=lambda: Unneeded(600.0))
    remedied: Remedied = field(default_factory=dict)
    _is_installed: bool = False

    def turn(self, site: Site) -> State:
        """Raises UserError where there is no cluster, and what the cloud and the API raise."""
        state = look(site)
        if state.recorded is None:
            raise UserError(f'there is no cluster "{site.cluster}" on {site.provider}')
        api = ClusterApi(access_to(site, state))
        try:
            if not api.answers():
                return converge(site, state.recorded, timeout=self.limit, state=state, remedied=self.remedied)
            if not self._is_installed:
                install(api, site.timer)
                self._is_installed = True
            return self._work(site, state, state.recorded, api)
        finally:
            api.close()

    def _work(self, site: Site, state: State, recorded: ClusterDeclaration, api: ClusterApi) -> State:
        ledger, problem = Ledger(api, site.cluster), ""
        declaration, by_objects = recorded, _in_line(ledger, recorded)
        if by_objects:
            try:
                declaration = _possible(site, declared_by(recorded, ledger.found), state)
            except SettingsError as error:
                problem = str(error)
                site.report(Event("failed", "what objects declare", problem))
        after: State | None = None
        if not is_paused(ledger.found, site.cluster):
            wanted = self._scaled(site, state, declaration, api)
            by_objects = by_objects and wanted == declaration
            declaration = wanted
            try:
                made = converge(site, declaration, timeout=self.limit, state=state, remedied=self.remedied)
                after = as_recorded(site, made)
            except NotConverged as error:
                site.report(Event("waiting", f"cluster {site.cluster}", str(error)))
        state = with_nodes(site, after or look(site))
        return self._show(site, state, declaration, ledger, problem, by_objects=by_objects)

    def _scaled(self, site: Site, state: State, declaration: ClusterDeclaration, api: ClusterApi) -> ClusterDeclaration:
        if not scales(declaration):
            return declaration
        found = scale(site, state, declaration, api, self.unneeded, site.timer.monotonic())
        for line in found.lines:
            site.report(Event("made", "decision", line))
        return found.declaration

    def _show(
        self, site: Site, state: State, declaration: ClusterDeclaration, ledger: Ledger, problem: str, *,
        by_objects: bool,
    ) -> State:  # fmt: skip
        recorded = state.recorded or declaration
        endpoint = Joining.of(site, recorded).inviting.endpoint(network_of(site, state), state.machines)
        if by_objects or write_declaration(ledger, recorded, endpoint):
            ledger.mark(kinds.CLUSTERS, site.cluster, annotations={DECLARED: digest(recorded)})
        publish(ledger, Outcome(recorded, state.machines, endpoint, site.clock.now(), problem))
        return state


def _possible(site: Site, declaration: ClusterDeclaration, state: State) -> ClusterDeclaration:
    """The declaration; raises SettingsError, before anything is done, for what the provider or the cluster can't be."""
    Joining.of(site, settled(site, declaration, state)).close()
    return declaration


def as_recorded(site: Site, state: State) -> State:
    """What another look would show of a state that was converged: the declaration as the cloud's tags tell it."""
    if state.recorded is None:
        return state
    return replace(state, recorded=from_tags(to_tags(state.recorded), site.settings))


def _in_line(ledger: Ledger, recorded: ClusterDeclaration) -> bool:
    """Nothing but the objects has changed since they were written or read last."""
    root = ledger.get(kinds.CLUSTERS, ledger.cluster)
    return root is not None and annotations_of(root).get(DECLARED) == digest(recorded)


def digest(declaration: ClusterDeclaration) -> str:
    """Stands for what is declared, but for the provider's settings."""
    entry = {key: value for key, value in declaration.compact().items() if key != "settings"}
    return hashlib.sha256(encode_canonical(entry)).hexdigest()[:16]
