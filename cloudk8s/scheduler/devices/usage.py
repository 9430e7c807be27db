"""What is taken: whole devices, shares of devices that several may use, and counters that devices of a pool share."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from cloudk8s.machinery.quantity import Quantity, parse
from cloudk8s.scheduler.devices.capacity import NOTHING
from cloudk8s.scheduler.devices.device import CounterId, Device, DeviceId, Inventory

Share = Mapping[str, Quantity]
"""How much of each capacity of a device."""

MOST: Final = 32
"""So many devices a claim can have."""


@dataclass(slots=True)
class Usage:
    """Changed while devices are chosen, and changed back where a choice leads nowhere."""

    inventory: Inventory
    devices: set[DeviceId] = field(default_factory=set)
    """Those that nobody else can have."""
    shared: dict[DeviceId, dict[str, Quantity]] = field(default_factory=dict)
    shares: dict[DeviceId, int] = field(default_factory=dict)
    """How many have a share of a device."""
    counters: dict[CounterId, Quantity] = field(default_factory=dict)

    def has_room(self, device: Device, share: Share) -> bool:
        """Whether the device, or this share of it, can be had."""
        if device.id in self.devices:
            return False
        if not device.is_shared:
            return self._have_room(device.consumes)
        taken = self.shared.get(device.id, {})
        is_enough = all(taken.get(name, NOTHING) + part <= device.capacity[name].value for name, part in share.items())
        return is_enough and (bool(self.shares.get(device.id)) or self._have_room(device.consumes))

    def times(self, device: Device, share: Share) -> int:
        """How often that could be had, counters aside; `MOST` where nothing limits it."""
        if device.id in self.devices:
            return 0
        if not device.is_shared:
            return 1
        taken = self.shared.get(device.id, {})
        left = [
            (device.capacity[name].value - taken.get(name, NOTHING)).nanos // part.nanos
            for name, part in share.items()
            if part.nanos
        ]
        return max(0, min((MOST, *left)))

    def take(self, device: Device, share: Share) -> None:
        if not device.is_shared:
            self.devices.add(device.id)
            self._count(device.consumes, 1)
            return
        self._share(device.id, share, 1)
        if self.shares[device.id] == 1:
            self._count(device.consumes, 1)

    def give_back(self, device: Device, share: Share) -> None:
        """Undo `take`."""
        if not device.is_shared:
            self.devices.discard(device.id)
            self._count(device.consumes, -1)
            return
        self._share(device.id, share, -1)
        if not self.shares[device.id]:
            self._count(device.consumes, -1)

    def note(self, allocation: Mapping[str, Any] | None) -> None:
        """Take what an allocation has, whether there is room or not."""
        for result in ((allocation or {}).get("devices") or {}).get("results") or ():
            if not result.get("adminAccess"):
                self._note(result)

    def _note(self, result: Mapping[str, Any]) -> None:
        id = (result["driver"], result["pool"], result["device"])
        is_new = id not in self.devices and not self.shares.get(id)
        if (consumed := result.get("consumedCapacity")) is None and not result.get("shareID"):
            self.devices.add(id)
        else:
            self._share(id, {name: parse(part) for name, part in (consumed or {}).items()}, 1)
        device = self.inventory.by_id.get(id)
        if device is not None and is_new:
            self._count(device.consumes, 1)

    def _share(self, id: DeviceId, share: Share, sign: int) -> None:
        taken = self.shared.setdefault(id, {})
        for name, part in share.items():
            taken[name] = taken.get(name, NOTHING) + part * sign
        self.shares[id] = self.shares.get(id, 0) + sign

    def _have_room(self, consumes: Mapping[CounterId, Quantity]) -> bool:
        there = self.inventory.counters
        return all(
            counter in there and self.counters.get(counter, NOTHING) + amount <= there[counter]
            for counter, amount in consumes.items()
        )

    def _count(self, consumes: Mapping[CounterId, Quantity], sign: int) -> None:
        for counter, amount in consumes.items():
            self.counters[counter] = self.counters.get(counter, NOTHING) + amount * sign


def usage_of(inventory: Inventory, allocations: Iterable[Mapping[str, Any] | None]) -> Usage:
    """What allocations have taken."""
    found = Usage(inventory)
    for allocation in allocations:
        found.note(allocation)
    return found
