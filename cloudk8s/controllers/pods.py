"""What controllers ask of pods: is it active, ready, available, and since when."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from typing import Any

from cloudk8s.client.interface import Object, Resource
from cloudk8s.client.objects import condition, controller_of, controller_reference, is_deleting, spec_of, status_of
from cloudk8s.errors import StatusError
from cloudk8s.machinery import codec
from cloudk8s.machinery.times import parse_time

BY_CONTROLLER = "controller"
"""Name of the index made with `controllers_of`."""


def controllers_of(obj: Object) -> Iterable[str]:
    """Index function: the UID of the managing controller, or `orphan/NAMESPACE` where there is none."""
    reference = controller_of(obj)
    return (reference["uid"] if reference else orphans_in(obj["metadata"].get("namespace", "")),)


def orphans_in(namespace: str) -> str:
    """The value under which index "controller" holds a namespace's objects without a controller."""
    return f"orphan/{namespace}"


BY_NODE = "node"
"""Name of the index made with `node_of`."""


def node_of(pod: Object) -> Iterable[str]:
    """Index function: the node that a pod is bound to."""
    node = spec_of(pod).get("nodeName")
    return (node,) if node else ()


def phase(pod: Object) -> str:
    return str(status_of(pod).get("phase", ""))


def is_terminal(pod: Object) -> bool:
    """It ran to its end, well or not."""
    status: Mapping[str, Any] | None = pod.get("status")
    return status is not None and status.get("phase") in ("Succeeded", "Failed")


def is_active(pod: Object) -> bool:
    """It counts as one of its controller's replicas."""
    return not pod["metadata"].get("deletionTimestamp") and not is_terminal(pod)


def is_terminating(pod: Object) -> bool:
    """It is being deleted and may still run."""
    return is_deleting(pod) and not is_terminal(pod)


def is_ready(pod: Object) -> bool:
    ready = condition(pod, "Ready")
    return ready is not None and ready.get("status") == "True"


def ready_since(pod: Object) -> datetime | None:
    """When the Ready condition last became true; None if it is not, or does not say."""
    ready = condition(pod, "Ready")
    if ready is None or ready.get("status") != "True" or not ready.get("lastTransitionTime"):
        return None
    return parse_time(ready["lastTransitionTime"])


def is_available(pod: Object, min_ready_seconds: int, now: datetime) -> bool:
    """Ready for at least `min_ready_seconds`."""
    if not is_ready(pod):
        return False
    return available_in(pod, min_ready_seconds, now) == timedelta(0)


def available_in(pod: Object, min_ready_seconds: int, now: datetime) -> timedelta | None:
    """How long until a ready pod counts as available if it stays ready; None if it is not ready."""
    if not is_ready(pod):
        return None
    if min_ready_seconds == 0:
        return timedelta(0)
    since = ready_since(pod)
    if since is None:
        return None
    return max(timedelta(0), since + timedelta(seconds=min_ready_seconds) - now)


def pod_from_template(template: Mapping[str, Any], owner: Object, resource: Resource) -> Object:
    """A new pod as upstream makes it from a template: its labels, annotations and finalizers, owned by `owner`."""
    given = template.get("metadata") or {}
    metadata: dict[str, Any] = {"generateName": f"{owner['metadata']['name']}-"}
    for field in ("labels", "annotations", "finalizers"):
        if given.get(field):
            metadata[field] = codec.copy(given[field])
    metadata["ownerReferences"] = [controller_reference(owner, resource)]
    return {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": codec.copy(template["spec"])}


def is_namespace_terminating(error: StatusError) -> bool:
    """Whether the server refused because the namespace is on its way out: then there is nothing to retry."""
    causes = error.status.get("details", {}).get("causes") or ()
    return any(cause.get("reason") == "NamespaceTerminating" for cause in causes)
