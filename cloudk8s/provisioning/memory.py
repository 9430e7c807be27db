"""Machines that this process made or deleted a moment ago: listings of a cloud may not show it yet."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace

from cloudk8s.cloud.model.machine import Machine
from cloudk8s.cloud.stack.timing import Timer


@dataclass(slots=True)
class MachineMemory:
    """Remembers for `window` seconds; used by one thread."""

    timer: Timer
    window: float = 60.0
    _made: dict[str, tuple[float, Machine]] = field(default_factory=dict)
    _deleted: dict[str, float] = field(default_factory=dict)

    def made(self, machines: Iterable[Machine]) -> None:
        """These exist now."""
        for machine in machines:
            self._deleted.pop(machine.id, None)  # an id may be made of the name, and used again
            self._made[machine.id] = (self.timer.monotonic(), machine)

    def deleted(self, machines: Iterable[Machine]) -> None:
        """Their deletion has begun."""
        for machine in machines:
            self._made.pop(machine.id, None)
            self._deleted[machine.id] = self.timer.monotonic()

    def correct(self, listed: Sequence[Machine]) -> list[Machine]:
        """The listing, with what was made, and with what was deleted as such."""
        oldest = self.timer.monotonic() - self.window
        self._made = {id: entry for id, entry in self._made.items() if entry[0] >= oldest}
        self._deleted = {id: when for id, when in self._deleted.items() if when >= oldest}
        shown = {machine.id for machine in listed}
        kept = [_leaving(machine) if machine.id in self._deleted else machine for machine in listed]
        return kept + [machine for id, (_, machine) in self._made.items() if id not in shown]


def _leaving(machine: Machine) -> Machine:
    return machine if machine.state == "gone" else replace(machine, state="deleting")
