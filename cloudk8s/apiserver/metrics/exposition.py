"""`/metrics`: what was measured, in Prometheus' text format."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Iterator
from itertools import accumulate
from typing import TYPE_CHECKING, Final

from cloudk8s.apiserver.authentication.certificate_uses import CertificateUses
from cloudk8s.apiserver.context import RequestContext
from cloudk8s.apiserver.core import Core
from cloudk8s.apiserver.endpoints import version_info
from cloudk8s.apiserver.flow_control.control import FlowControl
from cloudk8s.apiserver.http.interface import Request, Response
from cloudk8s.apiserver.metrics.flow_control import flow_metrics
from cloudk8s.apiserver.metrics.requests import BUCKETS, Labels, RequestMetrics, Series
from cloudk8s.apiserver.metrics.state import state_metrics
from cloudk8s.apiserver.paths import Paths
from cloudk8s.machinery.go_text import format_float

if TYPE_CHECKING:
    from prometheus_client import Metric

_CONTENT_TYPE: Final = "text/plain; version=0.0.4; charset=utf-8"
_TARGET: Final = ["verb", "dry_run", "group", "version", "resource", "subresource", "scope", "component"]
_PLACE: Final = ["verb", "group", "version", "resource", "subresource", "scope", "component"]
_GOES_ON: Final = frozenset({"WATCH", "CONNECT"})
_BOUNDS: Final = (*(format_float(bound) for bound in BUCKETS), "+Inf")
"""As Go writes them: rules ask for `le="1"`."""


def add_metrics(
    paths: Paths,
    core: Core,
    requests: RequestMetrics,
    flow_control: FlowControl | None = None,
    certificates: CertificateUses | None = None,
) -> None:
    """Answer `/metrics`."""

    async def answer(context: RequestContext, request: Request) -> Response:
        # Counting objects touches the store, which belongs to the loop; text and process figures are made beside it.
        counts = object_counts(core)
        more = [*(flow_metrics(flow_control) if flow_control else ()), *state_metrics(core, certificates)]
        body = await asyncio.to_thread(render, requests, counts, core.registry.version, more)
        return Response(200, body, _CONTENT_TYPE)

    paths.add("/metrics", answer)


def object_counts(core: Core) -> dict[tuple[str, str], int]:
    """Stored objects by group and resource."""
    prefixes = {
        resource.prefix: (resource.group, resource.plural)
        for resource in core.registry.resources()
        if not resource.is_virtual and core.stored_as(resource) is resource
    }
    return {name: core.store.count(prefix) for prefix, name in prefixes.items()}


def render(
    requests: RequestMetrics, counts: dict[tuple[str, str], int], version: str, more: Iterable[Metric] = ()
) -> bytes:
    """The whole page."""
    from prometheus_client import CollectorRegistry, generate_latest
    from prometheus_client.process_collector import ProcessCollector

    registry = CollectorRegistry()
    registry.register(_Collector(requests, counts, version, more))
    ProcessCollector(registry=registry)
    return generate_latest(registry)


class _Collector:
    """Fulfils prometheus_client's `Collector`."""

    def __init__(
        self, requests: RequestMetrics, counts: dict[tuple[str, str], int], version: str, more: Iterable[Metric]
    ) -> None:
        self._more = tuple(more)
        self._requests = requests
        self._counts = counts
        self._version = version

    def collect(self) -> Iterator[Metric]:
        yield from _request_metrics(tuple(self._requests.series()))
        yield from _present_metrics(self._requests)
        yield from _storage_metrics(self._counts)
        yield from self._more
        yield _build_info(self._version)


def _request_metrics(series: tuple[Series, ...]) -> Iterator[Metric]:
    from prometheus_client.metrics_core import CounterMetricFamily, HistogramMetricFamily

    objective = HistogramMetricFamily(
        "apiserver_request_sli_duration_seconds",
        "The same, without requests that go on by their nature.",
        labels=_TARGET,
    )
    total = CounterMetricFamily("apiserver_request_total", "Answered requests.", labels=[*_TARGET, "code"])
    duration = HistogramMetricFamily(
        "apiserver_request_duration_seconds", "Seconds from a request to its answer, or to its end.", labels=_TARGET
    )
    together: dict[tuple[str, ...], tuple[list[int], float]] = {}
    for one in series:
        target, counts = _target(one), list(one.counts)
        total.add_metric([*target, str(one.labels.code)], sum(counts))
        before, seconds = together.get(target, ([0] * len(counts), 0.0))
        together[target] = ([a + b for a, b in zip(before, counts, strict=True)], seconds + one.seconds)
    for target, (counts, seconds) in together.items():
        buckets = list(zip(_BOUNDS, accumulate(counts), strict=True))
        duration.add_metric(target, buckets, seconds)
        if target[0] not in _GOES_ON:
            objective.add_metric(target, buckets, seconds)
    yield total
    yield duration
    yield objective


def _present_metrics(requests: RequestMetrics) -> Iterator[Metric]:
    from prometheus_client.metrics_core import CounterMetricFamily, GaugeMetricFamily

    flight = GaugeMetricFamily(
        "apiserver_current_inflight_requests", "Requests that wait for an answer now.", labels=["request_kind"]
    )
    for kind, number in requests.in_flight.items():
        flight.add_metric([kind], number)
    yield flight
    streams = GaugeMetricFamily("apiserver_longrunning_requests", "Open watches and other streams.", labels=_PLACE)
    for key, number in tuple(requests.long_running.items()):
        streams.add_metric(_place(key), number)
    yield streams
    refused = CounterMetricFamily(
        "apiserver_request_terminations_total",
        "Requests that were refused to protect the server.",
        labels=[*_PLACE, "code"],
    )
    for key, number in tuple(requests.terminated.items()):
        refused.add_metric([*_place(key), str(key.code)], number)
    yield refused


def _storage_metrics(counts: dict[tuple[str, str], int]) -> Iterator[Metric]:
    from prometheus_client.metrics_core import GaugeMetricFamily

    named = GaugeMetricFamily("apiserver_storage_objects", "Stored objects.", labels=["resource"])
    grouped = GaugeMetricFamily("apiserver_resource_objects", "Stored objects.", labels=["group", "resource"])
    for (group, resource), number in sorted(counts.items()):
        named.add_metric([f"{resource}.{group}" if group else resource], number)
        grouped.add_metric([group, resource], number)
    yield named
    yield grouped


def _build_info(version: str) -> Metric:
    from prometheus_client.metrics_core import GaugeMetricFamily

    info = version_info(version)
    names = {
        "major": "major", "minor": "minor", "git_version": "gitVersion", "git_commit": "gitCommit",
        "git_tree_state": "gitTreeState", "build_date": "buildDate", "go_version": "goVersion",
        "compiler": "compiler", "platform": "platform",
    }  # fmt: skip
    build = GaugeMetricFamily("kubernetes_build_info", "What was built; always 1.", labels=list(names))
    build.add_metric([info[key] for key in names.values()], 1)
    return build


def _place(key: Labels) -> list[str]:
    return [key.verb, key.group, key.version, key.resource, key.subresource, key.scope, "apiserver"]


def _target(series: Series) -> tuple[str, ...]:
    labels = series.labels
    place = (labels.group, labels.version, labels.resource, labels.subresource, labels.scope)
    return (labels.verb, labels.dry_run, *place, "apiserver")
