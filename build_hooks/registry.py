"""Hatchling build hook: makes the registry file that the wheel carries."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface


class RegistryHook(BuildHookInterface):
    """Runs before a wheel is assembled, also for editable installs."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Write `cloudk8s/api/registry.bin`."""
        if self.target_name != "wheel":
            return
        sys.path.insert(0, self.root)
        try:
            from cloudk8s.api import registry_build, registry_file
        finally:
            sys.path.remove(self.root)
        registry_build.write(Path(self.root, "cloudk8s", "api", registry_file.BUNDLED.name))
