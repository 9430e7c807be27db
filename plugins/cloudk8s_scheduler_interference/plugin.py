"""What this plugin adds: the scheduler plugin `Interference`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from cloudk8s.plugin import SchedulerPlugins, hookimpl
from cloudk8s.plugin.scheduler import Handle, Plugin


@hookimpl
def register_scheduler_plugins(registry: SchedulerPlugins) -> None:
    registry.register("Interference", interference, description="keeps workloads apart that disturb each other")


def interference(arguments: Mapping[str, Any], handle: Handle) -> Plugin:
    """Make the plugin; numpy is loaded only here."""
    from cloudk8s_scheduler_interference.interference import Interference

    return Interference(arguments, handle)
