"""`cloudk8s cluster delete`."""

from __future__ import annotations

import sys
from contextlib import ExitStack
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated

import typer

from cloudk8s.cli import output
from cloudk8s.cli.cluster.options import Name, Offline, Provider, Set, Timeout, Where, open_named, seconds, working
from cloudk8s.cli.cluster.plan import print_plan
from cloudk8s.cli.options import Output
from cloudk8s.cli.output import Format
from cloudk8s.errors import UserError

if TYPE_CHECKING:
    from cloudk8s.provisioning.plan import ClusterPlan
    from cloudk8s.provisioning.site import Site


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
    from cloudk8s.provisioning.access import reach
    from cloudk8s.provisioning.bookmarks import forget
    from cloudk8s.provisioning.holding import PATIENCE
    from cloudk8s.provisioning.inheritance import NOTHING, inheritance
    from cloudk8s.provisioning.leftovers import write_down_fates
    from cloudk8s.provisioning.planning import plan_deletion
    from cloudk8s.provisioning.seizing import seize
    from cloudk8s.provisioning.state import look_to_delete
    from cloudk8s.provisioning.teardown import tear_down

    limit = seconds(timeout)
    where = Where.of(provider, offline, settings)
    consent = Consent.NONE if keep_volumes else volumes
    if dry_run:
        planned = _planned(open_named(name, where), consent, limit)
        print_plan(planned, format)
        raise typer.Exit(0 if planned.is_empty else 2)
    with working(name, where, format=format) as site, ExitStack() as closing:
        state = look_to_delete(site)
        if (api := reach(site, state, min(PATIENCE, limit))) is not None:
            closing.callback(api.close)
        workloads = inheritance(site, consent.value, api) if _asks(yes) else NOTHING
        planned = plan_deletion(site, state, workloads)
        if _asks(yes) and not planned.is_empty:
            _confirm(name, planned)
        seize(site, state)
        if api is not None:
            write_down_fates(site, api)
        tear_down(site, timeout=limit, consent=consent.value, state=state, api=api)
    forget(name)
    files.remove(files.default_path(), files.context_name(name))
    if format is not Format.TABLE:
        output.show({"name": name, "phase": "Absent", "deleted": planned.changes}, format)


def _planned(site: Site, consent: Consent, limit: float) -> ClusterPlan:
    from cloudk8s.provisioning.access import reach
    from cloudk8s.provisioning.holding import PATIENCE
    from cloudk8s.provisioning.inheritance import inheritance
    from cloudk8s.provisioning.planning import plan_deletion
    from cloudk8s.provisioning.state import look_to_delete

    state = look_to_delete(site)
    api = reach(site, state, min(PATIENCE, limit))
    try:
        return plan_deletion(site, state, inheritance(site, consent.value, api))
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
