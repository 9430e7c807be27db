"""A container's limits for the kernel, from requests and limits."""

from __future__ import annotations

from collections.abc import Mapping

from cloudk8s.client.interface import Object
from cloudk8s.machinery import quantity
from cloudk8s.node.machine import huge_pages
from cloudk8s.node.pods import pod as pods
from cloudk8s.node.pods.status.qos import qos_class
from cloudk8s.node.runtimes.interface import Resources

PERIOD = 100_000
_MIN_QUOTA = 1000
_MIN_SHARES, _MAX_SHARES = 2, 262_144
_OOM_GUARANTEED, _OOM_BEST_EFFORT = -997, 1000
_NODE_CRITICAL = 2_000_001_000


def container_resources(
    pod: Object, container: pods.Container, *, memory_capacity: int, pids_limit: int = 0
) -> Resources:
    """What the runtime should enforce."""
    resources = container.get("resources") or {}
    requests, limits = resources.get("requests") or {}, resources.get("limits") or {}
    cpu_limit = _milli(limits, "cpu")
    cpu_request = _milli(requests, "cpu") if "cpu" in requests else cpu_limit
    memory_request = _bytes(requests, "memory")
    return Resources(
        cpu_shares=shares(cpu_request),
        cpu_quota=quota(cpu_limit),
        cpu_period=PERIOD,
        memory_limit=_bytes(limits, "memory"),
        memory_request=memory_request,
        pids_limit=pids_limit,
        huge_pages=huge_page_limits(limits),
        oom_score_adj=oom_score(pod, memory_request, memory_capacity),
    )


def huge_page_limits(limits: Mapping[str, str]) -> tuple[tuple[str, int], ...]:
    """What a container may have of each size of pages that it names."""
    named = sorted(name for name in limits if name.startswith(huge_pages.PREFIX))
    return tuple((huge_pages.kernel_name(huge_pages.page_size(name)), _bytes(limits, name)) for name in named)


def shares(milli: int) -> int:
    """CPU shares of cgroup v1; 1024 are one CPU."""
    return min(_MAX_SHARES, max(_MIN_SHARES, milli * 1024 // 1000))


def quota(milli: int) -> int:
    """Microseconds for each period; 0 is no limit."""
    return max(_MIN_QUOTA, milli * PERIOD // 1000) if milli else 0


def oom_score(pod: Object, memory_request: int, memory_capacity: int) -> int:
    """How willingly the kernel kills the container when memory runs out."""
    if int((pod.get("spec") or {}).get("priority") or 0) >= _NODE_CRITICAL:
        return _OOM_GUARANTEED
    quality = qos_class(pod)
    if quality == "Guaranteed":
        return _OOM_GUARANTEED
    if quality == "BestEffort" or not memory_capacity:
        return _OOM_BEST_EFFORT
    score = 1000 - 1000 * memory_request // memory_capacity
    return min(max(score, 1000 + _OOM_GUARANTEED), _OOM_BEST_EFFORT - 1)


def _milli(amounts: Mapping[str, str], name: str) -> int:
    return quantity.parse(amounts[name]).milli_value if name in amounts else 0


def _bytes(amounts: Mapping[str, str], name: str) -> int:
    return quantity.parse(amounts[name]).value if name in amounts else 0
