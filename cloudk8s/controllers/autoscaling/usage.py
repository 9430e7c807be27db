"""From what pods use to how many there should be: upstream's arithmetic, in thousandths; pure functions.

Pods that are starting, or whose metrics are missing, are counted so that they can only make a change smaller.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from cloudk8s.client.interface import Object
from cloudk8s.client.objects import condition, is_deleting, name_of, spec_of, status_of
from cloudk8s.controllers.autoscaling.metrics import MetricsError, Sample
from cloudk8s.controllers.pods import is_ready, phase
from cloudk8s.machinery.quantity import parse
from cloudk8s.machinery.times import parse_time


@dataclass(frozen=True, slots=True)
class Tolerances:
    """By which share usage may be off before anything is done."""

    up: float = 0.1
    down: float = 0.1

    def accept(self, ratio: float) -> bool:
        return 1.0 - self.down <= ratio <= 1.0 + self.up


@dataclass(frozen=True, slots=True)
class Warmup:
    """How long a pod's first samples of CPU are not trusted."""

    initialization: timedelta
    readiness_delay: timedelta


@dataclass(slots=True)
class _Groups:
    ready: int = 0
    unready: set[str] = field(default_factory=set)
    missing: set[str] = field(default_factory=set)
    ignored: set[str] = field(default_factory=set)


@dataclass(frozen=True, slots=True)
class Calculation:
    """Sizes for one target over the same pods; `current` is the present size."""

    pods: Sequence[Object]
    current: int
    tolerances: Tolerances
    warmup: Warmup
    now: datetime

    def replicas(
        self, samples: Mapping[str, Sample], resource: str, ratio: Callable[[Mapping[str, int]], float],
        fallback: Callable[[str], int],
    ) -> tuple[int, Mapping[str, int]]:  # fmt: skip
        """How many replicas there should be, and the usage that counted. Raises MetricsError.

        `ratio` says how usage relates to the target, `fallback` what a pod without metrics is taken to use.
        """
        if not self.pods:
            raise MetricsError("no pods returned by selector while calculating replica count")
        groups = self._groups(samples, resource)
        skipped = groups.ignored | groups.unready
        usage = {name: sample.value for name, sample in samples.items() if name not in skipped}
        if not usage:
            raise MetricsError("did not receive metrics for targeted pods (pods might be unready)")
        first = ratio(usage)
        grows_with_unready = bool(groups.unready) and first > 1.0
        if not grows_with_unready and not groups.missing:
            return self.current if self.tolerances.accept(first) else math.ceil(first * groups.ready), usage
        counted = {**usage, **self._assumed(groups, first, grows_with_unready, fallback)}
        return self._cautious(first, ratio(counted), len(counted)), usage

    def ready_pods(self) -> int:
        """How many pods run and are ready. Raises MetricsError."""
        if not self.pods:
            reason = "no pods returned by selector while calculating replica count"
            raise MetricsError(f"unable to calculate ready pods: {reason}")
        return sum(phase(pod) == "Running" and is_ready(pod) for pod in self.pods)

    def by_ratio(self, ratio: float) -> int:
        """How many replicas bring a value that all share to its target. Raises MetricsError."""
        if self.current == 0:
            return math.ceil(ratio)
        return self.current if self.tolerances.accept(ratio) else math.ceil(ratio * self.ready_pods())

    def _assumed(
        self, groups: _Groups, ratio: float, grows_with_unready: bool, fallback: Callable[[str], int]
    ) -> dict[str, int]:
        assumed = dict.fromkeys(groups.unready, 0) if grows_with_unready else {}
        if ratio < 1.0:
            return assumed | {name: fallback(name) for name in groups.missing}
        return assumed | (dict.fromkeys(groups.missing, 0) if ratio > 1.0 else {})

    def _cautious(self, first: float, second: float, counted: int) -> int:
        """The result with assumed pods, unless assuming turned the direction around."""
        has_turned = (first < 1.0 < second) or (first > 1.0 > second)
        if has_turned or self.tolerances.accept(second):
            return self.current
        wanted = math.ceil(second * counted)
        is_backward = (second < 1.0 and wanted > self.current) or (second > 1.0 and wanted < self.current)
        return self.current if is_backward else wanted

    def _groups(self, samples: Mapping[str, Sample], resource: str) -> _Groups:
        groups = _Groups()
        for pod in self.pods:
            name = name_of(pod)
            if is_deleting(pod) or phase(pod) == "Failed":
                groups.ignored.add(name)
            elif phase(pod) == "Pending":
                groups.unready.add(name)
            elif name not in samples:
                groups.missing.add(name)
            elif resource == "cpu" and self._is_starting(pod, samples[name]):
                groups.unready.add(name)
            else:
                groups.ready += 1
        return groups

    def _is_starting(self, pod: Object, sample: Sample) -> bool:
        """Whether a pod's use of CPU says more about its start than about its work."""
        ready, started = condition(pod, "Ready"), status_of(pod).get("startTime")
        if ready is None or not started:
            return True
        since, start = parse_time(ready["lastTransitionTime"]), parse_time(started)
        is_unready = ready.get("status") == "False"
        if start + self.warmup.initialization > self.now:
            return is_unready or sample.timestamp < since + sample.window
        return is_unready and start + self.warmup.readiness_delay > since


def requests_of(pods: Iterable[Object], resource: str, container: str) -> dict[str, int]:
    """What pods (or one container of each) request. Raises MetricsError where one does not say."""
    return {name_of(pod): _request(pod, resource, container) for pod in pods}


def _request(pod: Object, resource: str, container: str) -> int:
    spec = spec_of(pod)
    whole = (spec.get("resources") or {}).get("requests")
    if whole:  # the request of a pod as a whole stands for those of its containers
        if resource not in whole:
            raise MetricsError(f"missing pod-level request for {resource} in Pod {name_of(pod)}")
        return parse(whole[resource]).milli_value
    sidecars = [each for each in spec.get("initContainers") or () if each.get("restartPolicy") == "Always"]
    total = 0
    for each in [*(spec.get("containers") or ()), *sidecars]:
        if container and each["name"] != container:
            continue
        request = ((each.get("resources") or {}).get("requests") or {}).get(resource)
        if request is None:
            where = f"container {each['name']} of Pod {name_of(pod)}"
            raise MetricsError(f"missing request for {resource} in {where}")
        total += parse(request).milli_value
    return total


def utilization(usage: Mapping[str, int], requests: Mapping[str, int]) -> int:
    """Usage in percent of what is requested. Raises MetricsError."""
    known = [name for name in usage if name in requests]
    requested = sum(requests[name] for name in known)
    if requested == 0:
        raise MetricsError("no metrics returned matched known pods")
    return sum(usage[name] for name in known) * 100 // requested


def average(usage: Mapping[str, int]) -> int:
    return sum(usage.values()) // len(usage)
