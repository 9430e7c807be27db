"""Machines that the cloud itself keeps: a group of a size, made from one template."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from cloudk8s.cloud.model.machine import MachineRequest


@dataclass(frozen=True, slots=True)
class MachineGroup:
    """Machines of one pool and one template; a machine's own name is the group's, and what the cloud calls it.

    `name` never names two groups, so it is what makes creation safe to repeat.
    """

    name: str
    cluster: str
    size: int
    """How many machines there shall be: the cloud makes those that are missing, and never takes one away by itself."""
    most: int = 0
    """How many machines others than us may ask for, where that is more than `size`."""
    tags: Mapping[str, str] = field(default_factory=dict, hash=False)
    """Of its machines."""
    template: MachineRequest | None = None
    """One of its machines, as it would be asked for; None leaves what they are made from as it is."""
    places: tuple[Mapping[str, str], ...] = field(default=(), hash=False)
    """`MachineRequest.network` for every zone to spread over."""
