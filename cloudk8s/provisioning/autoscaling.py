"""Scale pools by what the autoscaler sees: one look, and the declaration that comes of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from cloudk8s.provisioning.autoscaler.consolidation import Removal
from cloudk8s.provisioning.declaration.cluster import ClusterDeclaration, resized
from cloudk8s.provisioning.nodes.api import ClusterApi
from cloudk8s.provisioning.scaling import mark, outlook, replicas_after
from cloudk8s.provisioning.site import Site
from cloudk8s.provisioning.state import State


@dataclass(slots=True)
class Unneeded:
    """Since when nodes are not needed; they go when that has lasted."""

    seconds: float
    since: dict[str, float] = field(default_factory=dict)

    def over(self, removals: Sequence[Removal], now: float) -> list[Removal]:
        """Those that have not been needed for long enough."""
        self.since = {each.node: self.since.get(each.node, now) for each in removals}
        return [each for each in removals if now - self.since[each.node] >= self.seconds]


@dataclass(frozen=True, slots=True)
class Scaling:
    """What one look came to."""

    declaration: ClusterDeclaration
    lines: tuple[str, ...] = ()
    """For people; none where nothing changes."""


def scales(declaration: ClusterDeclaration) -> bool:
    """Whether any pool may be scaled."""
    return any(pool.max is not None and not pool.paused for pool in declaration.pools)


def scale(
    site: Site, state: State, declaration: ClusterDeclaration, api: ClusterApi, unneeded: Unneeded, now: float
) -> Scaling:
    """Look, say on nodes that they are to go, and declare how many machines there shall be. `now` in seconds."""
    found = outlook(site, replace(state, recorded=declaration), api)
    going = unneeded.over(found.removals, now)
    mark(api, going)
    wanted = replicas_after(declaration, found.decision, going)
    if not wanted:
        return Scaling(declaration)
    lines = found.decision.lines() if found.decision.machines else []
    lines += [f"node {removal.node} goes: its pods fit elsewhere" for removal in going]
    return Scaling(resized(declaration, wanted), tuple(lines))
