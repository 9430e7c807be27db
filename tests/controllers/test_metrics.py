"""What controllers count."""

from __future__ import annotations

from cloudk8s.controllers.endpoint_slice.controller import EndpointSliceController
from cloudk8s.controllers.node_lifecycle.controller import NodeLifecycleController
from cloudk8s.controllers.node_lifecycle.metrics import NodeMetrics
from cloudk8s.machinery.exposition import page
from cloudk8s.machinery.instruments import Instruments
from tests.controllers.harness import running


def test_zones_are_told_with_their_ready_and_other_nodes() -> None:
    instruments = Instruments()
    metrics = NodeMetrics(instruments)
    metrics.looked({"r:a": (3, 1), "r:b": (0, 2)}, 0.02)
    metrics.looked({"r:a": (4, 0)}, 0.02)
    metrics.evicted("r:a")
    text = page(instruments.families())
    assert 'node_collector_zone_health{zone="r:a"} 100\n' in text
    assert 'node_collector_zone_size{zone="r:a"} 4\n' in text
    assert 'node_collector_unhealthy_nodes_in_zone{zone="r:a"} 0\n' in text
    assert 'node_collector_evictions_total{zone="r:a"} 1\n' in text
    assert "node_collector_update_all_nodes_health_duration_seconds_count 2\n" in text
    assert "r:b" not in text, "a zone without nodes is forgotten"


async def test_controllers_count_in_the_instruments_of_their_context() -> None:
    instruments = Instruments()
    service = {
        "apiVersion": "v1", "kind": "Service", "metadata": {"name": "web", "namespace": "default"},
        "spec": {"selector": {"app": "web"}, "ports": [{"port": 80}], "clusterIP": "10.0.0.1", "ipFamilies": ["IPv4"]},
    }  # fmt: skip
    node = {"apiVersion": "v1", "kind": "Node", "metadata": {"name": "n"}, "spec": {}, "status": {}}
    async with running(
        EndpointSliceController, NodeLifecycleController, objects=[node, service], instruments=instruments
    ) as harness:
        await harness.settle(10)
    text = page(instruments.families())
    assert 'endpoint_slice_controller_changes{operation="create"} 1\n' in text
    assert 'endpoint_slice_controller_syncs{result="success"} ' in text
    assert "endpoint_slice_controller_num_endpoint_slices 1\n" in text
    assert 'node_collector_zone_size{zone=""} 1\n' in text
    assert 'workqueue_adds_total{name="endpoint_slice"} ' in text
