"""`cloudk8s cluster plan`."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import typer

from cloudk8s.cli import output
from cloudk8s.cli.cluster.declaring import Wishes, declared
from cloudk8s.cli.cluster.options import File, Offline, OptionalName, Provider, Set, Where, Workers, named, open_named
from cloudk8s.cli.options import DisabledPlugins, Output
from cloudk8s.cli.output import Format
from cloudk8s.errors import UserError

if TYPE_CHECKING:
    from cloudk8s.provisioning.plan import ClusterPlan

CHANGES = 2
"""Exit code: there is something to do."""


def plan(
    name: OptionalName = "",
    file: File = None,
    provider: Provider = "",
    offline: Offline = False,
    workers: Workers = None,
    settings: Set = None,
    disable_plugin: DisabledPlugins = None,
    format: Output = Format.TABLE,
) -> None:
    """Show what would be made, changed and deleted, and why. Exit code 0: nothing to do; 2: changes.

    Without a file, the last declaration is compared with what is there: drift.

    Example: cloudk8s cluster plan -f cluster.yaml
    """
    from cloudk8s.provisioning.declaration.reading import locating
    from cloudk8s.provisioning.planning import plan_cluster, settled
    from cloudk8s.provisioning.preflight import preflight
    from cloudk8s.provisioning.state import look

    name, from_file = named(name, file)
    site = open_named(name, Where.of(provider, offline, settings, disable_plugin), declared=from_file)
    state = look(site)
    if from_file is None and state.recorded is None and workers is None and not provider:
        raise UserError(f'there is no cluster "{name}" on {site.provider}; give its file with -f')
    with locating(file):
        declaration = settled(site, declared(site, state, from_file, Wishes(workers)), state)
    made = replace(plan_cluster(site, declaration, state), findings=tuple(preflight(site, declaration, state)))
    print_plan(made, format)
    if not made.is_empty:
        raise typer.Exit(CHANGES)


def print_plan(plan: ClusterPlan, format: Format) -> None:
    """For people, or for programs."""
    if format is Format.TABLE:
        for line in plan.lines():
            output.say(line)
    else:
        output.show(plan.as_dict(), format)
