"""What this plugin adds: the scheduler plugin `Deadline`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from cloudk8s.plugin import SchedulerPlugins, hookimpl
from cloudk8s.plugin.scheduler import Handle, Plugin


@hookimpl
def register_scheduler_plugins(registry: SchedulerPlugins) -> None:
    registry.register("Deadline", deadline, description="what must start soonest goes first")


def deadline(arguments: Mapping[str, Any], handle: Handle) -> Plugin:
    """Make the plugin."""
    from cloudk8s_scheduler_deadline.deadline import Deadline

    return Deadline(arguments, handle)
