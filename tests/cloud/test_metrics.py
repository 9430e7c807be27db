"""The controllers count under upstream's names."""

from __future__ import annotations

from prometheus_client import CollectorRegistry

from cloudk8s.cloud.metrics import PrometheusMetrics
from cloudk8s.cloud.model.instance import Instance
from cloudk8s.cloud.model.route import Route
from cloudk8s.errors import CloudError
from cloudk8s.testing.cloud_harness import CloudHarness, make_node, make_service
from cloudk8s.testing.recording_cloud import RecordingInstances, RecordingLoadBalancers, RecordingRoutes

TAINT = {"key": "node.cloudprovider.kubernetes.io/uninitialized", "effect": "NoSchedule"}


async def test_everything_that_happens_is_counted() -> None:
    registry = CollectorRegistry()
    harness = CloudHarness(metrics=PrometheusMetrics(registry))
    balancers = RecordingLoadBalancers()
    balancers.recorder.answer("ensure", CloudError("no"))
    instances = RecordingInstances({"n1": Instance(provider_id="fake://1")})
    harness.attach(instances=instances, load_balancers=balancers, routes=RecordingRoutes([Route("10.244.9.0/24")]))
    harness.client.add(make_node("n1", taints=[TAINT], pod_cidrs=["10.244.1.0/24"]))
    harness.client.add(make_service())
    async with harness.running():
        await harness.settle(20)

    def value(name: str, **labels: str) -> float:
        return registry.get_sample_value(name, labels) or 0.0

    assert value("node_controller_cloud_provider_taint_removal_delay_seconds_count") == 1
    assert value("node_controller_initial_node_sync_delay_seconds_count") == 1
    assert value("service_controller_loadbalancer_sync_total", result="error") == 1
    assert value("service_controller_loadbalancer_sync_total", result="success") >= 1
    assert value("route_controller_route_sync_total") >= 1
    calls = "cloudk8s_cloud_call_duration_seconds_count"
    assert value(calls, cloud="fake", method="ensure", outcome="CloudError") == 1
    assert value(calls, cloud="fake", method="ensure", outcome="ok") == 1
    assert value(calls, cloud="fake", method="describe", outcome="ok") >= 1


async def test_updates_of_members_are_timed_and_their_failures_counted() -> None:
    registry = CollectorRegistry()
    harness = CloudHarness(metrics=PrometheusMetrics(registry))
    balancers = RecordingLoadBalancers()
    harness.attach(load_balancers=balancers)
    harness.client.add(make_service())
    async with harness.running():
        harness.client.add(make_node("n1", provider_id="fake://1"))
        await harness.settle(5)
        balancers.recorder.answer("update_targets", CloudError("no"))
        harness.client.add(make_node("n2", provider_id="fake://2"))
        await harness.settle(5)

    def value(name: str) -> float:
        return registry.get_sample_value(f"service_controller_{name}") or 0.0

    assert value("update_loadbalancer_host_latency_seconds_count") == 2
    assert value("nodesync_error_total") == 1
    assert value("nodesync_latency_seconds_count") >= 2
