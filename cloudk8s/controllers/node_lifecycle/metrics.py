"""What the node lifecycle controller counts, under upstream's names."""

from __future__ import annotations

from collections.abc import Mapping

from cloudk8s.machinery.instruments import Instruments, exponential

_ZONE = ("zone",)


class NodeMetrics:
    """Nodes by zone, and those that were given up."""

    def __init__(self, instruments: Instruments) -> None:
        gauge = instruments.gauge
        health = "Gauge measuring percentage of healthy nodes per zone."
        self._health = gauge("node_collector_zone_health", health, _ZONE)
        self._size = gauge("node_collector_zone_size", "Gauge measuring number of registered Nodes per zones.", _ZONE)
        unhealthy = "Gauge measuring number of not Ready Nodes per zones."
        self._unhealthy = gauge("node_collector_unhealthy_nodes_in_zone", unhealthy, _ZONE)
        self._evictions = instruments.counter(
            "node_collector_evictions_total",
            "Number of Node evictions that happened since current instance of NodeController started.",
            _ZONE,
        )
        self._looked = instruments.histogram(
            "node_collector_update_all_nodes_health_duration_seconds",
            "Duration in seconds for NodeController to update the health of all nodes.",
            exponential(0.01, 4, 8),
        ).of()

    def looked(self, counts: Mapping[str, tuple[int, int]], seconds: float) -> None:
        """All nodes were looked at; `counts` are the ready and the other ones of each zone."""
        self._looked.observe(seconds)
        for gauge in (self._health, self._size, self._unhealthy):
            gauge.values.clear()
        for zone, (ready, others) in counts.items():
            self._health.set(100.0 * ready / (ready + others), zone)
            self._size.set(ready + others, zone)
            self._unhealthy.set(others, zone)

    def evicted(self, zone: str) -> None:
        """A node's pods were told to leave."""
        self._evictions.add(zone)
