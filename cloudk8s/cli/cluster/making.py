"""What `cluster create` and `cluster apply` do with what is declared."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from cloudk8s.provisioning.declaration.cluster import ClusterDeclaration
    from cloudk8s.provisioning.leaving import Remedied
    from cloudk8s.provisioning.site import Site
    from cloudk8s.provisioning.state import State


def make(
    site: Site, declaration: ClusterDeclaration, state: State, *, timeout: float, file: Path | None,
    remedied: Remedied | None = None,
) -> State:  # fmt: skip
    """Converge, and apply the add-ons that the file names; what is wrong with either is told before anything is made.

    Without a file the declaration was made before, and so were its add-ons.
    """
    from cloudk8s.provisioning.addons import apply_addons, read_addons
    from cloudk8s.provisioning.converging import converge
    from cloudk8s.provisioning.declaration.reading import locating
    from cloudk8s.provisioning.planning import settled
    from cloudk8s.provisioning.preflight import check, preflight
    from cloudk8s.provisioning.progress import Event

    with locating(file):
        settling = settled(site, declaration, state)
    addons = read_addons(declaration.addons, file.parent) if file is not None else []
    for note in check(preflight(site, settling, state)):
        site.report(Event("note", "preflight", note))
    state = converge(site, settling, timeout=timeout, state=state, remedied=remedied)
    apply_addons(site, state, addons)
    return state
