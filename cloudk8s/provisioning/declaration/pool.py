"""Machines of a declared cluster: the control plane and the pools of workers."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated, Any, Literal

from pydantic import Field, field_validator, model_validator

from cloudk8s.provisioning.declaration.model import Declared

Name = Annotated[str, Field(pattern=r"^[a-z0-9]([-a-z0-9]{0,38}[a-z0-9])?$")]
IntOrPercent = Annotated[int, Field(ge=0)] | Annotated[str, Field(pattern=r"^\d{1,3}%$")]


class Taint(Declared):
    """A taint that nodes carry from their first moment."""

    key: str
    """The taint's key."""
    value: str = ""
    """The taint's value."""
    effect: Literal["NoSchedule", "PreferNoSchedule", "NoExecute"] = "NoSchedule"
    """What it does to pods that do not tolerate it."""


class MachineDeclaration(Declared):
    """What a machine is made of. Everything but labels, taints and tags makes new machines when it changes."""

    type: str = ""
    """Instance type or size, in the provider's words; empty is the provider's default."""
    image: str = ""
    """Image, in the provider's words; empty is the provider's default for the version and architecture."""
    zones: tuple[str, ...] = ()
    """Zones to spread over; empty is every zone of the cluster."""
    root_volume_gib: int = Field(default=0, ge=0, alias="rootVolumeGiB")
    """Size of the root volume; 0 is the provider's default."""
    labels: dict[str, str] = Field(default_factory=dict)
    """Labels of the nodes."""
    taints: tuple[Taint, ...] = ()
    """Taints of the nodes."""
    tags: dict[str, str] = Field(default_factory=dict)
    """Tags of the machines in the cloud; another value is on machines that are made from then on."""
    options: dict[str, Any] = Field(default_factory=dict)
    """Settings that only the provider knows."""


class HealthCheck(Declared):
    """When machines of a pool are replaced because they are not well."""

    enabled: bool = True
    """Whether machines are checked at all."""
    node_startup_timeout: timedelta = timedelta(minutes=10)
    """How long a machine may take to become a node; 0 is for ever."""
    unhealthy_timeout: timedelta = timedelta(minutes=5)
    """How long a node may be NotReady or silent."""
    max_unhealthy: IntOrPercent = "40%"
    """Nothing is replaced while more machines than this are unhealthy."""
    max_in_flight: IntOrPercent = 1
    """How many are replaced at the same time."""
    max_retries: int = Field(default=3, ge=0)
    """How many replacements in a row may fail before a person has to look."""


class ControlPlane(MachineDeclaration):
    """The machines that run the control plane."""

    replicas: int = Field(default=1, ge=1, le=7)
    """How many; an odd number, since most of them must agree."""
    store: Literal["", "sqlite", "etcd"] = ""
    """Where our own control plane keeps the cluster's state: `sqlite` on one machine, `etcd` on all of them.

    It is chosen when a cluster is made, and then stays; empty is `etcd` for several machines, else `sqlite`.
    """
    health_check: HealthCheck = HealthCheck()
    """When one of several machines is replaced because it is not well; never where etcd would stand still."""

    @field_validator("replicas")
    @classmethod
    def _is_odd(cls, value: int) -> int:
        if value % 2 == 0:
            raise ValueError(
                f"{value} machines tolerate no more failures than {value - 1}; use {value - 1} or {value + 1}"
            )
        return value


class Rollout(Declared):
    """How machines of a pool are replaced when what they are made of changes."""

    type: Literal["RollingUpdate", "OnDelete"] = "RollingUpdate"
    """`OnDelete` replaces a machine only after somebody deleted it."""
    max_surge: IntOrPercent = 1
    """How many machines there may be above the number declared."""
    max_unavailable: IntOrPercent = 0
    """How many machines may be missing."""
    drain_timeout: timedelta = timedelta(minutes=5)
    """How long pods may take to leave a machine that goes; 0 is for ever."""

    @model_validator(mode="after")
    def _something_may_move(self) -> Rollout:
        if all(str(value).rstrip("%") == "0" for value in (self.max_surge, self.max_unavailable)):
            raise ValueError("maxSurge and maxUnavailable can't both be 0: no machine could ever be replaced")
        return self


class Pool(MachineDeclaration):
    """Workers that are all alike."""

    name: Name = "workers"
    """Name of the pool."""
    replicas: int = Field(default=1, ge=0, le=10_000)
    """How many machines. The autoscaler moves it between `min` and `max`: leave it out of the file of a pool that has
    these, and applying the file keeps the size that the pool has."""
    min: int | None = Field(default=None, ge=0)
    """The fewest machines the autoscaler leaves."""
    max: int | None = Field(default=None, ge=1)
    """The most machines the autoscaler makes; without it the pool is not scaled."""
    spot: bool = False
    """Use spare capacity that the cloud may take back."""
    scaling_group: bool = False
    """Let the cloud keep the machines: on AWS a launch template and an autoscaling group, which also replaces machines
    that stop while nobody looks. Else every machine is made by itself."""
    rollout: Rollout = Rollout()
    """How machines are replaced."""
    paused: bool = False
    """Leave the pool's machines alone: none is made, replaced or deleted."""
    delete_order: Literal["Random", "Newest", "Oldest"] = "Random"
    """Which healthy machines go first when the pool shrinks."""
    health_check: HealthCheck = HealthCheck()
    """When machines are replaced because they are not well."""

    @model_validator(mode="after")
    def _limits_make_sense(self) -> Pool:
        if self.min is not None and self.max is not None and self.min > self.max:
            raise ValueError(f"min {self.min} is more than max {self.max}")
        return self
