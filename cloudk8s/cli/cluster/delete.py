"""`cloudk8s cluster delete`."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated

import typer

from cloudk8s.cli import output
from cloudk8s.cli.cluster.options import Name, Offline, Provider, Set, Timeout, Where, open_named, seconds, working
from cloudk8s.cli.cluster.plan import print_plan
from cloudk8s.cli.options import DisabledPlugins, Output
from cloudk8s.cli.output import Format
from cloudk8s.errors import UserError

if TYPE_CHECKING:
    from cloudk8s.provisioning.nodes.api import ClusterApi
    from cloudk8s.provisioning.plan import ClusterPlan
    from cloudk8s.provisioning.site import Site
    from cloudk8s.provisioning.state import State


class Consent(StrEnum):
    """Which data of workloads may go."""

    DECLARED = "declared"
    ALL = "all"
    NONE = "none"


def delete(
    name: Name,
    provider: Provider = "",
    offline: Offline = False,
    settings: Set = None,
    disable_plugin: DisabledPlugins = None,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Show what would be deleted.")] = False,
    volumes: Annotated[
        Consent,
        typer.Option(help="Volumes and snapshots of workloads: as their reclaim policies say, all of them, or none."),
    ] = Consent.DECLARED,
    keep_volumes: Annotated[bool, typer.Option("--keep-volumes", help="The same as --volumes none.")] = False,
    timeout: Timeout = "20m",
    format: Output = Format.TABLE,
) -> None:
    """Delete a cluster and everything made for it, load balancers and volumes of its workloads too.

    Volumes whose reclaim policy is Retain stay and are named, unless --volumes all says otherwise.
    Run it again after a crash or a time-out; a cluster that is gone already is success.

    Example: cloudk8s cluster delete demo --yes
    """
    from cloudk8s.apiserver import kubeconfig as files
    from cloudk8s.provisioning.bookmarks import forget
    from cloudk8s.provisioning.leftovers import write_down_fates
    from cloudk8s.provisioning.seizing import seize
    from cloudk8s.provisioning.teardown import tear_down

    limit = seconds(timeout)
    where = Where.of(provider, offline, settings, disable_plugin)
    consent = Consent.NONE if keep_volumes else volumes
    if dry_run:
        with _foreseen(open_named(name, where), consent, limit, tells=True) as (_, _, planned):
            print_plan(planned, format)
        raise typer.Exit(0 if planned.is_empty else 2)
    asks = _asks(yes)
    with working(name, where, format=format) as site, _foreseen(site, consent, limit, tells=asks) as foreseen:
        state, api, planned = foreseen
        if asks and not planned.is_empty:
            _confirm(name, planned)
        seize(site, state)
        if api is not None:
            write_down_fates(site, api)
        tear_down(site, timeout=limit, consent=consent.value, state=state, api=api)
    forget(name)
    files.remove(files.default_path(), files.context_name(name))
    if format is not Format.TABLE:
        output.show({"name": name, "phase": "Absent", "deleted": planned.changes}, format)


@contextmanager
def _foreseen(
    site: Site, consent: Consent, limit: float, *, tells: bool
) -> Iterator[tuple[State, ClusterApi | None, ClusterPlan]]:
    """The cluster as it is, its API where that answers, and what would be deleted; of workloads only if it `tells`."""
    from cloudk8s.provisioning.access import reach
    from cloudk8s.provisioning.holding import PATIENCE
    from cloudk8s.provisioning.inheritance import NOTHING, inheritance
    from cloudk8s.provisioning.planning import plan_deletion
    from cloudk8s.provisioning.state import look_to_delete

    state = look_to_delete(site)
    api = reach(site, state, min(PATIENCE, limit))
    try:
        yield state, api, plan_deletion(site, state, inheritance(site, consent.value, api) if tells else NOTHING)
    finally:
        if api is not None:
            api.close()


def _asks(yes: bool) -> bool:
    """Who runs this without a terminal is taken to mean it."""
    return not yes and sys.stdin.isatty() and sys.stderr.isatty()


def _confirm(name: str, planned: ClusterPlan) -> None:
    """Ask a person, who is told what of workloads goes and stays."""
    for text in planned.going:
        output.note(f"goes: {text}")
    for text in planned.kept:
        output.note(f"stays: {text}")
    output.note(f"cluster {name}: {planned.summary}")
    if typer.prompt("type the cluster's name to go on", err=True) != name:
        raise UserError("nothing was deleted")
