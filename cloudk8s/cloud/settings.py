"""How the cloud controllers work; upstream's defaults where upstream has them."""

from __future__ import annotations

from datetime import timedelta

from pydantic import BaseModel, ConfigDict, Field, ValidationInfo, field_validator

from cloudk8s.machinery.times import parse_duration


class CloudControllerSettings(BaseModel):
    """Settings of `cloudk8s cloud-controller-manager`."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    @field_validator("*", mode="before")
    @classmethod
    def _durations_as_in_kubernetes(cls, value: object, info: ValidationInfo) -> object:
        """`9s` and `1h30m`, beside what pydantic takes."""
        is_duration = cls.model_fields[str(info.field_name)].annotation is timedelta
        if is_duration and isinstance(value, str) and value[-1:] in "smh":
            return parse_duration(value)
        return value

    cluster: str = "kubernetes"
    """Id of the cluster; part of every ownership tag in the cloud."""
    default_cloud: str = ""
    """Name of the cloud that balances Services which name none; empty is the first one."""
    cluster_cidrs: tuple[str, ...] = ()
    """Ranges that pod ranges come from; routes outside them are never touched."""
    configure_cloud_routes: bool = True
    """Make routes for pod ranges in clouds that have routes."""
    allocate_node_cidrs: bool = False
    """Give every node a pod range of `cluster_cidrs`; off where the controller manager does it."""
    service_cidrs: tuple[str, ...] = ()
    """Ranges of Services, which nodes never get."""
    node_cidr_mask_size_ipv4: int = Field(default=24, ge=1, le=32)
    """How large a node's range is."""
    node_cidr_mask_size_ipv6: int = Field(default=64, ge=1, le=128)
    """The same for IPv6."""

    node_monitor_period: timedelta = timedelta(seconds=5)
    """How often nodes that are not ready are looked up."""
    node_status_update_frequency: timedelta = timedelta(minutes=5)
    """How often addresses and labels of all nodes are compared with the cloud."""
    route_reconciliation_period: timedelta = timedelta(seconds=10)
    """The shortest time between two runs of the route controller."""
    route_resync_period: timedelta = timedelta(minutes=10)
    """How often routes are compared although no node has changed."""
    lookup_window: timedelta = timedelta(milliseconds=100)
    """How long a lookup waits for others to share its call."""

    concurrent_service_syncs: int = Field(default=32, ge=1)
    """How many Services are worked on at the same time."""
    concurrent_node_syncs: int = Field(default=8, ge=1)
    """How many nodes are initialised at the same time."""
    concurrent_node_status_updates: int = Field(default=0, ge=0)
    """How many nodes' addresses and labels are written at the same time; 0 is as many as are initialised."""
    concurrent_routes: int = Field(default=200, ge=1)
    """How many route calls are in flight at the same time."""
    node_sync_window: timedelta = timedelta(milliseconds=500)
    """How long changes of nodes are collected before load balancers are updated."""
    drift_repair_period: timedelta = timedelta(minutes=30)
    """How often a load balancer is compared in full with the cloud, jittered."""

    newborn_grace: timedelta = timedelta(minutes=2)
    """A node younger than this is not deleted because its cloud does not know it."""
    gone_confirmations: int = Field(default=2, ge=1)
    """How many times in a row a cloud must say that an instance is gone."""
    vanished_limit: float = Field(default=0.3, gt=0, le=1)
    """Share of a cloud's nodes that may vanish at once (and more than three) before deletion pauses."""
    vanished_pause: timedelta = timedelta(minutes=5)
    """How long that must last before the nodes are believed to be gone."""

    call_deadline: timedelta = timedelta(minutes=2)
    """How long a call to a cloud may take."""
    call_concurrency: int = Field(default=64, ge=1)
    """How many calls to one cloud run at the same time."""
    calls_per_second: float = Field(default=0, ge=0)
    """Client-side limit of calls to one cloud; 0 is none."""

    @property
    def node_status_updates(self) -> int:
        """How many nodes are compared with their clouds at the same time."""
        return self.concurrent_node_status_updates or self.concurrent_node_syncs
