"""Machines: what provisioning asks for and what the cloud runs."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal

from cloudk8s.cloud.model.instance import NodeAddress

NAMES = b"@cloudk8s-names@"
"""Stands in user data for the names of the machines that boot from it."""
MachineState = Literal["pending", "running", "stopped", "deleting", "gone"]
Role = Literal["control-plane", "worker"]


@dataclass(frozen=True, slots=True)
class MachineRequest:
    """One machine to be made. `uid` never names two machines, so it is what makes `create` safe to repeat."""

    uid: str
    name: str
    cluster: str
    role: Role = "worker"
    pool: str = ""
    type: str = ""
    """Instance type or size, in the provider's words; empty is the provider's default."""
    image: str = ""
    zone: str = ""
    network: Mapping[str, str] = field(default_factory=dict, hash=False)
    """Outputs of the cluster's network that this machine is put into (subnet, security groups, profile)."""
    user_data: bytes = b""
    """A script (`#!/bin/sh`) that the machine runs once as root when it first boots; see `docs/provisioning.md`."""
    root_volume_gib: int = 0
    spot: bool = False
    tags: Mapping[str, str] = field(default_factory=dict, hash=False)
    options: Mapping[str, Any] = field(default_factory=dict, hash=False)
    """Provider-specific settings, as they stand in the cluster file."""
    group: str = ""
    """Name of the scaling group that makes it; empty for a machine that is made by itself."""

    @property
    def token(self) -> str:
        """An idempotency token: the same request has the same one, in any process."""
        return hashlib.sha256(f"machine/{self.cluster}/{self.uid}".encode()).hexdigest()[:32]


@dataclass(frozen=True, slots=True)
class Machine:
    """One machine that a cluster owns."""

    id: str
    uid: str
    name: str
    cluster: str
    state: MachineState = "pending"
    provider_id: str = ""
    role: Role = "worker"
    pool: str = ""
    type: str = ""
    zone: str = ""
    addresses: tuple[NodeAddress, ...] = ()
    created: datetime | None = None
    tags: Mapping[str, str] = field(default_factory=dict, hash=False)
    reason: str = ""
    """Why it is in this state, where the cloud says so."""
    group: str = ""
    """Name of the scaling group that keeps it; empty for a machine by itself."""


@dataclass(frozen=True, slots=True)
class MachineType:
    """One size that a machine may have; price 0.0 is not known."""

    name: str
    cpus: float
    memory_bytes: int
    architecture: str = "amd64"
    zones: tuple[str, ...] = ()
    price_per_hour: float = 0.0
    spot_price_per_hour: float = 0.0
    max_pods: int = 110
    gpus: int = 0


@dataclass(frozen=True, slots=True)
class MachineCapabilities:
    """What a `Machines` can do."""

    user_data_bytes: int = 16384
    """0: machines take no user data, so they can't join by themselves."""
    batch: int = 0
    """How many machines one `create` may ask for; 0 is any number."""
    spot: bool = False
    root_volumes: bool = True
    """Root volumes are as large as is declared."""
    images: bool = True
    """Machines boot from the image that is declared."""
    types: tuple[str, ...] = ()
    """The only types there are; empty where the cloud says so when it is asked for one."""
    options: tuple[str, ...] | None = None
    """Names of what it understands in a machine's `options`; others are refused. None lets everything through."""
    zones: tuple[str, ...] = ()
    tokens: bool = False
    """The cloud itself refuses to make the same machine twice."""
    shares_user_data: bool = False
    """Machines of one `create` may boot from one user data, in which the provider puts their names where the request
    has `NAMES`, packed by `model.names`; elsewhere requests come complete."""
    boots: bool = True
    """Machines run their user data, so they can join; those of an emulated account do not."""
    listing_lag: float = 0.0
    """For how many seconds listings of this account may miss what was made just now, and show what was deleted."""
