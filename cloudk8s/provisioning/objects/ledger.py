"""The objects of one cluster in its own API: read once a turn, written where they differ."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

from cloudk8s.client.interface import Object, Resource
from cloudk8s.client.objects import annotations_of, finalizers_of, is_deleting, labels_of, name_of, uid_of
from cloudk8s.client.resources import CUSTOM_RESOURCE_DEFINITIONS, NAMESPACES
from cloudk8s.cloud.stack.timing import Timer
from cloudk8s.errors import CloudK8sError, NotFound
from cloudk8s.provisioning.nodes.api import ClusterApi
from cloudk8s.provisioning.objects import kinds
from cloudk8s.provisioning.objects.definitions import DEFINITIONS
from cloudk8s.provisioning.objects.reading import listed

OURS: Final = frozenset({kinds.MIN_SIZE, kinds.MAX_SIZE})
"""Annotations that go when they are no longer declared."""
_TRIES: Final = 40


def install(api: ClusterApi, timer: Timer) -> None:
    """Make the API know our kinds; CloudK8sError where it never does."""
    api.apply(NAMESPACES, {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": kinds.NAMESPACE}})
    for definition in DEFINITIONS:
        api.apply(CUSTOM_RESOURCE_DEFINITIONS, definition.manifest())
    for _ in range(_TRIES):
        try:
            for resource in kinds.KINDS:
                api.list(resource, namespace=kinds.NAMESPACE)
        except NotFound:
            timer.pause(0.25)
        else:
            return
    raise CloudK8sError("the API does not serve the kinds of Cluster API although they are defined")


class Ledger:
    """What is there, kept up to date by what is written."""

    def __init__(self, api: ClusterApi, cluster: str) -> None:
        self._api = api
        self.cluster = cluster
        self.found: dict[Resource, dict[str, Object]] = {
            resource: {
                name_of(entry): entry
                for entry in listed(api, resource)
                if labels_of(entry).get(kinds.CLUSTER_NAME, cluster) == cluster
            }
            for resource in kinds.KINDS
        }

    def get(self, resource: Resource, name: str) -> Object | None:
        return self.found[resource].get(name)

    def all(self, resource: Resource) -> Sequence[Object]:
        return list(self.found[resource].values())

    def write(self, wanted: Object, *, owner: Object | None = None) -> Object:
        """Create, or bring spec, labels and our annotations in order. Raises Conflict where somebody was quicker."""
        resource, name = _kind(wanted), name_of(wanted)
        current = self.get(resource, name)
        bare = {key: value for key, value in wanted.items() if key != "status"}
        if current is None:
            metadata = {**bare["metadata"], **({"ownerReferences": [_reference(owner)]} if owner is not None else {})}
            return self._keep(resource, self._api.create(resource, {**bare, "metadata": metadata}))
        metadata = current["metadata"]
        kept = {key: text for key, text in annotations_of(current).items() if key not in OURS}
        labels = {**labels_of(current), **labels_of(wanted)}
        annotations = {**kept, **annotations_of(wanted)}
        if (current.get("spec"), labels, annotations) == (
            wanted.get("spec"), labels_of(current), annotations_of(current)
        ):  # fmt: skip
            return current
        metadata = {**metadata, "labels": labels, "annotations": annotations}
        return self._keep(
            resource, self._api.update(resource, {**current, "metadata": metadata, "spec": wanted["spec"]})
        )

    def report(self, resource: Resource, name: str, status: Mapping[str, Any]) -> None:
        """Write a status where it differs."""
        current = self.get(resource, name)
        if current is not None and current.get("status") != status:
            gone = dict.fromkeys((current.get("status") or {}).keys() - status.keys())
            self._patch(resource, name, {"status": {**gone, **status}}, "status")

    def mark(
        self, resource: Resource, name: str, *, labels: Mapping[str, str] | None = None,
        annotations: Mapping[str, str] | None = None,
    ) -> None:  # fmt: skip
        """Set labels and annotations where they differ."""
        current = self.get(resource, name)
        if current is None:
            return
        wanted = {"labels": dict(labels or {}), "annotations": dict(annotations or {})}
        present = {"labels": labels_of(current), "annotations": annotations_of(current)}
        if not all(wanted[key].items() <= present[key].items() for key in wanted):
            self._patch(resource, name, {"metadata": wanted})

    def release(self, resource: Resource, name: str, finalizer: str) -> None:
        """Let an object go that is being deleted."""
        current = self.get(resource, name)
        if current is not None and finalizer in finalizers_of(current):
            left = [entry for entry in finalizers_of(current) if entry != finalizer]
            version = current["metadata"]["resourceVersion"]
            self._patch(resource, name, {"metadata": {"finalizers": left, "resourceVersion": version}})
            if not left and is_deleting(current):
                self.found[resource].pop(name, None)

    def remove(self, resource: Resource, names: Iterable[str]) -> None:
        """Delete objects whose reason is gone; those with finalizers stay until they are released."""
        for name in list(names):
            current = self.get(resource, name)
            if current is None or is_deleting(current):
                continue
            self._api.delete(resource, name, kinds.NAMESPACE)
            if not finalizers_of(current):
                del self.found[resource][name]

    def _patch(self, resource: Resource, name: str, patch: Mapping[str, Any], subresource: str = "") -> None:
        try:
            changed = self._api.patch(resource, name, patch, namespace=kinds.NAMESPACE, subresource=subresource)
            self._keep(resource, changed)
        except NotFound:
            self.found[resource].pop(name, None)

    def _keep(self, resource: Resource, obj: Object) -> Object:
        self.found[resource][name_of(obj)] = obj
        return obj


def _kind(obj: Object) -> Resource:
    return next(resource for resource in kinds.KINDS if resource.kind == obj["kind"])


def _reference(owner: Object) -> dict[str, Any]:
    return {
        "apiVersion": owner["apiVersion"], "kind": owner["kind"], "name": name_of(owner), "uid": uid_of(owner),
        "controller": True, "blockOwnerDeletion": True,
    }  # fmt: skip
