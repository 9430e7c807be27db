"""Members of the control plane's etcd, for the length of a command: who there is, and who is asked to go.

The control plane itself lets a member go, or says why not; a machine is deleted only after its member has left.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from cloudk8s.client.interface import Object
from cloudk8s.client.resources import CONFIG_MAPS
from cloudk8s.controlplane.machine.etcd.roll import (
    DEPARTURES,
    NAMESPACE,
    ROLL,
    Entry,
    departures_object,
    read_departures,
    read_roll,
)
from cloudk8s.provisioning.machines.view import MachineView
from cloudk8s.provisioning.nodes.api import ClusterApi


@dataclass(slots=True)
class Membership:
    """What the cluster's API said when it was looked at last."""

    entries: tuple[Entry, ...] = ()
    _asked: frozenset[str] = frozenset()
    _leaving: set[str] = field(default_factory=set)
    _orphaned: dict[str, datetime] = field(default_factory=dict)
    """When members, by their ids, were first seen without a machine of their name."""

    def read(self, api: ClusterApi, machines: Collection[str], now: datetime) -> None:
        """Look, with the names of the machines that there are. Raises what the API answers."""
        found = {item["metadata"]["name"]: item for item in _maps(api)}
        self.entries = read_roll(found.get(ROLL))
        for entry in self.entries:
            if entry.name and entry.name not in machines:
                self._orphaned.setdefault(entry.id, now)
        self._asked = read_departures(found.get(DEPARTURES))
        self._leaving = set()

    def of(self, machine: str, created: datetime | None = None) -> Entry | None:
        """The member on a machine; not that of one which had the same name and was gone before this was created."""
        return next((e for e in self.entries if e.name == machine and not self._is_of_former(e, created)), None)

    def keeps(self, machine: str) -> str:
        """What keeps a machine that shall go; it is asked to leave from now on."""
        entry = self.of(machine)
        if entry is None:
            return ""
        self._leaving.add(entry.id)
        if entry.objection and entry.id in self._asked:
            return entry.objection
        return f"member {entry.name} has not left etcd yet, usually within seconds"

    def _is_of_former(self, entry: Entry, created: datetime | None) -> bool:
        """The roll tells a while later who has gone, and ids are never used twice."""
        orphaned = self._orphaned.get(entry.id)
        return orphaned is not None and created is not None and created >= orphaned

    def ask(self, api: ClusterApi, machines: Collection[str]) -> None:
        """Ask those to go whose machines shall go, or are not there; and nobody else."""
        wanted = frozenset(self._leaving | {entry.id for entry in strays(self.entries, machines)})
        if wanted != self._asked:
            api.apply(CONFIG_MAPS, departures_object(wanted))
            self._asked = wanted


def strays(entries: Iterable[Entry], machines: Collection[str]) -> list[Entry]:
    """Members that do not answer, and whose machines the cloud does not know. Pure."""
    return [entry for entry in entries if not entry.is_healthy and entry.name and entry.name not in machines]


def present(views: Iterable[MachineView]) -> frozenset[str]:
    """Names of all machines that the cloud shows, also of those that are about to go."""
    return frozenset(view.name for view in views if view.machine.state != "gone")


def _maps(api: ClusterApi) -> Sequence[Object]:
    return [
        item
        for name in (ROLL, DEPARTURES)
        for item in api.list(CONFIG_MAPS, namespace=NAMESPACE, fields=f"metadata.name={name}")
    ]
