from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any

import pytest

from cloudk8s.client.interface import Object, Resource
from cloudk8s.client.objects import condition
from cloudk8s.client.resources import DEPLOYMENTS, HORIZONTAL_POD_AUTOSCALERS, PODS
from cloudk8s.controllers.autoscaling.controller import HorizontalPodAutoscalerController
from cloudk8s.errors import InternalError, NotFound
from cloudk8s.machinery.clock import FakeClock
from cloudk8s.machinery.times import format_time
from cloudk8s.testing.fake_client import Action, FakeClient
from tests.controllers.harness import NS, Harness, deployment, pod, running

LONG_AGO = "2025-12-31T00:00:00Z"


class MetricsServer(FakeClient):
    """A fake API server that serves metrics from a table of paths."""

    def __init__(self, clock: FakeClock) -> None:
        super().__init__(clock=clock)
        self.metrics: dict[str, list[Object]] = {}
        self.selector: str | None = None
        """What every scale says instead of its own selector."""

    async def get(self, resource: Resource, name: str, **how: Any) -> Object:
        found = await super().get(resource, name, **how)
        if self.selector is not None and how.get("subresource") == "scale":
            return {**found, "status": {**found["status"], "selector": self.selector}}
        return found

    async def request(
        self, method: str, path: str, *, query: Mapping[str, str] | None = None, body: Any = None,
        headers: Mapping[str, str] | None = None,
    ) -> Any:  # fmt: skip
        if "metrics.k8s.io" not in path:
            return await super().request(method, path, query=query, body=body, headers=headers)
        found = self.metrics.get(path.removeprefix("/apis/"))
        if found is None:
            raise NotFound("the server could not find the requested resource")
        now = format_time(self.clock.now())
        return {"items": [{"timestamp": now, "window": "30s", **item} for item in found]}

    def set_usage(self, resource: str, *values: str, container: str = "c") -> None:
        """What pods web-0, web-1 … use."""
        self.metrics[f"metrics.k8s.io/v1beta1/namespaces/{NS}/pods"] = [
            {
                "metadata": {"name": f"web-{index}", "namespace": NS},
                "containers": [{"name": container, "usage": {resource: value}}],
            }
            for index, value in enumerate(values)
        ]


def member(
    index: int, *, request: str = "1", ready: str = "True", phase: str = "Running", start: str = LONG_AGO
) -> Object:
    made = pod(f"web-{index}", labels={"app": "web"})
    made["spec"]["containers"][0]["resources"] = {"requests": {"cpu": request, "memory": "1Gi"}} if request else {}
    made["status"] = {
        "phase": phase, "startTime": start,
        "conditions": [{"type": "Ready", "status": ready, "lastTransitionTime": start}],
    }  # fmt: skip
    return made


def target(kind: str = "Utilization", **values: Any) -> Object:
    return {"type": kind, **values}


def cpu(percent: int) -> Object:
    return {"type": "Resource", "resource": {"name": "cpu", "target": target(averageUtilization=percent)}}


def autoscaler(*metrics: Object, low: int = 1, high: int = 10, behavior: Object | None = None) -> Object:
    spec: Object = {
        "scaleTargetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": "web"},
        "minReplicas": low, "maxReplicas": high, "metrics": list(metrics),
    }  # fmt: skip
    if behavior:
        spec["behavior"] = behavior
    return {
        "apiVersion": "autoscaling/v2", "kind": "HorizontalPodAutoscaler",
        "metadata": {"name": "web", "namespace": NS}, "spec": spec,
    }  # fmt: skip


@asynccontextmanager
async def scaling(
    hpa: Object, size: int, *pods: Object, **usage: tuple[str, ...]
) -> AsyncIterator[tuple[Harness, MetricsServer]]:
    clock = FakeClock()
    server = MetricsServer(clock)
    for resource, values in usage.items():
        server.set_usage(resource, *values)
    web = {**deployment("web", size), "status": {"replicas": size}}
    members = pods or [member(index) for index in range(size)]
    objects = [hpa, web, *members]
    async with running(HorizontalPodAutoscalerController, objects=objects, client=server, clock=clock) as run:
        run.has_kubelet = False
        await run.settle()
        yield run, server


