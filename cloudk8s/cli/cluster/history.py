"""`cloudk8s cluster history`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from cloudk8s.cli import output
from cloudk8s.cli.cluster.options import Name, Offline, Provider, Set, Where, open_named
from cloudk8s.cli.options import DisabledPlugins, Output
from cloudk8s.cli.output import Format
from cloudk8s.errors import UserError

COLUMNS = {
    "POOL": "pool", "REVISION": "revision", "CURRENT": "current", "MACHINES": "machines", "MADE OF": "madeOf",
}  # fmt: skip
if TYPE_CHECKING:
    from cloudk8s.provisioning.objects.history import Revision
    from cloudk8s.provisioning.site import Site
    from cloudk8s.provisioning.state import State


def history(
    name: Name,
    pool: Annotated[str, typer.Option(help="Of this pool only.")] = "",
    provider: Provider = "",
    offline: Offline = False,
    settings: Set = None,
    disable_plugin: DisabledPlugins = None,
    format: Output = Format.TABLE,
) -> None:
    """Show what machines of the pools were made of before; `cluster undo --pool` goes back there.

    Known of clusters that are looked after by their objects (--self-managed, or `cluster manage`).

    Example: cloudk8s cluster history demo
    """
    from cloudk8s.provisioning.state import look

    site = open_named(name, Where.of(provider, offline, settings, disable_plugin))
    found = revisions_of(site, look(site), pool)
    rows = [
        {
            "pool": each.pool, "revision": each.number, "current": each.is_current, "machines": each.machines,
            "madeOf": dict(each.content) if format is not Format.TABLE else _words(each),
        }
        for each in found
    ]  # fmt: skip
    output.show(rows, format, COLUMNS)


def revisions_of(site: Site, state: State, pool: str) -> list[Revision]:
    """Raises UserError where there is no cluster."""
    from cloudk8s.provisioning.access import access_to
    from cloudk8s.provisioning.nodes.api import ClusterApi
    from cloudk8s.provisioning.objects.history import revisions

    if state.recorded is None:
        raise UserError(f'there is no cluster "{site.cluster}" on {site.provider}')
    api = ClusterApi(access_to(site, state))
    try:
        return revisions(api, state.recorded, pool)
    finally:
        api.close()


def _words(revision: Revision) -> str:
    return ", ".join(f"{key} {value}" for key, value in revision.content.items()) or "the provider's defaults"
