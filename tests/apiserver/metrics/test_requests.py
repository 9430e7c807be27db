"""What is noted of requests."""

from __future__ import annotations

from cloudk8s.apiserver.authentication import UserInfo
from cloudk8s.apiserver.context import Query, RequestContext
from cloudk8s.apiserver.http.interface import Request
from cloudk8s.apiserver.local import LocalConnection
from cloudk8s.apiserver.metrics.requests import BUCKETS, Labels, RequestMetrics
from cloudk8s.apiserver.request_info import parse_path

USER = UserInfo("a")
PODS = "/api/v1/namespaces/default/pods"


def metrics() -> RequestMetrics:
    return RequestMetrics(lambda context: context.info.resource in ("pods", "") and context.info.path != "/nowhere")


def observe(
    to: RequestMetrics,
    method: str,
    path: str,
    verb: str = "",
    *,
    code: int = 200,
    seconds: float = 0.001,
    query: str = "",
    type: str = "application/json",
) -> None:
    request = Request(method, path, {"content-type": type}, b"", LocalConnection(USER))
    context = RequestContext(USER, parse_path(path), Query(query), request.headers, verb=verb)
    to.observe(context, request, code, seconds)


def totals(of: RequestMetrics) -> dict[Labels, int]:
    return {series.labels: sum(series.counts) for series in of.series()}


def test_requests_for_objects_of_one_resource_are_one_series() -> None:
    noted = metrics()
    for name in "abc":
        observe(noted, "GET", f"{PODS}/{name}", "get")
    observe(noted, "GET", PODS, "list")
    observe(noted, "GET", "/api/v1/pods", "list")
    assert totals(noted) == {
        Labels("GET", "", "v1", "pods", "", "resource", "", 200): 3,
        Labels("LIST", "", "v1", "pods", "", "namespace", "", 200): 1,
        Labels("LIST", "", "v1", "pods", "", "cluster", "", 200): 1,
    }


def test_writes_are_told_apart_by_dry_run_and_by_being_applied() -> None:
    noted = metrics()
    observe(noted, "POST", PODS, "create", code=201)
    observe(noted, "POST", PODS, "create", code=201, query="dryRun=All")
    observe(noted, "PATCH", f"{PODS}/a", "patch")
    observe(noted, "PATCH", f"{PODS}/a", "patch", type="application/apply-patch+yaml")
    observe(noted, "PUT", f"{PODS}/a/status", "update", code=409)
    found = {(of.verb, of.dry_run, of.subresource, of.scope, of.code) for of in totals(noted)}
    assert found == {
        ("POST", "", "", "resource", 201),
        ("POST", "All", "", "resource", 201),
        ("PATCH", "", "", "resource", 200),
        ("APPLY", "", "", "resource", 200),
        ("PUT", "", "status", "resource", 409),
    }


def test_what_nobody_serves_does_not_grow_the_page() -> None:
    noted = metrics()
    for index in range(50):
        observe(noted, "GET", f"/apis/example.com/v1/kind{index}", "list", code=404)
        observe(noted, f"X{index}", PODS, f"x{index}", code=405)
    observe(noted, "GET", "/nowhere", code=404)
    observe(noted, "GET", "/healthz")
    assert totals(noted) == {
        Labels("LIST", "", "", "", "", "", "", 404): 50,
        Labels("OTHER", "", "v1", "pods", "", "namespace", "", 405): 50,
        Labels("GET", "", "", "", "", "", "", 404): 1,
        Labels("GET", "", "", "", "/healthz", "", "", 200): 1,
    }
    assert len(noted._found) == 1, "only what is served is remembered by its path"


def test_seconds_fall_into_the_bucket_that_holds_them() -> None:
    noted = metrics()
    for seconds in (0.0, 0.005, 0.0051, 0.025, 60.0, 61.0):
        observe(noted, "GET", f"{PODS}/a", "get", seconds=seconds)
    (series,) = noted.series()
    assert series.counts[:3] == [2, 2, 0]
    assert series.counts[-2:] == [1, 1]
    assert len(series.counts) == len(BUCKETS) + 1
    assert round(series.seconds, 4) == 121.0351


def test_a_stream_is_open_until_it_has_ended_and_then_is_a_request() -> None:
    noted = metrics()
    request = Request("GET", PODS, {}, b"", LocalConnection(USER))
    context = RequestContext(USER, parse_path(PODS), Query("watch=1"), request.headers, verb="watch")
    one, other = noted.stream_began(context, request), noted.stream_began(context, request)
    assert one is other
    assert (noted.long_running, totals(noted)) == ({one: 2}, {})
    noted.stream_ended(one, 200, 7.0)
    assert noted.long_running == {one: 1}
    assert totals(noted) == {Labels("WATCH", "", "v1", "pods", "", "namespace", "", 200): 1}
