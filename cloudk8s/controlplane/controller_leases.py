"""Under which lease each controller of a manager runs: one for all, and a second one for those that move."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from cloudk8s.client.interface import Client
from cloudk8s.client.leader_election import LeaderElection, LeaderElector
from cloudk8s.controllers.registry import Registration
from cloudk8s.controlplane.led import Led
from cloudk8s.machinery.clock import Clock

if TYPE_CHECKING:
    from cloudk8s.controlplane.leader_migration import LeaderMigration

Control = Callable[[Sequence[Registration], LeaderElection | None], Awaitable[None]]
"""Runs controllers until cancelled, having been elected."""


@dataclass(frozen=True, slots=True)
class ControllerLeases:
    """Whether a manager competes with others of its kind, and which controllers it hands over to another kind."""

    main: LeaderElection | None = None
    migration: LeaderMigration | None = None
    """Means nothing without an election, as upstream."""

    def led(
        self, control: Control, registrations: Sequence[Registration], *, component: str, client: Client, clock: Clock
    ) -> tuple[Led, ...]:
        """What is to be done under which lease; the first is the main one."""
        if self.main is None:
            return (Led(partial(control, registrations, None)),)
        if self.migration is None:
            return (_led(control, registrations, self.main, client, clock),)
        divided = self.migration.divide(registrations, component)
        second = self.migration.election(self.main)
        return (
            _led(control, divided.main, self.main, client, clock),
            _led(control, divided.migrated, second, client, clock),
        )


def _led(
    control: Control, registrations: Sequence[Registration], election: LeaderElection, client: Client, clock: Clock
) -> Led:
    return Led(partial(control, registrations, election), LeaderElector(client, election, clock=clock))
