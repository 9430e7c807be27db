"""`/metrics/resources`."""

from __future__ import annotations

from cloudk8s.machinery.exposition import page
from cloudk8s.scheduler.resource_page import families
from tests.scheduler.harness import pod


def test_requests_and_limits_are_told_as_the_scheduler_counts_them() -> None:
    running = pod("p", cpu="250m", memory="1Gi", node="a", priority=7, requests={"example.com/gpu": "2"})
    running["spec"]["containers"][0]["resources"]["limits"] = {"cpu": "1", "hugepages-2Mi": "4Mi"}
    running["spec"]["initContainers"] = [{"name": "i", "resources": {"requests": {"cpu": "2"}, "limits": {"cpu": "3"}}}]
    text = page(families([running, pod("q", cpu="1"), pod("over", cpu="9", status={"phase": "Succeeded"})]))
    labels = 'namespace="default",pod="p",node="a",scheduler="default-scheduler",priority="7"'
    for line in (
        f'kube_pod_resource_request{{{labels},resource="cpu",unit="cores"}} 2',
        f'kube_pod_resource_request{{{labels},resource="memory",unit="bytes"}} 1.073741824e+09',
        f'kube_pod_resource_request{{{labels},resource="example.com/gpu",unit="integer"}} 2',
        f'kube_pod_resource_limit{{{labels},resource="cpu",unit="cores"}} 3',
        f'kube_pod_resource_limit{{{labels},resource="hugepages-2Mi",unit="bytes"}} 4.194304e+06',
    ):
        assert f"\n{line}\n" in text
    assert 'pod="q",node="",scheduler="default-scheduler",priority="",resource="cpu",unit="cores"} 1\n' in text
    assert 'pod="over"' not in text
