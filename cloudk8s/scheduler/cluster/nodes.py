"""The nodes as columns: resources, taints, labels and flags, one slot for each node."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from cloudk8s.client.interface import Object
from cloudk8s.client.objects import labels_of
from cloudk8s.scheduler.cluster.arrays import Bools, Ids, Ints, grown
from cloudk8s.scheduler.cluster.labels import LabelColumn, LabelColumns
from cloudk8s.scheduler.pod.requests import CPU, MEMORY, PODS, amounts
from cloudk8s.scheduler.pod.toleration import Taint, taints_of

INITIAL_CAPACITY = 64
INITIAL_RESOURCES = 8
TOUCHES = 65536


class NodeColumns:
    """Every node that exists, and those that do not but still have pods (`exists` is False there)."""

    def __init__(self) -> None:
        self.capacity = INITIAL_CAPACITY
        self.size = 0
        """Slots from here on have never been used."""
        self.count = 0
        """How many nodes exist."""
        self.names: list[str] = []
        self.objects: list[Object | None] = []
        self.resources: dict[str, int] = {CPU: 0, MEMORY: 1}
        self.exists: Bools = np.zeros(self.capacity, dtype=np.bool_)
        self.unschedulable: Bools = np.zeros(self.capacity, dtype=np.bool_)
        self.allocatable: Ints = np.zeros((INITIAL_RESOURCES, self.capacity), dtype=np.int64)
        self.free: Ints = np.zeros((INITIAL_RESOURCES, self.capacity), dtype=np.int64)
        """What is allocatable less what pods have requested; may be negative."""
        self.nonzero: Ints = np.zeros((2, self.capacity), dtype=np.int64)
        """CPU and memory requested, with defaults for pods that request none."""
        self.pods_free: Ints = np.zeros(self.capacity, dtype=np.int64)
        self.taint_ids: Ids = np.zeros(self.capacity, dtype=np.int32)
        self.taint_sets: list[tuple[Taint, ...]] = [()]
        self.labels = LabelColumns(self.capacity)
        self.taints_version = 0
        self.version = 0
        """Changes with every change of a node."""
        self.touched: list[int] = []
        """Slots whose resources have changed, in order, one entry for each change."""
        self.changes: list[int] = [0] * self.capacity
        """How often the resources of each slot have changed."""
        self.touched_epoch = 0
        """Changes when `touched` begins anew."""
        self._pods_allowed: Ints = np.zeros(self.capacity, dtype=np.int64)
        self._slots: dict[str, int] = {}
        self._unused: list[int] = []
        self._taint_index: dict[tuple[Taint, ...], int] = {(): 0}

    @property
    def rows(self) -> slice:
        """All slots that are or were in use."""
        return slice(0, self.size)

    def slot(self, name: str) -> int | None:
        """Where a node that exists is."""
        found = self._slots.get(name)
        return found if found is not None and self.exists[found] else None

    def occupied_slot(self, name: str) -> int | None:
        """Where a node is, whether it exists or only has pods."""
        return self._slots.get(name)

    def claim(self, name: str) -> tuple[int, bool]:
        """The slot of a node, taken if it had none; whether the columns grew."""
        if (found := self._slots.get(name)) is not None:
            return found, False
        if self._unused:
            slot = self._unused.pop()
            self.names[slot] = name
        else:
            slot = self.size
            self.size += 1
            self.names.append(name)
            self.objects.append(None)
        self._slots[name] = slot
        if has_grown := self.size > self.capacity:
            self._grow(2 * self.capacity)
        return slot, has_grown

    def release(self, slot: int) -> None:
        """Give a slot back; it must be empty."""
        del self._slots[self.names[slot]]
        self.names[slot] = ""
        self._unused.append(slot)

    def resource(self, name: str) -> int:
        """The row of a resource; a new one if it has none yet."""
        row = self.resources.get(name)
        if row is None:
            row = self.resources[name] = len(self.resources)
            if row >= len(self.allocatable):
                self.allocatable = _taller(self.allocatable)
                self.free = _taller(self.free)
        return row

    def set(self, slot: int, node: Object) -> list[tuple[LabelColumn, int, int]]:
        """Write a node into its slot; returns the label columns that changed, with ids before and after."""
        if not self.exists[slot]:
            self.exists[slot] = True
            self.count += 1
            self.labels.version += 1
        self.objects[slot] = node
        self.version += 1
        self._set_allocatable(slot, (node.get("status") or {}).get("allocatable"))
        self.unschedulable[slot] = bool((node.get("spec") or {}).get("unschedulable"))
        self._set_taints(slot, taints_of(node))
        return list(self.labels.put(slot, labels_of(node)))

    def unset(self, slot: int) -> list[tuple[LabelColumn, int, int]]:
        """The node in a slot is gone; pods may still be there."""
        self.exists[slot] = False
        self.count -= 1
        self.objects[slot] = None
        self.version += 1
        self._set_allocatable(slot, None)
        self._set_taints(slot, ())
        self.labels.version += 1
        return list(self.labels.put(slot, {}))

    def take(self, slot: int, requests: Mapping[str, int], nonzero: tuple[int, int], sign: int) -> None:
        """Account for a pod that comes (sign 1) or goes (sign -1)."""
        self._touch(slot)
        free = self.free
        for name, amount in requests.items():
            row = self.resources.get(name)
            if row is None:
                row = self.resource(name)
                free = self.free
            free[row, slot] -= sign * amount
        self.nonzero[0, slot] += sign * nonzero[0]
        self.nonzero[1, slot] += sign * nonzero[1]
        self.pods_free[slot] -= sign

    def _touch(self, slot: int) -> None:
        if len(self.touched) >= TOUCHES:
            self.touched.clear()
            self.touched_epoch += 1
        self.touched.append(slot)
        self.changes[slot] += 1

    def _set_allocatable(self, slot: int, given: Mapping[str, Any] | None) -> None:
        self._touch(slot)
        wanted = amounts(given)
        allowed = wanted.pop(PODS, 0)
        self.pods_free[slot] += allowed - self._pods_allowed[slot]
        self._pods_allowed[slot] = allowed
        for name in wanted:
            self.resource(name)
        for name, row in self.resources.items():
            value = wanted.get(name, 0)
            self.free[row, slot] += value - self.allocatable[row, slot]
            self.allocatable[row, slot] = value

    def _set_taints(self, slot: int, taints: tuple[Taint, ...]) -> None:
        number = self._taint_index.get(taints)
        if number is None:
            number = self._taint_index[taints] = len(self.taint_sets)
            self.taint_sets.append(taints)
        if self.taint_ids[slot] != number:
            self.taint_ids[slot] = number
            self.taints_version += 1

    def _grow(self, capacity: int) -> None:
        for name in ("exists", "unschedulable", "allocatable", "free", "nonzero", "pods_free", "taint_ids"):
            setattr(self, name, grown(getattr(self, name), capacity))
        self._pods_allowed = grown(self._pods_allowed, capacity)
        self.labels.grow(capacity)
        self.changes.extend([0] * (capacity - self.capacity))
        self.capacity = capacity


def _taller(array: Ints) -> Ints:
    return np.concatenate((array, np.zeros_like(array)))
