"""What is read from where it is known anyway: the store, watches, admission, certificates, gates, API services."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import accumulate
from typing import TYPE_CHECKING, Final

from cloudk8s.apiserver.authentication.certificate_uses import CertificateUses
from cloudk8s.apiserver.core import Core
from cloudk8s.apiserver.sent_events import BOUNDS
from cloudk8s.machinery.go_text import format_float
from cloudk8s.machinery.instruments import Histogram

if TYPE_CHECKING:
    from prometheus_client import Metric

_WATCHED: Final = ["group", "version", "resource"]
_STAGES: Final = {"alpha": "ALPHA", "beta": "BETA", "ga": ""}


def state_metrics(core: Core, certificates: CertificateUses | None) -> list[Metric]:
    """Everything beside requests; made on the loop, because it looks at what the loop changes."""
    measured = [core.measures.store, core.measures.admission]
    measured += [certificates.told()] if certificates is not None else []
    return [
        *_size(core), *_sent_events(core), *map(_histogram, measured), _features(core), _unavailable(core),
    ]  # fmt: skip


def _size(core: Core) -> Iterator[Metric]:
    from prometheus_client.metrics_core import GaugeMetricFamily

    if (size := core.store.size) is not None:
        gauge = GaugeMetricFamily("apiserver_storage_size_bytes", "Bytes on disk.", labels=["storage_cluster_id"])
        gauge.add_metric(["etcd-0"], size)
        yield gauge


def _sent_events(core: Core) -> Iterator[Metric]:
    from prometheus_client.metrics_core import CounterMetricFamily, HistogramMetricFamily

    total = CounterMetricFamily("apiserver_watch_events_total", "Events that watches have sent.", labels=_WATCHED)
    sizes = HistogramMetricFamily("apiserver_watch_events_sizes", "Bytes of events of watches.", labels=_WATCHED)
    bounds = [*(format_float(float(bound)) for bound in BOUNDS), "+Inf"]
    for place, count in core.sent_events.all():
        counts, together = count.histogram()
        total.add_metric(place, sum(counts))
        sizes.add_metric(place, list(zip(bounds, accumulate(counts), strict=True)), together)
    yield total
    yield sizes


def _histogram(histogram: Histogram) -> Metric:
    from prometheus_client.metrics_core import HistogramMetricFamily

    family = HistogramMetricFamily(histogram.name, histogram.words, labels=list(histogram.labels))
    bounds = [*map(format_float, histogram.bounds), "+Inf"]
    for labels, series in histogram.series.items():
        family.add_metric(labels, list(zip(bounds, accumulate(series.counts), strict=True)), series.total)
    return family


def _features(core: Core) -> Metric:
    from prometheus_client.metrics_core import GaugeMetricFamily

    gauge = GaugeMetricFamily("kubernetes_feature_enabled", "Whether a feature is on.", labels=["name", "stage"])
    for name, stage, is_on in core.registry.features.all():
        gauge.add_metric([name, _STAGES[stage]], float(is_on))
    return gauge


def _unavailable(core: Core) -> Metric:
    """APIServices that do not answer; those that this server answers itself always do."""
    from prometheus_client.metrics_core import GaugeMetricFamily

    gauge = GaugeMetricFamily(
        "aggregator_unavailable_apiservice", "Whether an APIService is unavailable.", labels=["name"]
    )
    for service in core.few("apiregistration.k8s.io", "apiservices"):
        conditions = (service.get("status") or {}).get("conditions") or ()
        good = any(one.get("type") == "Available" and one.get("status") == "True" for one in conditions)
        gauge.add_metric([service["metadata"]["name"]], float(not good))
    return gauge
