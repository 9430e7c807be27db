"""Hatchling build hook: makes the registry file that the wheel carries."""

from __future__ import annotations

from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface


class RegistryHook(BuildHookInterface):
    """Runs before a wheel is assembled, also for editable installs."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Write `cloudk8s/api/registry.bin`."""