def size(run: Harness) -> int:
    return int(run.get(DEPLOYMENTS, "web")["spec"]["replicas"])


def status(run: Harness) -> Object:
    found: Object = run.get(HORIZONTAL_POD_AUTOSCALERS, "web")["status"]
    return found


def why(run: Harness, type: str) -> tuple[str, str]:
    found = condition(run.get(HORIZONTAL_POD_AUTOSCALERS, "web"), type)
    assert found is not None
    return found["status"], found["reason"]


@pytest.mark.parametrize(
    ("percent", "usage", "expected"),
    [
        (50, ("600m", "600m", "600m"), 4),
        (50, ("500m", "500m", "500m"), 3),
        (50, ("540m", "540m", "540m"), 3),
        (50, ("900m", "900m", "900m"), 6),
        (30, ("900m", "900m", "900m"), 6),
        (50, ("600m", "600m"), 3),
        (50, ("900m", "900m"), 4),
    ],
)
async def test_utilization_of_cpu_decides(percent: int, usage: tuple[str, ...], expected: int) -> None:
    async with scaling(autoscaler(cpu(percent)), 3, cpu=usage) as (run, _):
        assert size(run) == expected


async def test_status_conditions_and_events_say_what_was_done() -> None:
    async with scaling(autoscaler(cpu(50)), 2, cpu=("900m", "700m")) as (run, _):
        assert size(run) == 4
        assert status(run)["currentReplicas"] == 2
        assert status(run)["desiredReplicas"] == 4
        assert status(run)["lastScaleTime"] == "2026-01-01T00:00:00Z"
        assert status(run)["currentMetrics"] == [
            {
                "type": "Resource",
                "resource": {"name": "cpu", "current": {"averageUtilization": 80, "averageValue": "800m"}},
            }
        ]
        assert why(run, "AbleToScale") == ("True", "SucceededRescale")
        assert why(run, "ScalingActive") == ("True", "ValidMetricFound")
        assert why(run, "ScalingLimited") == ("False", "DesiredWithinRange")
        message = "New size: 4; reason: cpu resource utilization (percentage of request) above target"
        assert run.events("web") == [("SuccessfulRescale", message)]


async def test_a_size_goes_down_only_after_the_window() -> None:
    async with scaling(autoscaler(cpu(50)), 4, cpu=("100m",) * 4) as (run, _):
        assert size(run) == 4
        assert why(run, "AbleToScale") == ("True", "ScaleDownStabilized")
        await run.settle(280, step=5)
        assert size(run) == 4
        await run.settle(40, step=5)
        assert size(run) == 1
        assert ("SuccessfulRescale", "New size: 1; reason: All metrics below target") in run.events("web")


async def test_rules_replace_the_defaults() -> None:
    behavior = {
        "scaleUp": {"stabilizationWindowSeconds": 0, "selectPolicy": "Max", "policies": [
            {"type": "Pods", "value": 1, "periodSeconds": 60}]},
        "scaleDown": {"stabilizationWindowSeconds": 0, "selectPolicy": "Max", "policies": [
            {"type": "Percent", "value": 100, "periodSeconds": 15}]},
    }  # fmt: skip
    async with scaling(autoscaler(cpu(50), behavior=behavior), 2, cpu=("900m", "900m")) as (run, server):
        assert size(run) == 3
        assert why(run, "ScalingLimited") == ("True", "ScaleUpLimit")
        server.set_usage("cpu", "100m", "100m")
        await run.settle(16, step=1)
        assert size(run) == 1


async def test_a_tolerance_of_its_own() -> None:
    loose = {"scaleUp": {"tolerance": "500m", "policies": [{"type": "Percent", "value": 100, "periodSeconds": 15}]}}
    async with scaling(autoscaler(cpu(50), behavior=loose), 2, cpu=("700m", "700m")) as (run, _):
        assert size(run) == 2


@pytest.mark.parametrize(
    ("low", "high", "now", "expected", "reason"),
    [
        (1, 2, 5, 2, "Current number of replicas above Spec.MaxReplicas"),
        (3, 5, 1, 3, "Current number of replicas below Spec.MinReplicas"),
    ],
)
async def test_a_size_out_of_bounds_is_brought_back_without_metrics(
    low: int, high: int, now: int, expected: int, reason: str
) -> None:
    async with scaling(autoscaler(cpu(50), low=low, high=high), now) as (run, _):
        assert size(run) == expected
        assert run.events("web") == [("SuccessfulRescale", f"New size: {expected}; reason: {reason}")]


