"""`cloudk8s down`."""

from __future__ import annotations

import os
import signal
import time
from datetime import timedelta
from pathlib import Path
from typing import Annotated

import typer

from cloudk8s.apiserver import kubeconfig
from cloudk8s.cli import output
from cloudk8s.cli.options import Name
from cloudk8s.controlplane import directories
from cloudk8s.errors import CloudK8sError, UserError

_WAIT_SECONDS = 60.0
_GRACE = timedelta(seconds=5)
"""What containers get between their stop signal and their end."""


def down(
    name: Name = "default",
    purge: Annotated[
        bool, typer.Option("--purge", help="Also end its pods, and delete its data, certificates and context.")
    ] = False,
    keep_pods: Annotated[
        bool, typer.Option("--keep-pods", help="Let its pods run on; the next `up` finds them again.")
    ] = False,
    data_dir: Annotated[Path | None, typer.Option(help="The cluster's data directory.")] = None,
) -> None:
    """Stop a cluster of this host and its pods; what they stored stays unless --purge is given.

    Example: cloudk8s down --name dev --purge
    """
    from cloudk8s.controlplane.host.purging import end_pods
    from cloudk8s.controlplane.host.purging import purge as purge_directory
    from cloudk8s.controlplane.loop import result_of

    if purge and keep_pods:
        raise UserError("--purge ends the pods: it does not go with --keep-pods")
    directory = data_dir or directories.data_dir(name)
    state = directories.read_state(directory)
    if state is not None:
        _stop(state.pid, name, _WAIT_SECONDS + state.stop_seconds)
        output.step(f'cluster "{name}" is stopped')
    elif not directory.exists():
        output.step(f'there is no cluster "{name}"')
    if directory.exists() and not keep_pods and not purge:
        result_of(end_pods(directory.absolute(), _GRACE))
    if directory.exists():
        _clear(name, directory, has_hosts=keep_pods)
    if purge:
        kubeconfig.remove(kubeconfig.default_path(), kubeconfig.context_name(name))
        result_of(purge_directory(directory.absolute()))
        output.step(f'cluster "{name}" is gone')


def _clear(name: str, directory: Path, *, has_hosts: bool) -> None:
    """A cluster that was killed, now or before, could not clean up."""
    from cloudk8s.controlplane.host.leftovers import remove_leftovers

    remove_leftovers(name, directory.absolute(), has_hosts=has_hosts)


def _stop(pid: int, name: str, patience: float) -> None:
    os.kill(pid, signal.SIGTERM)
    deadline = time.monotonic() + patience
    while time.monotonic() < deadline:
        try:
            os.kill(pid, 0)
        except ProcessLookupError:
            return
        time.sleep(0.05)
    raise CloudK8sError(f'cluster "{name}" (process {pid}) did not stop within {patience:.0f} s')
