"""After an earlier process has worked on a cluster a moment ago, listings may not show yet what it did."""

from __future__ import annotations

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from cloudk8s.errors import UserError
from cloudk8s.provisioning.progress import Event
from cloudk8s.provisioning.site import Site


def settle(site: Site, last_call: float | None, now: float) -> None:
    """Wait until the account shows everything up to `last_call` (both in seconds of the same clock)."""
    if last_call is None:
        return
    left = last_call + site.machines.capabilities.listing_lag - now
    if 0 < left <= site.machines.capabilities.listing_lag:
        site.report(Event("waiting", "the cloud", f"to show what was done a moment ago, {left:.0f} s"))
        site.timer.pause(left)


@contextmanager
def alone(path: Path, cluster: str) -> Iterator[None]:
    """Keep other processes of this host from working on the cluster; raises UserError where one does."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    with path.open("ab") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise UserError(f'another command works on cluster "{cluster}"; wait for it, or stop it') from None
        yield
