"""Requests by verb, resource and code, and how long they took."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Final

from cloudk8s.apiserver.context import RequestContext
from cloudk8s.apiserver.http.interface import Request

BUCKETS: Final = (
    0.005, 0.025, 0.05, 0.1, 0.2, 0.4, 0.6, 0.8, 1.0, 1.25, 1.5, 2.0, 3.0, 4.0, 5.0, 6.0, 8.0, 10.0, 15.0, 20.0, 30.0,
    45.0, 60.0,
)  # fmt: skip
"""Upstream's bounds, in seconds."""
_FIRST: Final = BUCKETS[0]
_READ_VERBS: Final = frozenset({"get", "list", "watch"})
_READS: Final = frozenset({"GET", "HEAD"})
_VERBS: Final = {"create": "POST", "update": "PUT"} | {
    verb: verb.upper() for verb in ("get", "list", "watch", "patch", "delete", "deletecollection")
}
_METHODS: Final = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
_OTHER: Final = "OTHER"
_DRY_LESS: Final = frozenset({"GET", "LIST", "WATCH"})


@dataclass(frozen=True, slots=True)
class Labels:
    """What one series is about; upstream's labels."""

    verb: str
    group: str
    version: str
    resource: str
    subresource: str
    scope: str
    dry_run: str
    code: int


class Series:
    """Requests with the same labels: how many in each bucket, and their seconds together."""

    __slots__ = ("counts", "labels", "seconds")

    def __init__(self, labels: Labels) -> None:
        self.labels = labels
        self.counts = [0] * (len(BUCKETS) + 1)
        self.seconds = 0.0

    def add(self, seconds: float) -> None:
        """Note one request."""
        self.counts[bisect_left(BUCKETS, seconds) if seconds > _FIRST else 0] += 1
        self.seconds += seconds


Known = Callable[[RequestContext], bool]
"""Whether something answers at the place a request names."""


class RequestMetrics:
    """Counts answered requests. What nobody serves is counted together, so that series stay bounded."""

    def __init__(self, known: Known) -> None:
        self._known = known
        self._found: dict[tuple[object, ...], Series] = {}
        self._series: dict[Labels, Series] = {}
        self.in_flight = {"readOnly": 0, "mutating": 0}
        """Requests that wait for something; what is answered at once never is."""
        self.long_running: dict[Labels, int] = {}
        """Streams that are open now; the code is part of the labels only for their form."""
        self._shared: dict[Labels, Labels] = {}
        self.terminated: dict[Labels, int] = {}
        """Requests that found no seat."""

    def observe(self, context: RequestContext, request: Request, code: int, seconds: float) -> None:
        """Note an answered request."""
        info, verb = context.info, context.verb
        key: tuple[object, ...] = (verb, code, info.kind_of_place)
        if verb not in _READ_VERBS:
            key = (*key, info.kind_of_place or info.path, request.method, context.dry_run, _is_apply(request))
        series = self._found.get(key)
        if series is None:
            series = self._new(key, context, request, code)
        series.add(seconds)

    def began(self, request: Request, change: int) -> None:
        """Note that a request begins to wait (1) or waits no longer (-1)."""
        self.in_flight["readOnly" if request.method in _READS else "mutating"] += change

    def stream_began(self, context: RequestContext, request: Request) -> Labels:
        """Note that a stream is opened; returns what `stream_ended` needs to know of it, the same for all like it."""
        labels = self._labels(context, request, 0)
        labels = self._shared.setdefault(labels, labels)
        self.long_running[labels] = self.long_running.get(labels, 0) + 1
        return labels

    def stream_ended(self, labels: Labels, code: int, seconds: float) -> None:
        """Note that a stream has ended, and how long it went on."""
        self.long_running[labels] -= 1
        answered = replace(labels, code=code)
        self._series.setdefault(answered, Series(answered)).add(seconds)

    def refused(self, context: RequestContext, request: Request, code: int) -> None:
        """Note a request that was turned away because there are too many; it is observed as well."""
        labels = self._labels(context, request, code)
        self.terminated[labels] = self.terminated.get(labels, 0) + 1

    def series(self) -> Iterator[Series]:
        """Everything noted so far."""
        return iter(tuple(self._series.values()))

    def _new(self, key: tuple[object, ...], context: RequestContext, request: Request, code: int) -> Series:
        labels = self._labels(context, request, code)
        series = self._series.setdefault(labels, Series(labels))
        if labels.verb != _OTHER and (labels.resource or labels.subresource):
            self._found[key] = series
        return series

    def _labels(self, context: RequestContext, request: Request, code: int) -> Labels:
        info = context.info
        verb = _verb(context, request)
        if not self._known(context):
            return Labels(verb, "", "", "", "", "", "", code)
        if not info.resource:
            return Labels(verb, "", "", "", info.path, "", "", code)
        scope = "resource" if info.name or verb == "POST" else "namespace" if info.namespace else "cluster"
        dry = "All" if verb not in _DRY_LESS and context.dry_run else ""
        return Labels(verb, info.group, info.version, info.resource, info.subresource, scope, dry, code)


def _verb(context: RequestContext, request: Request) -> str:
    if _is_apply(request):
        return "APPLY"
    method = request.method if request.method in _METHODS else _OTHER
    return _VERBS.get(context.verb, method)


def _is_apply(request: Request) -> bool:
    return request.method == "PATCH" and request.headers.get("content-type", "").startswith("application/apply-patch")
