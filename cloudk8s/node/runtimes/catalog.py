"""The runtimes by name. Imports are late: one that is not used costs nothing."""

from __future__ import annotations

from pathlib import Path

from cloudk8s.errors import UserError
from cloudk8s.machinery.clock import Clock
from cloudk8s.node.runtimes.interface import Runtime

NAMES = ("host",)


def make_runtime(name: str, directory: Path, *, node_name: str, clock: Clock) -> Runtime:
    """The runtime of that name, with its state below `directory`; UserError for an unknown name."""
    if name == "host":
        from cloudk8s.node.runtimes.host.runtime import HostRuntime

        return HostRuntime(directory / "host", clock=clock, node_name=node_name)
    raise UserError(f"unknown runtime {name!r}; known are: {', '.join(NAMES)}")
