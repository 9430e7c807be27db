"""What controllers of a cluster's workloads have made in the cloud, beside what its own controllers know of."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Fate = Literal["", "delete", "keep"]
LeftoverKind = Literal["load balancer", "target group", "volume", "snapshot", "network interface", "security group"]


@dataclass(frozen=True, slots=True)
class Leftover:
    """One thing that carries the cluster's name."""

    kind: LeftoverKind
    id: str
    name: str = ""
    """What its maker calls it: of a volume, the PersistentVolume."""
    fate: Fate = ""
    """What was written down of data; empty where nobody has."""

    @property
    def is_data(self) -> bool:
        """Whether somebody's data is lost with it."""
        return self.kind in ("volume", "snapshot")

    def __str__(self) -> str:
        return f"{self.kind} {self.id}" + (f" ({self.name})" if self.name else "")
