"""After an earlier process has worked on a cluster a moment ago, listings may not show yet what it did."""

from __future__ import annotations

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from cloudk8s.cloud.stack.timing import SystemTimer, Timer
from cloudk8s.errors import UserError
from cloudk8s.provisioning.progress import Event, Report, silent
from cloudk8s.provisioning.site import Site

PATIENCE = 90.0
"""Seconds that a command waits for another one: who looks after a cluster works on it for moments only."""
PAUSE = 0.5


def settle(site: Site, last_call: float | None, now: float) -> None:
    """Wait until the account shows everything up to `last_call` (both in seconds of the same clock)."""
    if last_call is None:
        return
    left = last_call + site.machines.capabilities.listing_lag - now
    if 0 < left <= site.machines.capabilities.listing_lag:
        site.report(Event("waiting", "the cloud", f"to show what was done a moment ago, {left:.0f} s"))
        site.timer.pause(left)


class Busy(UserError):
    """Another process of this host works on the cluster, and did not end in time."""


@contextmanager
def alone(
    path: Path, cluster: str, *, patience: float = PATIENCE, timer: Timer | None = None, report: Report = silent
) -> Iterator[None]:
    """Keep other processes of this host from working on the cluster; waits `patience` seconds, then raises Busy."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    with path.open("ab") as lock:
        _lock(lock, cluster, patience, timer or SystemTimer(), report)
        yield


def _lock(file: IO[bytes], cluster: str, patience: float, timer: Timer, report: Report) -> None:
    deadline, has_told = timer.monotonic() + patience, False
    while True:
        try:
            return fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if timer.monotonic() >= deadline:
                raise Busy(f'another command works on cluster "{cluster}"; wait for it, or stop it') from None
        if not has_told:
            report(Event("waiting", f"cluster {cluster}", "another command works on it"))
            has_told = True
        timer.pause(PAUSE)
