"""How the agents of this host's nodes run."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from cloudk8s.controlplane.child import STOP_SECONDS


@dataclass(frozen=True, slots=True)
class AgentOptions:
    """The same for all nodes of the cluster."""

    runtime: str = "host"
    runtime_endpoint: str = ""
    """The socket of a CRI runtime; its default one where empty."""
    shutdown_grace: timedelta = timedelta(0)
    """How long pods have to end when the host shuts down; none leaves them to it."""
    shutdown_grace_critical: timedelta = timedelta(0)
    """The part of it, at its end, that critical pods have for themselves."""
    is_stop_a_shutdown: bool = False
    """Whether pods end, too, when the cluster is stopped."""
    config: Path | None = None
    """A KubeletConfiguration."""

    def flags(self) -> Sequence[str]:
        """The same as options of the agent's command."""
        options = {
            "runtime": self.runtime,
            "runtime-endpoint": self.runtime_endpoint,
            "shutdown-grace-period": f"{self.shutdown_grace.total_seconds():.0f}s",
            "shutdown-grace-period-critical-pods": f"{self.shutdown_grace_critical.total_seconds():.0f}s",
        }
        flags = [f"--{name}={value}" for name, value in options.items()]
        flags += [f"--config={self.config}"] if self.config is not None else []
        return [*flags, "--shutdown-on-sigterm"] if self.is_stop_a_shutdown else flags

    @property
    def stop_seconds(self) -> float:
        """How long an agent may take to stop."""
        return STOP_SECONDS + (self.shutdown_grace.total_seconds() if self.is_stop_a_shutdown else 0.0)
