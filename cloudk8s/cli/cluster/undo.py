"""`cloudk8s cluster undo`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from cloudk8s.cli.cluster.describe import show
from cloudk8s.cli.cluster.history import revisions_of
from cloudk8s.cli.cluster.options import Name, Offline, Provider, Set, Timeout, Where, look_at, seconds, working
from cloudk8s.cli.options import DisabledPlugins, Output
from cloudk8s.cli.output import Format
from cloudk8s.errors import UserError

if TYPE_CHECKING:
    from cloudk8s.provisioning.declaration.cluster import ClusterDeclaration
    from cloudk8s.provisioning.site import Site
    from cloudk8s.provisioning.state import State


def undo(
    name: Name,
    pool: Annotated[str, typer.Option(help="Only what machines of this pool are made of.")] = "",
    to_revision: Annotated[
        int, typer.Option(help="With --pool: where to; the one before if 0. See: cluster history.", min=0)
    ] = 0,
    provider: Provider = "",
    offline: Offline = False,
    settings: Set = None,
    disable_plugin: DisabledPlugins = None,
    timeout: Timeout = "25m",
    format: Output = Format.TABLE,
) -> None:
    """Go back to what was declared before the last change; once more undoes the undoing.

    Example: cloudk8s cluster undo demo
    """
    from cloudk8s.provisioning.converging import converge
    from cloudk8s.provisioning.versions import check_upgrade

    limit = seconds(timeout)
    with working(name, Where.of(provider, offline, settings, disable_plugin), format=format) as site:
        state, recorded = look_at(site)
        if to_revision and not pool:
            raise UserError("--to-revision is one of a pool: say which with --pool")
        previous = _earlier(site, state, pool, to_revision) if pool else recorded.previous
        if previous is None:
            raise UserError(f'cluster "{name}" was never changed: there is nothing to go back to')
        check_upgrade(recorded.version, previous.version)
        show(site, converge(site, previous, timeout=limit, state=state), format)


def _earlier(site: Site, state: State, pool: str, number: int) -> ClusterDeclaration:
    """What is declared, with the pool as it was."""
    from cloudk8s.provisioning.objects.history import chosen, gone_back

    assert state.recorded is not None
    return gone_back(state.recorded, chosen(revisions_of(site, state, pool), pool, number))
