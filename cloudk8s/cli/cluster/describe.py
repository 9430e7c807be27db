"""`cloudk8s cluster describe`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from cloudk8s.cli import output
from cloudk8s.cli.cluster.options import Name, Offline, Provider, Set, Where, open_named
from cloudk8s.cli.options import DisabledPlugins, Output
from cloudk8s.cli.output import Format
from cloudk8s.errors import UserError

if TYPE_CHECKING:
    from cloudk8s.provisioning.site import Site
    from cloudk8s.provisioning.state import State

GROUPS = {
    "GROUP": "name", "ROLE": "role", "REPLICAS": "replicas", "CURRENT": "current", "AVAILABLE": "available",
    "UP-TO-DATE": "upToDate", "VERSION": "version",
}  # fmt: skip
MACHINES = {
    "MACHINE": "name", "ID": "id", "PHASE": "phase", "TYPE": "type", "ZONE": "zone", "ADDRESS": "address",
    "VERSION": "version",
}  # fmt: skip
RESOURCES = {"RESOURCE": "key", "TYPE": "type", "ID": "id", "STATE": "state"}


def describe(
    name: Name,
    provider: Provider = "",
    offline: Offline = False,
    settings: Set = None,
    disable_plugin: DisabledPlugins = None,
    format: Output = Format.TABLE,
) -> None:
    """Show a cluster as the cloud has it: groups of machines, machines, and everything around them.

    Example: cloudk8s cluster describe demo
    """
    from cloudk8s.provisioning.access import with_nodes
    from cloudk8s.provisioning.state import look

    site = open_named(name, Where.of(provider, offline, settings, disable_plugin))
    state = with_nodes(site, look(site))
    if not state.exists:
        raise UserError(f'there is no cluster "{name}" on {site.provider}')
    show(site, state, format, with_resources=True)


def show(site: Site, state: State, format: Format, *, with_resources: bool = False) -> None:
    """Print a cluster."""
    from cloudk8s.provisioning.description import describe as described

    entry = described(site, state)
    if format is not Format.TABLE:
        output.show(entry, format)
        return
    _head(entry)
    output.say()
    output.table(entry["groups"], GROUPS)
    if entry["machines"]:
        output.say()
        output.table(entry["machines"], MACHINES)
    if with_resources and entry["resources"]:
        output.say()
        output.table(entry["resources"], RESOURCES)


def _head(entry: dict[str, Any]) -> None:
    for title, key in {
        "Name": "name",
        "Provider": "provider",
        "Phase": "phase",
        "Version": "version",
        "Endpoint": "endpoint",
    }.items():
        output.say(f"{title + ':':<10}{entry[key] or '<none>'}")
