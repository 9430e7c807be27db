"""What the alerts, rules and dashboards that people have for upstream's API server ask for (kubernetes-mixin)."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import pytest

from cloudk8s.apiserver.authentication.certificate_uses import CertificateUses
from cloudk8s.apiserver.sent_events import BOUNDS, Count
from cloudk8s.controlplane.api_server import RunningApiServer, running_api_server
from cloudk8s.errors import NotFound
from cloudk8s.machinery.clock import FakeClock
from cloudk8s.settings import ClusterSettings
from tests.apiserver.admission.cluster import ADMIN
from tests.apiserver.handlers.following import watch
from tests.apiserver.metrics.test_exposition import MAPS, Samples, scrape, value

DAY = 86400.0


@pytest.fixture
async def server(tmp_path: Path) -> AsyncIterator[RunningApiServer]:
    async with running_api_server(ClusterSettings(data_dir=tmp_path, port=0, store="memory://")) as running:
        yield running


async def test_every_metric_that_rules_ask_for_is_there(server: RunningApiServer) -> None:
    api = server.assembly.local(ADMIN, agent="test")
    await api.call("POST", MAPS, body={"metadata": {"name": "a"}})
    stream = await watch(server, MAPS)
    samples = await scrape(api)
    stream.stop()
    asked: dict[str, dict[str, str]] = {
        "apiserver_request_total": {"verb": "POST", "code": "201", "scope": "resource", "component": "apiserver"},
        "apiserver_request_sli_duration_seconds_bucket": {"verb": "POST", "le": "1", "resource": "configmaps"},
        "apiserver_request_duration_seconds_bucket": {"verb": "POST", "le": "5", "scope": "resource"},
        "apiserver_request_sli_duration_seconds_count": {"verb": "POST", "subresource": ""},
        "apiserver_current_inflight_requests": {"request_kind": "mutating"},
        "apiserver_flowcontrol_nominal_limit_seats": {"priority_level": "workload-low"},
        "apiserver_flowcontrol_current_inqueue_requests": {"flow_schema": "exempt"},
        "apiserver_flowcontrol_dispatched_requests_total": {"priority_level": "exempt"},
        "apiserver_flowcontrol_request_wait_duration_seconds_count": {"execute": "true"},
        "apiserver_storage_objects": {"resource": "configmaps"},
        "apiserver_longrunning_requests": {"verb": "WATCH", "resource": "configmaps"},
        "apiserver_watch_events_total": {"resource": "configmaps"},
        "apiserver_watch_events_sizes_bucket": {"resource": "configmaps", "le": "1024"},
        "apiserver_admission_step_admission_duration_seconds_count": {"operation": "CREATE", "type": "admit"},
        "etcd_request_duration_seconds_bucket": {"operation": "create", "resource": "configmaps", "le": "0.1"},
        "aggregator_unavailable_apiservice": {"name": "v1.apps"},
        "kubernetes_feature_enabled": {"name": "ImageVolume", "stage": "BETA"},
        "kubernetes_build_info": {"major": "1"},
        "process_start_time_seconds": {},
        "process_resident_memory_bytes": {},
        "process_cpu_seconds_total": {},
    }
    missing = {name for name, labels in asked.items() if not _has(samples, name, labels)}
    assert not missing
    assert value(samples, "aggregator_unavailable_apiservice") == 0
    assert samples["kubernetes_feature_enabled", frozenset({("name", "DRADerivedAttributes"), ("stage", "ALPHA")})] == 0


def _has(samples: Samples, name: str, labels: dict[str, str]) -> bool:
    return any(found == name and having >= labels.items() for found, having in samples)


async def test_writes_and_what_admission_refuses_are_timed(server: RunningApiServer) -> None:
    api = server.assembly.local(ADMIN, agent="test")
    before = await scrape(api)
    await api.call("POST", MAPS, body={"metadata": {"name": "a"}})
    await api.call("PUT", f"{MAPS}/a", body={"metadata": {"name": "a"}, "data": {"a": "b"}})
    await api.call("DELETE", f"{MAPS}/a")
    with pytest.raises(NotFound):
        await api.call("POST", "/api/v1/namespaces/none/configmaps", body={"metadata": {"name": "a"}})
    samples = await scrape(api)
    for operation in ("create", "update", "delete"):
        labels = {"operation": operation, "group": "", "resource": "configmaps"}
        assert _more(samples, before, "etcd_request_duration_seconds_count", **labels) == 1, operation
    name = "apiserver_admission_step_admission_duration_seconds_count"
    assert _more(samples, before, name, operation="CREATE", type="admit", rejected="true") == 1
    assert _more(samples, before, name, operation="UPDATE", type="validate", rejected="false") == 1


def _more(after: Samples, before: Samples, name: str, **labels: str) -> float:
    return value(after, name, **labels) - value(before, name, **labels)


async def test_certificates_of_clients_tell_how_long_they_are_good_for(server: RunningApiServer) -> None:
    pki = server.pki
    context = ssl.create_default_context(cafile=pki.ca.certificate)
    context.load_cert_chain(pki.admin.certificate, pki.admin.key)
    reader, writer = await asyncio.open_connection("127.0.0.1", server.port, ssl=context)
    for _ in range(3):
        writer.write(b"GET /version HTTP/1.1\r\nHost: a\r\n\r\n")
        await reader.readuntil(b"}")
    writer.close()
    samples = await scrape(server.assembly.local(ADMIN, agent="test"))
    name = "apiserver_client_certificate_expiration_seconds"
    assert value(samples, f"{name}_count") == 3
    assert value(samples, f"{name}_bucket", le="604800") == 0
    assert value(samples, f"{name}_sum") > 3 * 7 * DAY


async def test_the_time_that_is_left_is_noted_for_every_request() -> None:
    clock = FakeClock()
    uses = CertificateUses(clock)
    use = uses.of(b"der", (clock.now() + timedelta(days=8)).timestamp())
    use.number += 2
    assert uses.of(b"der", 0.0) is use
    assert uses.told().of().count == 2
    assert uses.told().of().count == 2, "told once only"
    await clock.advance(3 * DAY)
    use.number += 1
    series = uses.told().of()
    assert (series.count, series.total) == (3, 2 * 8 * DAY + 5 * DAY)
    await clock.advance(6 * DAY)
    uses.told()
    assert uses.of(b"der", 0.0) is not use, "forgotten once it has expired"


def test_sizes_of_events_fall_into_the_buckets_of_upstream() -> None:
    count = Count()
    for size in (1, 1023, 1024, 2047, 5000, 200_000):
        count.note(size)
    counts, together = count.histogram()
    assert len(counts) == len(BOUNDS) + 1
    assert counts == [2, 2, 0, 1, 0, 0, 0, 0, 1]
    assert (count.number, together) == (6, 1 + 1023 + 1024 + 2047 + 5000 + 200_000)