async def test_a_target_of_size_zero_is_left_alone() -> None:
    async with scaling(autoscaler(cpu(50)), 0) as (run, _):
        assert size(run) == 0
        assert why(run, "ScalingActive") == ("False", "ScalingDisabled")


async def test_without_metrics_nothing_is_done_and_the_reason_is_said() -> None:
    async with scaling(autoscaler(cpu(50)), 2) as (run, server):
        del server
        assert size(run) == 2
        assert why(run, "ScalingActive") == ("False", "FailedGetResourceMetric")
        missing = (
            "failed to get cpu utilization: unable to get metrics for resource cpu: unable to fetch metrics from "
            "resource metrics API: the server could not find the requested resource (get pods.metrics.k8s.io)"
        )
        events = dict(run.events("web"))
        assert events["FailedGetResourceMetric"] == missing
        first = (
            f"invalid metrics (1 invalid out of 1), first error is: failed to get cpu resource metric value: {missing}"
        )
        assert events["FailedComputeMetricsReplicas"] == first


async def test_a_missing_request_is_said() -> None:
    async with scaling(autoscaler(cpu(50)), 1, member(0, request=""), cpu=("1",)) as (run, _):
        found = condition(run.get(HORIZONTAL_POD_AUTOSCALERS, "web"), "ScalingActive")
        assert found is not None
        reason = "failed to get cpu utilization: missing request for cpu in container c of Pod web-0"
        assert found["message"] == f"the HPA was unable to compute the replica count: {reason}"


async def test_a_missing_target_is_said() -> None:
    hpa = autoscaler(cpu(50))
    hpa["spec"]["scaleTargetRef"]["name"] = "nothing"
    async with scaling(hpa, 1) as (run, _):
        assert why(run, "AbleToScale") == ("False", "FailedGetScale")
        assert ("FailedGetScale", 'deployments.apps "nothing" not found') in run.events("web")


@pytest.mark.parametrize(
    ("pods", "usage", "expected"),
    [
        ([member(0), member(1), member(2, phase="Pending")], ("900m", "900m"), 4),
        ([member(0), member(1), member(2, ready="False", start="2026-01-01T00:00:00Z")], ("900m",) * 3, 4),
        ([member(0), member(1), member(2, phase="Failed")], ("900m", "900m", "900m"), 4),
        ([member(0), member(1), member(2)], ("100m", "100m"), 3),
    ],
)
async def test_pods_that_start_or_fail_only_dampen(pods: list[Object], usage: tuple[str, ...], expected: int) -> None:
    async with scaling(autoscaler(cpu(50)), 3, *pods, cpu=usage) as (run, _):
        assert size(run) == expected


def custom(value: str, name: str = "web-0") -> Object:
    return {"describedObject": {"name": name}, "metric": {"name": "m"}, "value": value}


POD_METRIC = f"custom.metrics.k8s.io/v1beta2/namespaces/{NS}/pods/*/m"
OBJECT_METRIC = f"custom.metrics.k8s.io/v1beta2/namespaces/{NS}/services/front/m"
OLD_OBJECT_METRIC = f"custom.metrics.k8s.io/v1beta1/namespaces/{NS}/services/front/m"
EXTERNAL_METRIC = f"external.metrics.k8s.io/v1beta1/namespaces/{NS}/m"
SERVICE = {"apiVersion": "v1", "kind": "Service", "name": "front"}


