"""`cloudk8s cluster autoscale`."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Annotated

import typer

from cloudk8s.cli import output
from cloudk8s.cli.cluster.options import Name, Offline, Provider, Set, Timeout, Where, look_at, seconds, working
from cloudk8s.cli.options import DisabledPlugins
from cloudk8s.errors import CloudK8sError, UserError

if TYPE_CHECKING:
    from cloudk8s.provisioning.autoscaling import Unneeded
    from cloudk8s.provisioning.site import Site


def autoscale(
    name: Name,
    once: Annotated[bool, typer.Option("--once", help="Look once, and end.")] = False,
    every: Annotated[str, typer.Option(help="Between two looks.")] = "10s",
    unneeded_for: Annotated[str, typer.Option(help="How long a node is not needed before it goes.")] = "10m",
    provider: Provider = "",
    offline: Offline = False,
    settings: Set = None,
    disable_plugin: DisabledPlugins = None,
    timeout: Timeout = "25m",
) -> None:
    """Make machines for pods that wait for one, and take away those that nobody needs, in pools with `max`.

    Example: cloudk8s cluster autoscale demo --unneeded-for 15m
    """
    from cloudk8s.provisioning.autoscaling import Unneeded
    from cloudk8s.provisioning.settling import Busy

    pause, limit = seconds(every, "--every"), seconds(timeout)
    unneeded = Unneeded(seconds(unneeded_for, "--unneeded-for"))
    where = Where.of(provider, offline, settings, disable_plugin)
    while True:
        try:
            with working(name, where, quiet=True) as site:
                _look_and_scale(name, site, unneeded, limit)
        except Busy as error:
            output.note(f"{error}; looking again in {every}")
        except UserError:
            raise
        except CloudK8sError as error:
            if once:
                raise
            output.note(f"{error}; looking again in {every}")
        if once:
            return
        time.sleep(pause)


def _look_and_scale(name: str, site: Site, unneeded: Unneeded, limit: float) -> None:
    from cloudk8s.provisioning.access import access_to
    from cloudk8s.provisioning.autoscaling import scale, scales
    from cloudk8s.provisioning.converging import converge
    from cloudk8s.provisioning.nodes.api import ClusterApi

    state, recorded = look_at(site)
    if not scales(recorded):
        raise UserError(f'no pool of cluster "{name}" has a max: say it in the cluster file, and apply it')
    api = ClusterApi(access_to(site, state))
    try:
        found = scale(site, state, recorded, api, unneeded, time.monotonic())
    finally:
        api.close()
    for line in found.lines:
        output.step(line)
    if found.declaration != recorded:
        converge(site, found.declaration, timeout=limit, state=state)
