"""Look before the first change: everything that would stop a new cluster halfway, told at once."""

from __future__ import annotations

from collections.abc import Sequence

from cloudk8s.cloud.interface import Preflights
from cloudk8s.cloud.model.network import Finding
from cloudk8s.errors import SettingsError, UserError
from cloudk8s.provisioning.declaration.cluster import ClusterDeclaration
from cloudk8s.provisioning.joining import Joining
from cloudk8s.provisioning.network import network_request
from cloudk8s.provisioning.simulation import simulate
from cloudk8s.provisioning.site import Site
from cloudk8s.provisioning.state import State


def preflight(site: Site, declaration: ClusterDeclaration, state: State) -> Sequence[Finding]:
    """What stands in the way of a cluster that is not there yet; nothing is looked at for one that is."""
    if state.recorded is not None or state.exists:
        return []
    found: list[Finding] = []
    try:
        Joining.of(site, declaration).close()
    except SettingsError as error:  # told with the rest
        found.append(Finding("bootstrap", str(error)))
    requests = simulate(declaration, [], "", site.clock.now()).requests()
    networks: object = site.networks
    if isinstance(networks, Preflights):
        found += networks.preflight(network_request(declaration), requests)
    return found


def check(findings: Sequence[Finding]) -> Sequence[str]:
    """Raise UserError with all that is fatal; returns the rest as notes."""
    if fatal := [_told(finding) for finding in findings if finding.is_fatal]:
        raise UserError("\n".join(fatal))
    return [_told(finding) for finding in findings]


def _told(finding: Finding) -> str:
    where = f"{finding.field}: " if finding.field else ""
    return f"{where}{finding.message}"