@pytest.mark.parametrize(
    ("metric", "path", "values", "expected", "status_of_it"),
    [
        (
            {"type": "Pods", "pods": {"metric": {"name": "m"}, "target": target("AverageValue", averageValue="10")}},
            POD_METRIC, [custom("20"), custom("20", "web-1")], 4,
            {"type": "Pods", "pods": {"metric": {"name": "m"}, "current": {"averageValue": "20"}}},
        ),
        (
            {"type": "Object", "object": {
                "describedObject": SERVICE, "metric": {"name": "m"}, "target": target("Value", value="10")}},
            OBJECT_METRIC, [custom("15")], 3,
            {"type": "Object", "object": {
                "describedObject": SERVICE, "metric": {"name": "m"}, "current": {"value": "15"}}},
        ),
        (
            {"type": "Object", "object": {
                "describedObject": SERVICE, "metric": {"name": "m"},
                "target": target("AverageValue", averageValue="10")}},
            OLD_OBJECT_METRIC, [custom("40")], 4,
            {"type": "Object", "object": {
                "describedObject": SERVICE, "metric": {"name": "m"}, "current": {"averageValue": "20"}}},
        ),
        (
            {"type": "External", "external": {"metric": {"name": "m"}, "target": target("Value", value="10")}},
            EXTERNAL_METRIC, [{"value": "10"}, {"value": "5500m"}], 4,
            {"type": "External", "external": {"metric": {"name": "m"}, "current": {"value": "15500m"}}},
        ),
        (
            {"type": "External", "external": {
                "metric": {"name": "m"}, "target": target("AverageValue", averageValue="5")}},
            EXTERNAL_METRIC, [{"value": "15"}], 3,
            {"type": "External", "external": {"metric": {"name": "m"}, "current": {"averageValue": "7500m"}}},
        ),
        (
            {"type": "Resource", "resource": {"name": "cpu", "target": target("AverageValue", averageValue="500m")}},
            "", [], 4,
            {"type": "Resource", "resource": {"name": "cpu", "current": {"averageValue": "900m"}}},
        ),
        (
            {"type": "ContainerResource", "containerResource": {
                "name": "cpu", "container": "c", "target": target(averageUtilization=50)}},
            "", [], 4,
            {"type": "ContainerResource", "containerResource": {
                "name": "cpu", "container": "c", "current": {"averageUtilization": 90, "averageValue": "900m"}}},
        ),
    ],
)  # fmt: skip
async def test_every_kind_of_metric(
    metric: Object, path: str, values: list[Object], expected: int, status_of_it: Object
) -> None:
    async with scaling(autoscaler(cpu(100)), 2, cpu=("900m", "900m")) as (run, server):
        assert size(run) == 2
        if path:
            server.metrics[path] = values
        await run.client.patch(HORIZONTAL_POD_AUTOSCALERS, "web", {"spec": {"metrics": [metric]}}, namespace=NS)
        await run.settle()
        assert size(run) == expected
        assert status(run)["currentMetrics"] == [status_of_it]


async def test_the_highest_of_several_metrics_counts_and_a_broken_one_only_holds_back() -> None:
    memory = {"type": "Resource", "resource": {"name": "memory", "target": target(averageUtilization=50)}}
    async with scaling(autoscaler(cpu(50), memory), 2, cpu=("900m", "900m")) as (run, server):
        assert size(run) == 4
        assert why(run, "ScalingActive") == ("True", "ValidMetricFound")
        server.set_usage("cpu", "1m", "1m")
        await run.settle(400, step=5)
        assert size(run) == 4
        assert why(run, "ScalingActive") == ("False", "FailedGetResourceMetric")


async def test_two_autoscalers_on_the_same_pods_stop_each_other() -> None:
    second = autoscaler(cpu(50))
    second["metadata"]["name"] = "again"
    async with scaling(autoscaler(cpu(50)), 2, cpu=("500m", "500m")) as (run, _):
        run.client.add(second)
        await run.settle(30, step=1)
        assert why(run, "ScalingActive") == ("False", "AmbiguousSelector")
        message = "pods by selector app=web are controlled by multiple HPAs: [default/again default/web]"
        assert ("AmbiguousSelector", message) in run.events("web")


async def test_the_request_of_a_whole_pod_stands_for_those_of_its_containers() -> None:
    pods = [member(index, request="") for index in range(2)]
    for each in pods:
        each["spec"]["resources"] = {"requests": {"cpu": "500m"}}
    async with scaling(autoscaler(cpu(50)), 2, *pods, cpu=("500m", "500m")) as (run, _):
        assert size(run) == 4
        assert status(run)["currentMetrics"][0]["resource"]["current"]["averageUtilization"] == 100


