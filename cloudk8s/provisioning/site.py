"""Where a cluster is made: the contracts of one account, assembled once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from cloudk8s.cloud.interface import (
    KeepsSecrets,
    ListsForDeletion,
    LoadBalancers,
    Machines,
    Networks,
    ScalesGroups,
    Volumes,
)
from cloudk8s.cloud.model.machine import Machine
from cloudk8s.cloud.stack.engine import Engine
from cloudk8s.cloud.stack.journal import Intent, Journal, MemoryJournal
from cloudk8s.cloud.stack.retry import Retries
from cloudk8s.cloud.stack.timing import SystemTimer, Timer
from cloudk8s.errors import SettingsError
from cloudk8s.machinery.clock import Clock, SystemClock
from cloudk8s.plugin.manager import Plugins
from cloudk8s.provisioning.identity import owner_of
from cloudk8s.provisioning.memory import MachineMemory
from cloudk8s.provisioning.progress import Report, ReportingJournal, silent
from cloudk8s.provisioning.seeds import Seeds

if TYPE_CHECKING:
    from pydantic import BaseModel


@dataclass(frozen=True, slots=True)
class Site:
    """One cluster's place in one account."""

    provider: str
    cluster: str
    settings: Mapping[str, Any]
    machines: Machines
    networks: Networks | None
    engine: Engine
    """Of the network's resource types; without any where the provider has no networks."""
    load_balancers: LoadBalancers | None = None
    volumes: Volumes | None = None
    clock: Clock = SystemClock()  # noqa: RUF009 (stateless)
    report: Report = silent
    wait_most: float = 15.0
    """The longest pause between two looks at what is waited for, in seconds."""
    plugins: Plugins | None = None
    """Where bootstrap methods beside our own are looked for."""
    groups: ScalesGroups | None = field(init=False)
    """Where the cloud keeps groups of machines itself."""
    group_engine: Engine = field(init=False)
    deletion: ListsForDeletion | None = field(init=False)
    """Where what has to be deleted is found with few calls."""
    memory: MachineMemory = field(init=False)
    seeds: Seeds = field(init=False)

    def __post_init__(self) -> None:
        networks: object = self.networks
        groups = networks if isinstance(networks, ScalesGroups) else None
        object.__setattr__(self, "groups", groups)
        deletion = networks if isinstance(networks, ListsForDeletion) and networks.deletion_types() else None
        object.__setattr__(self, "deletion", deletion)
        types = groups.group_types() if groups is not None else ()
        object.__setattr__(self, "group_engine", replace(self.engine, types=types))
        object.__setattr__(self, "memory", MachineMemory(self.timer))
        keeper = _keeper(self.networks) or _keeper(self.machines)
        boots = self.machines.capabilities.boots  # who is not to boot needs no secrets that outlive this host
        object.__setattr__(self, "seeds", Seeds(self.cluster, keeper if boots else None))

    def list_machines(self) -> Sequence[Machine]:
        """The cluster's machines, with what was made and deleted a moment ago."""
        listed = self.engine.retries.call(lambda: self.machines.list_owned(self.cluster))
        return self.memory.correct(listed)

    def intend(self, action: str, machines: Sequence[str]) -> None:
        """Write down that machines are about to be made or deleted."""
        key = f"{len(machines)} machines, {machines[0]} first"
        self.engine.journal.intend(Intent(owner_of(self.cluster), action, "machine", key, ",".join(machines)[:200]))

    @property
    def timer(self) -> Timer:
        """Blocking time."""
        return self.engine.retries.timer


@dataclass(frozen=True, slots=True)
class SiteOptions:
    """How a site is worked on."""

    report: Report = silent
    journal: Journal = field(default_factory=MemoryJournal)
    timer: Timer = field(default_factory=SystemTimer)
    clock: Clock = SystemClock()  # noqa: RUF009 (stateless)
    concurrency: int = 8


def open_site(
    plugins: Plugins,
    provider: str,
    settings: Mapping[str, Any] | BaseModel,
    cluster: str,
    options: SiteOptions | None = None,
) -> Site:
    """The provider's contracts for one cluster; raises SettingsError for a provider that makes no machines."""
    options = options or SiteOptions()
    cloud = plugins.cloud(provider, provider, settings, cluster=cluster, clock=options.clock)
    machines = plugins.machines(cloud)
    if machines is None:
        what = f"driver {driver!r} of provider" if (driver := getattr(cloud.settings, "driver", "")) else "provider"
        raise SettingsError(f"{what} {provider!r} makes no machines that can be owned: clusters can't be made with it")
    networks = plugins.networks(cloud)
    engine = Engine(
        networks.resource_types() if networks is not None else (),
        journal=ReportingJournal(options.journal, options.report), retries=Retries(timer=options.timer),
        concurrency=options.concurrency,
    )  # fmt: skip
    kept = dict(settings) if isinstance(settings, Mapping) else {}
    return Site(
        provider, cluster, kept, machines, networks, engine, plugins.load_balancers(cloud),
        plugins.volumes(cloud), options.clock, options.report, plugins=plugins,
    )  # fmt: skip


def _keeper(contract: object) -> KeepsSecrets | None:
    return contract if isinstance(contract, KeepsSecrets) else None
