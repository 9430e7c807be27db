"""Work of one process among several, again and again: whoever is elected does it, until it is not any more."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable
from typing import Final

from cloudk8s.client.interface import Client
from cloudk8s.client.leader_election import LeaderElection, LeaderElector
from cloudk8s.machinery.clock import Clock

REST_SECONDS: Final = 10.0
"""Who has just failed lets others go first: they try again within five seconds."""
_log = logging.getLogger(__name__)


async def keep_elected(
    client: Client, election: LeaderElection, work: Callable[[], Awaitable[None]], *, clock: Clock
) -> None:
    """Compete and work until cancelled. What fails, be it the work or the lease, only ends this turn of it."""
    while True:
        try:
            await LeaderElector(client, election, clock=clock).run(work)
        except Exception as error:  # noqa: BLE001 (one turn; others may do it better)
            _log.warning("%s: %s does not lead any more: %s", election.name, election.identity, error)
        await clock.sleep(REST_SECONDS)
