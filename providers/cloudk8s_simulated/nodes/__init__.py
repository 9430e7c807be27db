"""Nodes that only pretend: thousands in one process, with leases, conditions and pods that go through their lives.

Belongs here: what a kubelet would report. Forbidden here: running anything.
"""

from cloudk8s_simulated.nodes.fleet import Fleet, FleetSettings

__all__ = ["Fleet", "FleetSettings"]
