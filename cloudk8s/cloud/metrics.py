"""What the cloud controllers count, under upstream's names where upstream has them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from prometheus_client import CollectorRegistry

CALL_SECONDS = (0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120)
SYNC_SECONDS = tuple(float(2**power) for power in range(15))


class CloudMetrics(Protocol):
    """Called on the event loop."""

    def called(self, cloud: str, method: str, outcome: str, seconds: float) -> None:
        """A contract method answered; `outcome` is `ok` or the error's class."""

    def initialized(self, seconds: float) -> None:
        """A node lost its taint so long after it was created."""

    def synced(self, kind: str, seconds: float, *, failed: bool = False) -> None:
        """Something was done: `service` (one ensured), `host` (one's members), `nodes` (all members), `routes`."""


class NoMetrics:
    """Counts nothing."""

    def called(self, cloud: str, method: str, outcome: str, seconds: float) -> None:
        return None

    def initialized(self, seconds: float) -> None:
        return None

    def synced(self, kind: str, seconds: float, *, failed: bool = False) -> None:
        return None


class PrometheusMetrics:
    """In a registry of prometheus_client."""

    def __init__(self, registry: CollectorRegistry) -> None:
        from prometheus_client import Counter, Histogram

        def histogram(
            name: str, text: str, labels: tuple[str, ...] = (), buckets: tuple[float, ...] = SYNC_SECONDS
        ) -> Histogram:
            return Histogram(name, text, labels, buckets=buckets, registry=registry)

        def counter(name: str, text: str, labels: tuple[str, ...] = ()) -> Counter:
            return Counter(name, text, labels, registry=registry)

        self._calls = histogram(
            "cloudk8s_cloud_call_duration_seconds",
            "Calls of cloud contracts.",
            ("cloud", "method", "outcome"),
            CALL_SECONDS,
        )
        self._taint = histogram(
            "node_controller_cloud_provider_taint_removal_delay_seconds",
            "From the creation of a node to the removal of its taint.",
        )
        self._first = histogram(
            "node_controller_initial_node_sync_delay_seconds", "From the creation of a node to its first sync."
        )
        self._balancers = counter(
            "service_controller_loadbalancer_sync", "Load balancers that were ensured, by result.", ("result",)
        )
        self._hosts = histogram(
            "service_controller_update_loadbalancer_host_latency_seconds", "Updates of one load balancer's members."
        )
        self._node_errors = counter("service_controller_nodesync_error", "Failed updates of members.")
        self._nodes = histogram(
            "service_controller_nodesync_latency_seconds", "Updates of all load balancers' members."
        )
        self._routes = counter("route_controller_route_sync", "Runs of the route controller.")

    def called(self, cloud: str, method: str, outcome: str, seconds: float) -> None:
        self._calls.labels(cloud, method, outcome).observe(seconds)

    def initialized(self, seconds: float) -> None:
        self._taint.observe(seconds)
        self._first.observe(seconds)

    def synced(self, kind: str, seconds: float, *, failed: bool = False) -> None:
        if kind == "service":
            self._balancers.labels("error" if failed else "success").inc()
        elif kind == "routes":
            self._routes.inc()
        elif kind == "host":
            self._hosts.observe(seconds)
            if failed:
                self._node_errors.inc()
        else:
            self._nodes.observe(seconds)
