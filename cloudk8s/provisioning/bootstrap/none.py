"""Machines without user data: somebody else makes nodes of them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from cloudk8s.cloud.model.machine import MachineRequest
from cloudk8s.errors import SettingsError
from cloudk8s.provisioning.bootstrap.interface import Facts


class NoBootstrap:
    """Fulfils `BootstrapMethod`."""

    joins, grows, shares_user_data = False, True, True

    def control_plane(self, facts: Facts, request: MachineRequest) -> bytes:
        return b""

    def worker(self, facts: Facts, request: MachineRequest) -> bytes:
        return b""

    def join_secret(self, facts: Facts, request: MachineRequest) -> str:
        return ""

    def configuration(self, facts: Facts, group: str) -> Mapping[str, Any] | None:
        return None


def none(options: Mapping[str, Any]) -> NoBootstrap:
    """Machines without user data."""
    if options:
        raise SettingsError(f"bootstrap.options: method none has no options, not {', '.join(options)}")
    return NoBootstrap()
