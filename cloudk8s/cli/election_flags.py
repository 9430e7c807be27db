"""Flags about leader election, by upstream's names."""

from __future__ import annotations

import socket
import uuid
from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from pydantic import BaseModel, ConfigDict

from cloudk8s.client.leader_election import LeaderElection

if TYPE_CHECKING:
    from cloudk8s.controlplane.controller_leases import ControllerLeases


class ElectionSettings(BaseModel):
    """Whether and how a component competes with others of its kind."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    leader_elect: bool = True
    """Work only while holding the lease."""
    lease_duration: timedelta = timedelta(seconds=15)
    """How long others wait after the last renewal before they take over."""
    renew_deadline: timedelta = timedelta(seconds=10)
    """When to give up renewing."""
    retry_period: timedelta = timedelta(seconds=2)
    """Between attempts to acquire or renew."""
    resource_name: str = ""
    """Name of the lease."""
    resource_namespace: str = "kube-system"
    """Namespace of the lease."""


class MigrationSettings(BaseModel):
    """Whether some controllers run under a second lease, because they move to another controller manager."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    enable_leader_migration: bool = False
    """Run controllers that move between managers under a lease of their own."""
    leader_migration_config: str = ""
    """File with a LeaderMigrationConfiguration; upstream's default if empty."""


FLAGS: Final = {
    "leader_elect": "leader-elect",
    **{
        field: f"leader-elect-{field.replace('_', '-')}"
        for field in ("lease_duration", "renew_deadline", "retry_period", "resource_name", "resource_namespace")
    },
}
"""Field of `ElectionSettings`: name of its flag."""


MIGRATION_FLAGS: Final = {field: field.replace("_", "-") for field in MigrationSettings.model_fields}


def leases(electing: Mapping[str, Any], migrating: Mapping[str, Any]) -> ControllerLeases:
    """The leases of a controller manager. Raises SettingsError."""
    from cloudk8s.controlplane.controller_leases import ControllerLeases
    from cloudk8s.controlplane.leader_migration import LeaderMigration, load_migration

    settings = MigrationSettings(**migrating)
    if not settings.enable_leader_migration:
        return ControllerLeases(election(electing))
    file = settings.leader_migration_config
    return ControllerLeases(election(electing), load_migration(Path(file)) if file else LeaderMigration())


def election(given: Mapping[str, Any]) -> LeaderElection | None:
    """None where it works alone. Raises SettingsError for times that leave no time."""
    settings = ElectionSettings(**given)
    if not settings.leader_elect:
        return None
    return LeaderElection(
        settings.resource_name, f"{socket.gethostname()}_{uuid.uuid4()}", settings.resource_namespace,
        settings.lease_duration, settings.renew_deadline, settings.retry_period,
    )  # fmt: skip
