"""A Job's pods: how they are made, and what state they are in."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any

from cloudk8s.client.interface import Object
from cloudk8s.client.objects import (
    annotations_of,
    condition,
    finalizers_of,
    is_deleting,
    name_of,
    spec_of,
    status_of,
)
from cloudk8s.client.resources import JOBS
from cloudk8s.controllers.job.indexes import INDEX
from cloudk8s.controllers.pods import phase, pod_from_template
from cloudk8s.machinery.times import parse_time

FINALIZER = "batch.kubernetes.io/job-tracking"
FAILURES = "batch.kubernetes.io/job-index-failure-count"
IGNORED_FAILURES = "batch.kubernetes.io/job-index-ignored-failure-count"
NAME_PREFIX_LIMIT = 58


def is_tracked(pod: Object) -> bool:
    """Whether the pod has not been counted for good yet."""
    return FINALIZER in finalizers_of(pod)


def replaces_only_failed(job: Object) -> bool:
    """Whether a terminating pod is replaced only once it has failed."""
    return spec_of(job).get("podReplacementPolicy") == "Failed" or bool(spec_of(job).get("podFailurePolicy"))


def is_failed(job: Object, pod: Object) -> bool:
    """Whether the pod counts as a failure: a deleted one does too, for it may never come to say so itself."""
    if phase(pod) == "Failed":
        return True
    return not replaces_only_failed(job) and is_deleting(pod) and phase(pod) != "Succeeded"


def finish_time(pod: Object, now: datetime) -> datetime:
    """When the pod ended, as well as can be told."""
    ends = [
        terminated["finishedAt"]
        for container in status_of(pod).get("containerStatuses") or ()
        if (terminated := (container.get("state") or {}).get("terminated")) and terminated.get("finishedAt")
    ]
    if ends:
        return max(parse_time(end) for end in ends)
    if deleted := pod["metadata"].get("deletionTimestamp"):
        grace = int(pod["metadata"].get("deletionGracePeriodSeconds") or 0)
        return parse_time(deleted) - timedelta(seconds=grace)
    ready = condition(pod, "Ready")
    said = (ready or {}).get("lastTransitionTime") or pod["metadata"].get("creationTimestamp")
    return parse_time(said) if said else now


def new_pod(job: Object, index: int | None, failures: tuple[int, int] | None) -> Object:
    """A pod to create; `failures` are how often its index failed and how often that was ignored."""
    pod = pod_from_template(spec_of(job)["template"], job, JOBS)
    metadata = pod["metadata"]
    metadata["finalizers"] = [*metadata.get("finalizers", ()), FINALIZER]
    if index is None:
        return pod
    metadata["generateName"] = _name_prefix(name_of(job), index)
    metadata["labels"] = {**metadata.get("labels", {}), INDEX: str(index)}
    metadata["annotations"] = {**metadata.get("annotations", {}), INDEX: str(index)}
    if failures is not None:
        metadata["annotations"][FAILURES] = str(failures[0])
        if failures[1]:
            metadata["annotations"][IGNORED_FAILURES] = str(failures[1])
    pod["spec"]["hostname"] = f"{name_of(job)}-{index}"
    for container in _containers(pod):
        _add_variable(container)
    return pod


def failure_counts(pod: Object) -> tuple[int, int]:
    """How often the pod's index had failed when the pod was made, and how often that was ignored."""
    annotations = annotations_of(pod)
    return _number(annotations.get(FAILURES, "")), _number(annotations.get(IGNORED_FAILURES, ""))


def restarts(pod: Object) -> int:
    """How often containers of the pod were started again."""
    status = status_of(pod)
    containers = [*(status.get("containerStatuses") or ()), *(status.get("initContainerStatuses") or ())]
    return sum(int(container.get("restartCount") or 0) for container in containers)


def _name_prefix(name: str, index: int) -> str:
    suffix = f"-{index}-"
    return name[: NAME_PREFIX_LIMIT - len(suffix)] + suffix


def _containers(pod: Object) -> Iterable[dict[str, Any]]:
    yield from pod["spec"].get("initContainers") or ()
    yield from pod["spec"].get("containers") or ()


def _add_variable(container: dict[str, Any]) -> None:
    variables = container.setdefault("env", [])
    if all(variable.get("name") != "JOB_COMPLETION_INDEX" for variable in variables):
        source = {"fieldRef": {"fieldPath": f"metadata.labels['{INDEX}']"}}
        variables.append({"name": "JOB_COMPLETION_INDEX", "valueFrom": source})


def _number(text: str) -> int:
    return int(text) if text.isascii() and text.isdigit() else 0