@pytest.mark.parametrize(
    ("metric", "reason", "event", "summary"),
    [
        (
            {"type": "Object", "object": {
                "describedObject": SERVICE, "metric": {"name": "m"}, "target": target("Value", value="10")}},
            "FailedGetObjectMetric",
            "unable to get metric m: Service on default front/unable to fetch metrics from custom metrics API: ",
            "failed to get object metric value: unable to get metric m: Service on default front/",
        ),
        (
            {"type": "Object", "object": {
                "describedObject": SERVICE, "metric": {"name": "m"},
                "target": target("AverageValue", averageValue="10")}},
            "FailedGetObjectMetric",
            "unable to get metric m: Service on default front/",
            "failed to get object metric value: failed to get m object metric: unable to get metric m: ",
        ),
        (
            {"type": "External", "external": {"metric": {"name": "m"}, "target": target("Value", value="10")}},
            "FailedGetExternalMetric",
            "unable to get external metric default/m/nil: unable to fetch metrics from external metrics API: ",
            "failed to get m external metric value: failed to get external metric m: unable to get external metric ",
        ),
        (
            {"type": "External", "external": {
                "metric": {"name": "m", "selector": {"matchLabels": {"a": "b"}}},
                "target": target("AverageValue", averageValue="5")}},
            "FailedGetExternalMetric",
            "unable to get external metric default/m/&LabelSelector{MatchLabels:map[string]string{a:b},",
            "failed to get m external metric value: failed to get m external metric: unable to get external metric ",
        ),
        (
            {"type": "Pods", "pods": {"metric": {"name": "m"}, "target": target("AverageValue", averageValue="10")}},
            "FailedGetPodsMetric",
            "unable to get metric m: unable to fetch metrics from custom metrics API: ",
            "failed to get pods metric value: unable to get metric m: ",
        ),
        (
            {"type": "ContainerResource", "containerResource": {
                "name": "cpu", "container": "nope", "target": target(averageUtilization=50)}},
            "FailedGetContainerResourceMetric",
            "failed to get cpu utilization: unable to get metrics for resource cpu: "
            "container nope not present in metrics for pod default/web-0",
            "failed to get nope container metric value: failed to get cpu utilization: ",
        ),
    ],
)  # fmt: skip
async def test_what_cannot_be_had_is_said_in_upstreams_words(
    metric: Object, reason: str, event: str, summary: str
) -> None:
    async with scaling(autoscaler(metric), 2, cpu=("1", "1")) as (run, _):
        assert why(run, "ScalingActive") == ("False", reason)
        events = dict(run.events("web"))
        assert events[reason].startswith(event)
        first = "invalid metrics (1 invalid out of 1), first error is: "
        assert events["FailedComputeMetricsReplicas"].startswith(first + summary)


async def test_a_tolerance_may_be_tight_in_one_direction() -> None:
    tight = {"scaleDown": {
        "tolerance": "0", "stabilizationWindowSeconds": 0, "selectPolicy": "Max",
        "policies": [{"type": "Percent", "value": 100, "periodSeconds": 15}],
    }}  # fmt: skip
    async with scaling(autoscaler(cpu(50), behavior=tight), 4, cpu=("470m",) * 4) as (run, server):
        assert size(run) == 4
        server.set_usage("cpu", *("370m",) * 4)
        await run.settle(16, step=1)
        assert size(run) == 3


async def test_windows_hold_back_in_both_directions_and_say_so() -> None:
    slow = {"scaleUp": {
        "stabilizationWindowSeconds": 60, "selectPolicy": "Max",
        "policies": [{"type": "Percent", "value": 100, "periodSeconds": 15}],
    }}  # fmt: skip
    async with scaling(autoscaler(cpu(50), behavior=slow), 2, cpu=("900m", "900m")) as (run, _):
        assert size(run) == 2
        found = condition(run.get(HORIZONTAL_POD_AUTOSCALERS, "web"), "AbleToScale")
        assert found is not None
        assert (found["reason"], found["message"]) == (
            "ScaleUpStabilized",
            "recent recommendations were lower than current one, applying the lowest recent recommendation",
        )
        await run.settle(70, step=1)
        assert size(run) == 4


