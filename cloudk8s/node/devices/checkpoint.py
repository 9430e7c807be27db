"""Who has which devices, on disk: a restarted agent must not hand out what a running container has."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Final

from cloudk8s.kernel.files import write_whole
from cloudk8s.machinery import codec

FILE: Final = "kubelet_internal_checkpoint"


@dataclass(frozen=True, slots=True)
class Allocation:
    """The devices of one resource that one container has, and what its plugin answered."""

    pod: str
    container: str
    resource: str
    devices: tuple[str, ...]
    answer: Mapping[str, Any] = field(default_factory=dict)


class Checkpoint:
    """All allocations; each change is on disk before it counts."""

    def __init__(self, directory: Path) -> None:
        self._path = directory / FILE
        self._allocations: dict[tuple[str, str, str], Allocation] = {}

    def load(self) -> Sequence[str]:
        """Read what an earlier agent left; returns the resources that there were. Blocks."""
        try:
            found = codec.decode(self._path.read_bytes())
        except (OSError, ValueError):
            return ()
        for entry in found["allocations"]:
            self._keep(Allocation(**{**entry, "devices": tuple(entry["devices"])}))
        return tuple(found["resources"])

    def of(self, pod: str, container: str = "") -> Iterator[Allocation]:
        """What a pod has, or one of its containers."""
        for each in self._allocations.values():
            if each.pod == pod and container in ("", each.container):
                yield each

    def used(self, resource: str) -> frozenset[str]:
        """The devices of a resource that somebody has."""
        found = (each.devices for each in self._allocations.values() if each.resource == resource)
        return frozenset(device for devices in found for device in devices)

    def add(self, allocations: Sequence[Allocation], resources: Sequence[str]) -> None:
        """Write allocations down. Blocks."""
        for each in allocations:
            self._keep(each)
        self._save(resources)

    def drop(self, pod: str, resources: Sequence[str]) -> bool:
        """Forget a pod; False where it had nothing. Blocks."""
        mine = [key for key in self._allocations if key[0] == pod]
        for key in mine:
            del self._allocations[key]
        if mine:
            self._save(resources)
        return bool(mine)

    @property
    def pods(self) -> frozenset[str]:
        """All that have something."""
        return frozenset(key[0] for key in self._allocations)

    def _keep(self, allocation: Allocation) -> None:
        self._allocations[(allocation.pod, allocation.container, allocation.resource)] = allocation

    def _save(self, resources: Sequence[str]) -> None:
        entries = [asdict(each) for each in self._allocations.values()]
        write_whole(self._path, codec.encode({"resources": sorted(resources), "allocations": entries}))
