"""`/metrics/resources`: what the pods of the cluster request, as the scheduler counts it. Pure.

https://kubernetes.io/docs/concepts/cluster-administration/system-metrics/#kube-scheduler-metrics
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Final

from cloudk8s.client.interface import Object
from cloudk8s.client.objects import name_of, namespace_of
from cloudk8s.machinery.exposition import Family
from cloudk8s.scheduler.pod.pod import is_finished
from cloudk8s.scheduler.pod.requests import CPU, pod_requests

_BYTES: Final = ("memory", "ephemeral-storage", "storage")
_WORDS: Final = (
    "on the cluster, broken down by pod. This shows the resource usage the scheduler and kubelet expect per pod for "
    "resources along with the unit for the resource if any."
)


def families(pods: Iterable[Object]) -> tuple[Family, Family]:
    """Requests and limits of all pods that have not ended."""
    requests = Family("kube_pod_resource_request", "gauge", f"Resources requested by workloads {_WORDS}", "STABLE")
    limits = Family("kube_pod_resource_limit", "gauge", f"Resources limit for workloads {_WORDS}", "STABLE")
    for pod in pods:
        if not is_finished(pod):
            spec = pod["spec"]
            _add(requests, pod, pod_requests(spec, pod.get("status")))
            _add(limits, pod, pod_requests(_limited(spec)))
    return requests, limits


def _add(family: Family, pod: Object, amounts: Mapping[str, int]) -> None:
    spec = pod["spec"]
    whose = {
        "namespace": namespace_of(pod), "pod": name_of(pod), "node": spec.get("nodeName") or "",
        "scheduler": spec.get("schedulerName") or "default-scheduler",
        "priority": "" if spec.get("priority") is None else str(spec["priority"]),
    }  # fmt: skip
    for resource, amount in amounts.items():
        if amount:
            unit = "cores" if resource == CPU else "bytes" if _is_bytes(resource) else "integer"
            family.add(whose | {"resource": resource, "unit": unit}, amount / 1000 if resource == CPU else amount)


def _is_bytes(resource: str) -> bool:
    return resource in _BYTES or resource.startswith("hugepages-")


def _limited(spec: Mapping[str, Any]) -> dict[str, Any]:
    """A spec that requests what this one is limited to."""

    def swapped(owner: Mapping[str, Any]) -> dict[str, Any]:
        return {**owner, "resources": {"requests": (owner.get("resources") or {}).get("limits") or {}}}

    made = {name: [swapped(each) for each in spec.get(name) or ()] for name in ("containers", "initContainers")}
    whole = swapped(spec)["resources"]["requests"]
    return made | ({"resources": {"requests": whole}} if whole else {})
