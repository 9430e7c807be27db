"""Clusters on an emulated AWS account, with time that passes by waiting and every call counted."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from cloudk8s.cloud.stack.engine import Engine
from cloudk8s.cloud.stack.journal import Intent, MemoryJournal
from cloudk8s.cloud.stack.retry import Retries
from cloudk8s.cloud.stack.timing import Timer
from cloudk8s.provisioning.declaration.cluster import ClusterDeclaration
from cloudk8s.provisioning.declaration.reading import declare
from cloudk8s.provisioning.progress import Event, ReportingJournal
from cloudk8s.provisioning.settling import settle
from cloudk8s.provisioning.site import Site
from cloudk8s_aws.testing import AwsWorld

ZONES = ("us-east-1a", "us-east-1b", "us-east-1c")


class TimeJournal(MemoryJournal):
    """Knows when it was last written to."""

    def __init__(self, timer: Timer) -> None:
        super().__init__(timer=timer)
        self.last: float | None = None

    def intend(self, intent: Intent) -> None:
        self.last = self.timer.monotonic()


class AwsCloud:
    """One account that outlives the processes that work on it; `journal` is what survives of these."""

    def __init__(self, world: AwsWorld, *, concurrency: int = 1) -> None:
        self.world = world
        self.concurrency = concurrency
        self.boots = False
        self.events: list[Event] = []
        self.journal = TimeJournal(world.timer)

    def site(self, cluster: str = "demo") -> Site:
        """Fresh contracts, as a new process would have, which first lets the account settle."""
        aws, timer = replace(self.world.aws(), boots=self.boots), self.world.timer
        networks = aws.networks()
        last = self.journal.last
        self.journal = TimeJournal(timer)
        journal = ReportingJournal(self.journal, self.events.append)
        engine = Engine(
            networks.resource_types(),
            journal=journal,
            retries=Retries(timer=timer, random=random.Random(1)),
            concurrency=self.concurrency,
        )
        site = Site("aws", cluster, {}, aws.machines(), networks, engine, report=self.events.append)
        settle(site, last, timer.monotonic())
        return site

    @property
    def mutations(self) -> Sequence[str]:
        """Names of the calls that changed something, in their order."""
        return self.world.faults.mutations

    @property
    def calls(self) -> Sequence[str]:
        """Names of all calls."""
        return self.world.faults.calls

    def instances(self) -> list[str]:
        """Ids of the instances that live."""
        return [id for id in self.world.left() if id.startswith("i-")]


def declaration(name: str = "demo", **fields: Any) -> ClusterDeclaration:
    """A declaration; keys as they stand in a file."""
    return declare({"name": name, "provider": "aws", **fields}, "test")


def highly_available(workers: int = 3, **fields: Any) -> ClusterDeclaration:
    """Three zones, three machines of the control plane, a NAT gateway in each zone."""
    return declaration(
        controlPlane={"replicas": 3}, network={"nat": "per-zone"}, pools=[{"replicas": workers}], **fields
    )
