"""`cloudk8s cluster autoscale`."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Annotated

import typer

from cloudk8s.cli import output
from cloudk8s.cli.cluster_options import Name, Offline, Provider, Set, Timeout, Where, changed, seconds, working
from cloudk8s.cli.cluster_scale import scaled_pools
from cloudk8s.errors import CloudK8sError, UserError

if TYPE_CHECKING:
    from cloudk8s.provisioning.autoscaler.consolidation import Removal
    from cloudk8s.provisioning.site import Site


@dataclass(slots=True)
class Patience:
    """Since when nodes are not needed; they go when that has lasted."""

    seconds: float
    since: dict[str, float] = field(default_factory=dict)

    def over(self, removals: Sequence[Removal], now: float) -> list[Removal]:
        """Those that have not been needed for long enough."""
        self.since = {each.node: self.since.get(each.node, now) for each in removals}
        return [each for each in removals if now - self.since[each.node] >= self.seconds]


def autoscale(
    name: Name,
    once: Annotated[bool, typer.Option("--once", help="Look once, and end.")] = False,
    every: Annotated[str, typer.Option(help="Between two looks.")] = "10s",
    unneeded_for: Annotated[str, typer.Option(help="How long a node is not needed before it goes.")] = "10m",
    provider: Provider = "",
    offline: Offline = False,
    settings: Set = None,
    timeout: Timeout = "25m",
) -> None:
    """Make machines for pods that wait for one, and take away those that nobody needs, in pools with `max`.

    Example: cloudk8s cluster autoscale demo --unneeded-for 15m
    """
    pause, limit = seconds(every, "--every"), seconds(timeout)
    patience, where = Patience(seconds(unneeded_for, "--unneeded-for")), Where.of(provider, offline, settings)
    while True:
        try:
            with working(name, where, quiet=True) as site:
                _look_and_scale(name, site, patience, limit)
        except UserError:
            raise
        except CloudK8sError as error:
            if once:
                raise
            output.note(f"{error}; looking again in {every}")
        if once:
            return
        time.sleep(pause)


def _look_and_scale(name: str, site: Site, patience: Patience, limit: float) -> None:
    from cloudk8s.provisioning.access import access_to
    from cloudk8s.provisioning.converging import converge
    from cloudk8s.provisioning.nodes.api import ClusterApi
    from cloudk8s.provisioning.scaling import mark, outlook, replicas_after
    from cloudk8s.provisioning.state import look

    state = look(site)
    if state.recorded is None:
        raise UserError(f'there is no cluster "{name}" on {site.provider}')
    if all(pool.max is None for pool in state.recorded.pools):
        raise UserError(f'no pool of cluster "{name}" has a max: say it in the cluster file, and apply it')
    api = ClusterApi(access_to(site, state))
    try:
        found = outlook(site, state, api)
        going = patience.over(found.removals, time.monotonic())
        mark(api, going)
    finally:
        api.close()
    if not (wanted := replicas_after(state.recorded, found.decision, going)):
        return
    for line in found.decision.lines() if found.decision.machines else ():
        output.step(line)
    for removal in going:
        output.step(f"node {removal.node} goes: its pods fit elsewhere")
    declared = state.recorded
    for pool, replicas in wanted.items():
        declared = changed(declared, {"pools": scaled_pools(declared, pool, replicas)})
    converge(site, declared, timeout=limit, state=state)