async def test_a_value_for_each_pod_of_one_object_is_named_as_upstream_names_it() -> None:
    source = {"describedObject": SERVICE, "metric": {"name": "m"}, "target": target("AverageValue", averageValue="10")}
    metric = {"type": "Object", "object": source}
    async with scaling(autoscaler(cpu(100)), 2, cpu=("900m", "900m")) as (run, server):
        server.metrics[OBJECT_METRIC] = [custom("40")]
        await run.client.patch(HORIZONTAL_POD_AUTOSCALERS, "web", {"spec": {"metrics": [metric]}}, namespace=NS)
        await run.settle()
        assert ("SuccessfulRescale", "New size: 4; reason: external metric m(nil) above target") in run.events("web")


@pytest.mark.parametrize(
    ("api_version", "kind", "message"),
    [
        ("apps/v1beta1", "Deployment", ""),
        ("apps/v1", "Gadget", 'no matches for kind "Gadget" in group "apps"'),
        ("example.com/v1", "Widget", 'no matches for kind "Widget" in group "example.com"'),
    ],
)
async def test_a_target_is_found_by_its_group_and_kind(api_version: str, kind: str, message: str) -> None:
    hpa = autoscaler(cpu(50))
    hpa["spec"]["scaleTargetRef"] |= {"apiVersion": api_version, "kind": kind}
    async with scaling(hpa, 2, cpu=("900m", "900m")) as (run, _):
        if not message:
            assert size(run) == 4
            return
        assert ("FailedGetScale", message) in run.events("web")
        found = condition(run.get(HORIZONTAL_POD_AUTOSCALERS, "web"), "AbleToScale")
        assert found is not None
        assert found["message"] == f"the HPA controller was unable to get the target's current scale: {message}"


async def test_what_cannot_be_written_is_said() -> None:
    def refuse(action: Action) -> None:
        if action.verb == "update" and action.subresource in refused:
            raise InternalError("no")

    refused = {"status"}
    async with scaling(autoscaler(cpu(50)), 2, cpu=("100m", "900m")) as (run, server):
        server.on(refuse)
        server.set_usage("cpu", "900m", "900m")
        await run.settle(20, step=1)
        assert ("FailedUpdateStatus", "no") in run.events("web")
        refused = {"scale"}
        server.set_usage("cpu", "2", "2")
        await run.settle(20, step=1)
        reason = "cpu resource utilization (percentage of request) above target"
        assert why(run, "AbleToScale") == ("False", "FailedUpdateScale")
        [said] = [message for found, message in run.events("web") if found == "FailedRescale"]
        assert said.endswith(f"reason: {reason}; error: no")


async def test_a_target_that_selects_no_pods_by_label_is_not_scaled() -> None:
    for text, event, message in (
        ("", "SelectorRequired", "selector is required"),
        ("a in (", "InvalidSelector", "couldn't convert selector into a corresponding internal selector object: "),
    ):
        async with scaling(autoscaler(cpu(50)), 2, cpu=("900m", "900m")) as (run, server):
            before = size(run)
            server.selector = text
            await run.settle(20, step=1)
            found = [said for reason, said in run.events("web") if reason == event]
            assert found
            assert found[0].startswith(message)
            assert why(run, "ScalingActive") == ("False", "InvalidSelector")
            assert size(run) == before


@pytest.mark.parametrize(
    "wanted", [target("AverageValue", averageValue="5"), target("Value", value="5")], ids=["average", "value"]
)
async def test_without_work_there_may_be_no_pods_at_all(wanted: Object) -> None:
    metric = {"type": "External", "external": {"metric": {"name": "m"}, "target": wanted}}
    async with scaling(autoscaler(metric, low=0), 2) as (run, server):
        server.metrics[EXTERNAL_METRIC] = [{"value": "0"}]
        await run.settle(330, step=5)
        assert size(run) == 0
        assert why(run, "ScalingActive") == ("True", "ValidMetricFound")
        await run.client.patch(DEPLOYMENTS, "web", {"status": {"replicas": 0}}, namespace=NS, subresource="status")
        for web in ("web-0", "web-1"):
            await run.client.delete(PODS, web, namespace=NS)
        server.metrics[EXTERNAL_METRIC] = [{"value": "12"}]
        await run.settle(20, step=1)
        assert size(run) == 3
