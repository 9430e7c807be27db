"""What a cluster on this host consists of, as `cloudk8s up` was asked for it."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from cloudk8s.controlplane.host.agent_options import AgentOptions
from cloudk8s.controlplane.simulated import Simulation

if TYPE_CHECKING:
    from cloudk8s.plugin.clouds import CloudEntry


@dataclass(frozen=True, slots=True)
class ClusterOptions:
    """What runs beside the API server."""

    nodes: int = 1
    simulation: Simulation = field(default_factory=Simulation)
    """The nodes that only pretend."""
    agents: AgentOptions = field(default_factory=AgentOptions)
    """How the agents of this host's nodes run."""
    clouds: tuple[CloudEntry, ...] = ()
    """The clouds whose controllers run."""
    offline: bool = False
    """The first cloud is an emulated account, in which simulated nodes get an instance each."""
    kubeconfig: Path | None = None
    scheduler_config: Path | None = None
    """A KubeSchedulerConfiguration."""
    controller_manager_port: int = 0
    """Where health and metrics of the controllers are served; 0 is nowhere."""
    scheduler_port: int = 0
    """Where those of the scheduler are; 0 is nowhere."""
