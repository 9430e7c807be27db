"""Clusters on the simulated cloud, with time that passes by waiting."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from cloudk8s.cloud.stack.journal import MemoryJournal
from cloudk8s.cloud.stack.timing import VirtualTimer
from cloudk8s.plugin import Plugins
from cloudk8s.provisioning.declaration.cluster import ClusterDeclaration
from cloudk8s.provisioning.declaration.reading import declare
from cloudk8s.provisioning.progress import Event
from cloudk8s.provisioning.site import Site, SiteOptions, open_site
from cloudk8s.testing.faults import Faults
from cloudk8s_simulated.cloud.account import Account
from cloudk8s_simulated.settings import SimulatedSettings


class SimulatedCloud:
    """One account that outlives the processes that work on it; time passes only while somebody waits."""

    def __init__(self, *, lag: float = 0.0, **slow: float) -> None:
        self.timer = VirtualTimer()
        self.faults = Faults(mutates=lambda call: call.startswith(("create", "update", "delete")))
        self.account = Account(now=self.timer.monotonic, faults=self.faults, ready_after=slow, lag=lag)
        self.events: list[Event] = []

    def site(self, cluster: str = "demo") -> Site:
        """Fresh contracts, as a new process would have."""
        plugins = Plugins.load()
        options = SiteOptions(
            report=self.events.append, timer=self.timer, journal=MemoryJournal(timer=self.timer), concurrency=1
        )
        settings = SimulatedSettings().use(self.account)
        return open_site(plugins, "simulated", settings, cluster, options)

    def left(self) -> list[str]:
        """Ids of everything in the account."""
        return [thing.id for thing in self.account.everything()]

    def instances(self) -> list[str]:
        """Names of the machines that run."""
        return sorted(t.properties["name"] for t in self.account.everything() if t.kind == "instance")


def declaration(name: str = "demo", **fields: Any) -> ClusterDeclaration:
    """A declaration; keys as they stand in a file."""
    return declare({"name": name, "provider": "simulated", **fields}, "test")


def workers(replicas: int, **fields: Any) -> list[Mapping[str, Any]]:
    """One pool."""
    return [{"name": "workers", "replicas": replicas, **fields}]
