"""What the server sets and keeps when a pod is written: initial status, quality of service, who may write what."""

from __future__ import annotations

from cloudk8s.api.resource import Object
from cloudk8s.api.strategies.pod.defaults import mirror_service_account
from cloudk8s.api.strategies.pod.label_keys import apply_label_keys
from cloudk8s.api.strategies.pod.quality import quality_of_service

_GATED = {
    "type": "PodScheduled",
    "status": "False",
    "lastProbeTime": None,
    "lastTransitionTime": None,
    "reason": "SchedulingGated",
    "message": "Scheduling is blocked due to non-empty scheduling gates",
}


def prepare_create(pod: Object) -> None:
    spec = pod["spec"]
    mirror_service_account(spec)
    apply_label_keys(pod)
    if (spec.get("terminationGracePeriodSeconds") or 0) < 0:
        spec["terminationGracePeriodSeconds"] = 1
    status: Object = {"phase": "Pending", "qosClass": quality_of_service(spec)}
    if spec.get("schedulingGates"):
        status["conditions"] = [_GATED | {"lastTransitionTime": pod["metadata"].get("creationTimestamp")}]
    pod["status"] = status


def prepare_update(new: Object, old: Object, subresource: str) -> None:
    if subresource == "status":
        _prepare_status(new, old)
    elif subresource == "":
        mirror_service_account(new["spec"])
        new["status"] = old.get("status") or {}
    else:
        _prepare_spec_part(new, old, subresource)


def _prepare_status(new: Object, old: Object) -> None:
    """The kubelet writes status and metadata, but neither owners nor the deletion."""
    new["spec"] = old["spec"]
    meta, before = new["metadata"], old["metadata"]
    for key in ("deletionTimestamp", "ownerReferences"):
        if key in before:
            meta[key] = before[key]
        else:
            meta.pop(key, None)
    status = new.setdefault("status", {})
    if not status.get("qosClass"):
        status["qosClass"] = (old.get("status") or {}).get("qosClass") or quality_of_service(new["spec"])


def _prepare_spec_part(new: Object, old: Object, subresource: str) -> None:
    """`ephemeralcontainers` and `resize` change their part of the spec and nothing else."""
    asked = new["spec"]
    spec = dict(old["spec"])
    if subresource == "ephemeralcontainers":
        if "ephemeralContainers" in asked:
            spec["ephemeralContainers"] = asked["ephemeralContainers"]
        else:
            spec.pop("ephemeralContainers", None)
    else:
        _take_resources(spec, asked)
    new["spec"], new["status"] = spec, old.get("status") or {}
    _keep_metadata(new, old)


def _take_resources(spec: Object, asked: Object) -> None:
    for field in ("containers", "initContainers"):
        before, after = spec.get(field) or [], asked.get(field) or []
        if before and len(before) == len(after):
            keys = ("resources", "resizePolicy")
            spec[field] = [
                {key: value for key, value in old.items() if key not in keys}
                | {key: value for key, value in wanted.items() if key in keys}
                for old, wanted in zip(before, after, strict=True)
            ]
    if "resources" in asked:
        spec["resources"] = asked["resources"]


def _keep_metadata(new: Object, old: Object) -> None:
    kept = {"managedFields", "resourceVersion"}
    meta = {key: value for key, value in old["metadata"].items() if key not in kept}
    new["metadata"] = meta | {key: value for key, value in new["metadata"].items() if key in kept}
