"""The revisions of a DaemonSet: exactly one for the present template, older ones as long as the limit allows."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from cloudk8s.client.interface import Client, Object
from cloudk8s.client.objects import (
    annotations_of,
    controller_reference,
    labels_of,
    name_of,
    namespace_of,
    spec_of,
    status_of,
)
from cloudk8s.client.resources import CONTROLLER_REVISIONS, DAEMON_SETS, PODS
from cloudk8s.controllers.pod_template.hashing import template_hash
from cloudk8s.controllers.revisions import POD_LABEL, in_order, number_of, patch_of
from cloudk8s.errors import AlreadyExists, Conflict, NotFound


@dataclass(slots=True)
class DaemonHistory:
    """Reads and writes the revisions of one DaemonSet; `pods` are the ones it owns."""

    client: Client
    daemon_set: Object
    pods: Sequence[Object]
    kubernetes_version: str

    async def ensure(self, revisions: Sequence[Object]) -> tuple[Object, list[Object]]:
        """The revision of the present template, made or renumbered if need be, and the older ones."""
        data = patch_of(self.daemon_set)
        revisions = [await self._labelled(item) for item in revisions]
        same = in_order(item for item in revisions if item.get("data") == data)
        old = in_order(item for item in revisions if item.get("data") != data)
        number = max(map(number_of, old), default=0) + 1
        if not same:
            return await self._create(data, number), old
        for duplicate in same[:-1]:
            await self._merge(duplicate, same[-1])
        current = same[-1]
        if number_of(current) < number:
            current = await self.client.update(CONTROLLER_REVISIONS, {**current, "revision": number})
        return current, old

    async def truncate(self, old: Sequence[Object]) -> None:
        """Delete the oldest revisions beyond the limit that no pod has."""
        limit = spec_of(self.daemon_set).get("revisionHistoryLimit")
        excess = len(old) - (10 if limit is None else int(limit))
        if excess <= 0:
            return
        live = {labels_of(pod).get(POD_LABEL) for pod in self.pods}
        for revision in [item for item in old if labels_of(item).get(POD_LABEL) not in live][:excess]:
            await self._delete(revision)

    async def _labelled(self, revision: Object) -> Object:
        """Revisions that others made have their name as hash."""
        if POD_LABEL in labels_of(revision):
            return revision
        labels = {**labels_of(revision), POD_LABEL: name_of(revision)}
        metadata = {**revision["metadata"], "labels": labels}
        return await self.client.update(CONTROLLER_REVISIONS, {**revision, "metadata": metadata})

    async def _merge(self, duplicate: Object, kept: Object) -> None:
        """Pods of a revision that is there twice get the hash of the one that stays."""
        before, after = labels_of(duplicate).get(POD_LABEL), labels_of(kept).get(POD_LABEL)
        for pod in self._pods_of(before):
            patch = {"metadata": {"labels": {POD_LABEL: after}}}
            await self.client.patch(PODS, name_of(pod), patch, namespace=namespace_of(pod), type="strategic")
        await self._delete(duplicate)

    def _pods_of(self, hash: str | None) -> Iterable[Object]:
        return [pod for pod in self.pods if labels_of(pod).get(POD_LABEL) == hash]

    async def _delete(self, revision: Object) -> None:
        try:
            await self.client.delete(CONTROLLER_REVISIONS, name_of(revision), namespace=namespace_of(revision))
        except NotFound:
            return

    async def _create(self, data: dict[str, Any], number: int) -> Object:
        revision = self._new(data, number)
        namespace = namespace_of(self.daemon_set)
        try:
            return await self.client.create(CONTROLLER_REVISIONS, revision, namespace=namespace)
        except AlreadyExists:
            existing = await self.client.get(CONTROLLER_REVISIONS, name_of(revision), namespace=namespace)
            if existing.get("data") == data:
                return existing
        await self._count_collision()
        raise Conflict(f"ControllerRevision {namespace}/{name_of(revision)} holds another template")

    async def _count_collision(self) -> None:
        status = status_of(self.daemon_set)
        changed = {**status, "collisionCount": int(status.get("collisionCount") or 0) + 1}
        await self.client.update(DAEMON_SETS, {**self.daemon_set, "status": changed}, subresource="status")

    def _new(self, data: dict[str, Any], number: int) -> Object:
        template, collisions = spec_of(self.daemon_set)["template"], status_of(self.daemon_set).get("collisionCount")
        hash = template_hash(template, collisions, kubernetes_version=self.kubernetes_version)
        template_labels = (template.get("metadata") or {}).get("labels") or {}
        metadata: dict[str, Any] = {
            "name": f"{name_of(self.daemon_set)}-{hash}",
            "namespace": namespace_of(self.daemon_set),
            "labels": {**template_labels, POD_LABEL: hash},
            "ownerReferences": [controller_reference(self.daemon_set, DAEMON_SETS)],
        }
        if annotations_of(self.daemon_set):
            metadata["annotations"] = dict(annotations_of(self.daemon_set))
        kind = {"apiVersion": "apps/v1", "kind": "ControllerRevision"}
        return {**kind, "metadata": metadata, "data": data, "revision": number}
