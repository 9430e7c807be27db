"""What becomes of an object when `FakeClient` writes or deletes it: pure functions."""

from __future__ import annotations

from typing import Any

from cloudk8s.client.interface import DeleteOptions, Object, Resource
from cloudk8s.machinery import codec

_KEPT = (
    "uid", "creationTimestamp", "name", "namespace", "deletionTimestamp", "deletionGracePeriodSeconds", "generation",
)  # fmt: skip
_WITHOUT_STATUS = frozenset({
    "configmaps", "secrets", "serviceaccounts", "endpoints", "events", "leases", "endpointslices",
    "controllerrevisions", "limitranges", "roles", "rolebindings", "clusterroles", "clusterrolebindings",
    "priorityclasses", "storageclasses", "csidrivers", "csinodes", "csistoragecapacities", "ipaddresses",
    "podtemplates", "networkpolicies",
})  # fmt: skip
_WITHOUT_GENERATION = _WITHOUT_STATUS - {"endpointslices", "networkpolicies"} | {
    "namespaces", "nodes", "services", "persistentvolumes", "persistentvolumeclaims", "resourcequotas",
    "certificatesigningrequests",
}  # fmt: skip


def created(resource: Resource, obj: Object) -> Object:
    """A new object as it is stored first, without what only /status writes."""
    if resource.plural not in _WITHOUT_STATUS:
        obj.pop("status", None)
    if resource.plural == "pods":
        obj["status"] = {"phase": "Pending"}
    return obj


def fill(resource: Resource, obj: Object) -> None:
    """Give a new object what every one of its kind starts with."""
    if resource.plural not in _WITHOUT_GENERATION:
        obj["metadata"].setdefault("generation", 1)
    if resource.plural == "namespaces":
        obj.setdefault("spec", {}).setdefault("finalizers", ["kubernetes"])
        obj.setdefault("status", {"phase": "Active"})


def updated(resource: Resource, old: Object, new: Object, subresource: str) -> Object:
    """`new` (which is taken over) as far as a write to this subresource may change an object."""
    before, after = old["metadata"], new["metadata"]
    for field in _KEPT:
        after.pop(field, None)
        if field in before:
            after[field] = before[field]
    if subresource == "status":
        return _with_status(resource, old, new)
    if subresource == "finalize":
        new = {**old, "spec": new.get("spec", {}), "metadata": after}
    elif subresource == "approval":
        new = {**old, "status": new.get("status", {})}
    elif resource.plural not in _WITHOUT_STATUS:
        new["status"] = old.get("status")
        if new["status"] is None:
            del new["status"]
    if "generation" in before and _spec_differs(new, old):
        new["metadata"]["generation"] = before["generation"] + 1
    return new


def deleted(resource: Resource, old: Object, options: DeleteOptions, now: str) -> Object | None:
    """The object as it waits for its finalizers, its kubelet or its namespace's content; None if it goes at once."""
    new: Object = codec.copy(old)
    metadata = new["metadata"]
    finalizers = _finalizers(metadata, options)
    if finalizers:
        metadata["finalizers"] = finalizers
    else:
        metadata.pop("finalizers", None)
    grace = _grace(resource, old, options)
    if not finalizers and grace == 0 and resource.plural != "namespaces":
        return None
    if not metadata.get("deletionTimestamp") or metadata.get("deletionGracePeriodSeconds", 0) > grace:
        metadata["deletionTimestamp"] = now
        metadata["deletionGracePeriodSeconds"] = grace
        if "generation" in metadata:
            metadata["generation"] += 1
    if resource.plural == "namespaces":
        new["status"] = {**new.get("status", {}), "phase": "Terminating"}
    return new


def is_same(new: Object, old: Object) -> bool:
    """Whether a write changes nothing."""
    version = old["metadata"].get("resourceVersion")
    return {**new, "metadata": {**new["metadata"], "resourceVersion": version}} == old


def is_finished(obj: Object, resource: Resource) -> bool:
    """An object on its way out that nothing holds any more."""
    metadata = obj["metadata"]
    if not metadata.get("deletionTimestamp") or metadata.get("finalizers"):
        return False
    if resource.plural == "namespaces":
        return not obj.get("spec", {}).get("finalizers")
    return not metadata.get("deletionGracePeriodSeconds")


def _with_status(resource: Resource, old: Object, new: Object) -> Object:
    before, after = old["metadata"], new["metadata"]
    kept = {"finalizers": before.get("finalizers"), "ownerReferences": before.get("ownerReferences")}
    if resource.plural == "services":  # the cloud controllers hold them by finalizers, and may write no more than this
        kept["finalizers"] = after.get("finalizers")
    metadata = {**after, **kept, "labels": after.get("labels")}
    wanted = {**old, "status": new.get("status"), "metadata": _without_none(metadata)}
    stored: Object = _without_none(wanted)
    return stored


def _finalizers(metadata: Object, options: DeleteOptions) -> list[str]:
    policies = {"Orphan": "orphan", "Foreground": "foregroundDeletion"}
    held = metadata.get("finalizers") or []
    if options.propagation_policy is None:
        return list(dict.fromkeys(held))
    kept = [finalizer for finalizer in held if finalizer not in policies.values()]
    wanted = policies.get(options.propagation_policy)
    return list(dict.fromkeys([*kept, wanted] if wanted else kept))


def _grace(resource: Resource, obj: Object, options: DeleteOptions) -> int:
    """Pods on a node end gracefully; a kubelet (or the test) deletes them again with 0."""
    if resource.plural != "pods" or not obj.get("spec", {}).get("nodeName"):
        return 0
    if obj.get("status", {}).get("phase") in ("Succeeded", "Failed"):
        return 0
    if options.grace_period_seconds is not None:
        return options.grace_period_seconds
    return int(obj["spec"].get("terminationGracePeriodSeconds", 30))


def _spec_differs(new: Object, old: Object) -> bool:
    ignored = ("metadata", "status")
    return {k: v for k, v in new.items() if k not in ignored} != {k: v for k, v in old.items() if k not in ignored}


def _without_none(fields: Any) -> Any:
    return {name: value for name, value in fields.items() if value is not None}
