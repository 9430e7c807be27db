"""What a controller is, and what it is given."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

from cloudk8s.client.interface import Client
from cloudk8s.machinery.clock import Clock
from cloudk8s.machinery.instruments import Instruments
from cloudk8s.settings import ClusterSettings

if TYPE_CHECKING:
    from cloudk8s.client.events import EventRecorder
    from cloudk8s.client.informer import Informers
    from cloudk8s.controllers.settings import ControllerSettings


def _usual_options() -> ControllerSettings:
    """Imported late: plugins import this module, and most processes with plugins have no controllers."""
    from cloudk8s.controllers.settings import ControllerSettings

    return ControllerSettings()


@dataclass(frozen=True, slots=True)
class ControllerContext:
    """Everything a controller may use. `informers` are shared by all controllers of the process."""

    client: Client
    informers: Informers
    events: EventRecorder
    clock: Clock
    settings: ClusterSettings
    options: ControllerSettings = field(default_factory=_usual_options)
    instruments: Instruments = field(default_factory=Instruments)
    """Where the controllers of the process count."""
    on_node: Callable[[Sequence[str]], list[str]] = list
    """Makes of a command one that runs where this host's pods are reached; the same one where that is here."""


class Controller(Protocol):
    """A control loop. It is built with a context, before informers start, and then run until cancelled.

    Guaranteed to the controller: `run` is called after the informers it asked for in its constructor have synced;
    cancellation is the only way it is stopped. Demanded of it: reconcile from state, never from an event; be
    idempotent; survive any interleaving, lost watch and conflict.
    """

    async def run(self) -> None:
        """Reconcile until cancelled."""
