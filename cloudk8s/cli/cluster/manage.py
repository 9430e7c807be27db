"""`cloudk8s cluster manage`."""

from __future__ import annotations

import os
import signal
import sys
import threading
from typing import Annotated

import typer

from cloudk8s.cli import output
from cloudk8s.cli.cluster.options import Name, Offline, Provider, Set, Where, seconds, working
from cloudk8s.cli.cluster.progress import Teller
from cloudk8s.cli.options import DisabledPlugins


def manage(
    name: Name,
    every: Annotated[str, typer.Option(help="Between two looks.")] = "10s",
    once: Annotated[bool, typer.Option("--once", help="Look once, and end.")] = False,
    unneeded_for: Annotated[
        str, typer.Option(help="How long a node of a pool with `max` is not needed before it goes.")
    ] = "10m",
    provider: Provider = "",
    offline: Offline = False,
    settings: Set = None,
    disable_plugin: DisabledPlugins = None,
    timeout: Annotated[str, typer.Option(help="How long one turn may take before its state is shown.")] = "30s",
    stop_with_input: Annotated[
        bool, typer.Option("--stop-with-input", help="Also stop when standard input ends.")
    ] = False,
) -> None:
    """Look after a cluster by objects in its own API, in Cluster API's shape: it is made as they say, and they show it.

    Clusters made with --self-managed do this themselves.

    Example: cloudk8s cluster manage demo
    """
    from cloudk8s.cloud.stack.timing import SystemTimer
    from cloudk8s.provisioning.autoscaling import Unneeded
    from cloudk8s.provisioning.keeping import keep
    from cloudk8s.provisioning.objects.managing import Manager

    pause, where = seconds(every, "--every"), Where.of(provider, offline, settings, disable_plugin)
    manager = Manager(seconds(timeout), Unneeded(seconds(unneeded_for, "--unneeded-for")))

    def turn() -> None:
        with working(name, where, quiet=True) as site:
            manager.turn(site)

    if stop_with_input:
        threading.Thread(target=_stop_with_input, name="input", daemon=True).start()
    if once:
        turn()
        return
    output.step(f"{name} is looked after every {every} until this is stopped: kubectl get machines -n cloudk8s-system")
    keep(turn, every=pause, timer=SystemTimer(), report=Teller())


def _stop_with_input() -> None:
    """Interrupt this process, as a person would, when who started it is gone."""
    while sys.stdin.buffer.read(4096):
        continue
    os.kill(os.getpid(), signal.SIGINT)
