"""Controllers that move from one controller manager to another without ever running in both: a second Lease for them.

https://kubernetes.io/docs/tasks/administer-cluster/controller-manager-leader-migration/
"""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final, Literal

from pydantic import AliasGenerator, BaseModel, ConfigDict, Field, ValidationError
from pydantic.alias_generators import to_camel

from cloudk8s.client.leader_election import LeaderElection
from cloudk8s.controllers.names import ALIASES
from cloudk8s.controllers.registry import Registration
from cloudk8s.errors import SettingsError
from cloudk8s.machinery import yaml_codec

ANY_COMPONENT: Final = "*"
KIND: Final = "LeaderMigrationConfiguration"
GROUP: Final = "controllermanager.config.k8s.io"
VERSIONS: Final = ("v1", "v1beta1", "v1alpha1")

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Divided:
    """The controllers of a manager by the lease that they run under."""

    main: Sequence[Registration]
    migrated: Sequence[Registration]


class _Model(BaseModel):
    model_config = ConfigDict(
        frozen=True, extra="forbid", populate_by_name=True, alias_generator=AliasGenerator(validation_alias=to_camel)
    )


class ControllerLeader(_Model):
    """Where one controller runs."""

    name: str = Field(min_length=1)
    """The controller's, also by its name of older releases."""
    component: str = Field(min_length=1)
    """The manager that runs it; `*` is each that takes part, whichever holds the lease."""


class LeaderMigration(_Model):
    """`LeaderMigrationConfiguration`: what runs under the second lease. Upstream's defaults."""

    api_version: str = f"{GROUP}/{VERSIONS[0]}"
    kind: Literal["LeaderMigrationConfiguration"] = KIND
    leader_name: str = Field(default="cloud-provider-extraction-migration", min_length=1)
    """Name of the lease."""
    resource_lock: Literal["leases"] = "leases"
    """What the lock is; upstream's other kinds are gone from its own releases, too."""
    controller_leaders: tuple[ControllerLeader, ...] = tuple(
        ControllerLeader(name=name, component=ANY_COMPONENT) for name in ("route", "service", "cloud-node-lifecycle")
    )
    """The controllers that move."""

    def election(self, main: LeaderElection) -> LeaderElection:
        """For the second lease: who competes, where and how is as for the first."""
        return replace(main, name=self.leader_name)

    def divide(self, registrations: Sequence[Registration], component: str) -> Divided:
        """Upstream's rule: what is not listed runs under the main lease; what is listed under the second one where it
        is this manager's, and here not at all where it is another's."""
        listed = {_canonical(entry.name): entry.component for entry in self.controller_leaders}
        ours = {name for name, where in listed.items() if where in (component, ANY_COMPONENT)}
        for each in registrations:
            if each.name in listed and each.name not in ours:
                _log.info("leader migration: %s runs in %s", each.name, listed[each.name])
        return Divided(
            main=[each for each in registrations if each.name not in listed],
            migrated=[each for each in registrations if each.name in ours],
        )


def load_migration(path: Path) -> LeaderMigration:
    """A configuration from a file in YAML or JSON. Raises SettingsError that names the field."""
    found = yaml_codec.read_settings(path)
    try:
        return _parse(found)
    except ValueError as error:
        raise SettingsError(f"{path}: {error}") from error


def _parse(found: Any) -> LeaderMigration:
    """Raises ValueError. A file says itself which lease and which controllers: it has no defaults but the lock."""
    if not isinstance(found, Mapping):
        raise ValueError(f"a {KIND} is expected")
    served = [f"{GROUP}/{version}" for version in VERSIONS]
    if found.get("apiVersion") not in served:
        raise ValueError(f"apiVersion: {found.get('apiVersion')!r} is not served; use {served[0]}")
    try:
        return LeaderMigration.model_validate({"leaderName": "", "controllerLeaders": (), **found})
    except ValidationError as error:
        first = min(error.errors(), key=lambda each: each["type"] != "extra_forbidden")
        raise ValueError(f"{'.'.join(map(str, first['loc']))}: {first['msg']}") from error


def _canonical(name: str) -> str:
    return ALIASES.get(name, name)
