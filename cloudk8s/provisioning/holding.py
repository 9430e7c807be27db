"""What holds machines back although their cluster is to go: deletion hooks, as long as its API answers.

Who set a hook has something to do with the machine first, and takes it away through the API: so the control plane stays
while any hook is left. An API that does not answer is waited for a while; then it has no hooks any more, which is told.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from cloudk8s.client.objects import annotations_of, name_of
from cloudk8s.client.resources import NODES
from cloudk8s.errors import CloudK8sError
from cloudk8s.provisioning.machines.view import MachineView
from cloudk8s.provisioning.nodes.api import ClusterApi
from cloudk8s.provisioning.objects.kinds import is_mark
from cloudk8s.provisioning.objects.reading import held_by_hook, read_sayings
from cloudk8s.provisioning.progress import Event
from cloudk8s.provisioning.site import Site

PATIENCE: Final = 30.0
"""Seconds for which an API that does not answer is waited for."""
PAUSE: Final = 2.0
WAITING: Final = "waiting for the cluster's API"


@dataclass(slots=True)
class Holding:
    """One deletion's look at hooks, again and again."""

    site: Site
    api: ClusterApi | None
    _silent_since: float | None = None
    _is_given_up: bool = False

    def held(self, machines: Sequence[MachineView]) -> dict[str, str]:
        """Why machines may not be deleted yet, by name; nobody where the API runs nowhere any more."""
        if self.api is None or self._is_given_up or not runs_somewhere(machines):
            return {}
        try:
            found = held_back(self.api, machines)
        except CloudK8sError as error:
            return self._unknown(machines, error)
        self._silent_since = None
        return found

    def _unknown(self, machines: Sequence[MachineView], error: CloudK8sError) -> dict[str, str]:
        """All machines for a while, then none."""
        now = self.site.timer.monotonic()
        self._silent_since = now if self._silent_since is None else self._silent_since
        if now - self._silent_since < PATIENCE:
            return {view.name: WAITING for view in machines if view.exists}
        self._is_given_up = True
        tell_silence(self.site, machines, error)
        return {}


def answers(site: Site, api: ClusterApi, machines: Sequence[MachineView], within: float = PATIENCE) -> bool:
    """Whether a cluster's API answers, which is waited for while its control plane runs; that it does not is told."""
    if not runs_somewhere(machines):
        return False
    deadline, is_told = site.timer.monotonic() + within, False
    while True:
        try:
            api.list(NODES)
        except CloudK8sError as error:
            if site.timer.monotonic() + PAUSE > deadline:
                tell_silence(site, machines, error)
                return False
        else:
            return True
        if not is_told:
            site.report(Event("waiting", f"cluster {site.cluster}", WAITING))
            is_told = True
        site.timer.pause(PAUSE)


def runs_somewhere(machines: Sequence[MachineView]) -> bool:
    """Whether there is a control plane that could answer."""
    return any(view.machine.role == "control-plane" and view.exists for view in machines)


def tell_silence(site: Site, machines: Sequence[MachineView], error: CloudK8sError) -> None:
    """Say what is not honoured since nobody answers for a cluster whose control plane is there."""
    names = ", ".join(view.name for view in machines if view.machine.role == "control-plane" and view.exists)
    site.report(
        Event(
            "note", f"cluster {site.cluster}",
            f"its API on {names} does not answer ({error}), so deletion hooks are not honoured, and of volumes and "
            "snapshots those are retained that were written down as such before",
        )
    )  # fmt: skip


def held_back(api: ClusterApi, machines: Sequence[MachineView]) -> dict[str, str]:
    """Why machines may not be deleted yet, by name; raises what the API does."""
    sayings = read_sayings(api)
    nodes = {name_of(node): annotations_of(node) for node in api.list(NODES)}
    found = {}
    for view in machines:
        marks = {key: text for key, text in nodes.get(view.name, {}).items() if is_mark(key)}
        marks |= sayings.marks_of(view.machine)
        if reason := held_by_hook(marks, is_empty=False) or held_by_hook(marks, is_empty=True):
            found[view.name] = reason
    return found


def free(machines: Sequence[MachineView], held: Iterable[str]) -> list[MachineView]:
    """Those that may go now: none of the control plane while any is held back."""
    names = set(held)
    return [view for view in machines if not names or (view.name not in names and view.machine.role == "worker")]
