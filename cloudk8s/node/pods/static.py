"""Static pods: manifests in a directory of this node, run without the API and shown in it by mirror pods."""

from __future__ import annotations

import asyncio
import hashlib
import logging
from collections.abc import Callable
from pathlib import Path
from typing import Any

from cloudk8s.client.interface import Client, DeleteOptions, Object
from cloudk8s.client.objects import annotations_of, name_of, namespace_of, owner_references_of, status_of, uid_of
from cloudk8s.client.resources import NODES, PODS
from cloudk8s.errors import AlreadyExists, CloudK8sError, NotFound
from cloudk8s.machinery import codec, yaml_codec
from cloudk8s.machinery.clock import Clock
from cloudk8s.machinery.times import format_micro_time
from cloudk8s.node.cluster.pod_status import PodStatusWriter
from cloudk8s.node.pods import pod as pods

INTERVAL = 5.0
_RETRY_SECONDS = 5.0

_log = logging.getLogger(__name__)


def static_pod(manifest: Object, *, file: str, node_name: str, seen: str) -> Object:
    """The pod of a manifest, with the names that its node gives it. Pure."""
    metadata: dict[str, Any] = dict(manifest.get("metadata") or {})
    digest = hashlib.md5(codec.encode([manifest, file, node_name]), usedforsecurity=False).hexdigest()
    uid = metadata.get("uid") or digest
    annotations = {
        **(metadata.get("annotations") or {}),
        pods.CONFIG_HASH: digest,
        pods.CONFIG_SEEN: seen,
        pods.CONFIG_SOURCE: "file",
    }
    metadata |= {
        "name": f"{metadata['name']}-{node_name}",
        "namespace": metadata.get("namespace") or "default",
        "uid": uid,
        "annotations": annotations,
    }
    spec = {**(manifest.get("spec") or {}), "nodeName": node_name}
    spec["tolerations"] = [*(spec.get("tolerations") or ()), {"operator": "Exists", "effect": "NoExecute"}]
    return {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": spec, "status": {"phase": "Pending"}}


class StaticPods:
    """Watches the directory; `changed` is told of each pod as an informer would tell it."""

    def __init__(
        self, directory: Path, node_name: str, *, clock: Clock, changed: Callable[[Object | None, Object | None], None]
    ) -> None:  # fmt: skip
        self._directory, self._node_name, self._clock, self._changed = directory, node_name, clock, changed
        self._known: dict[str, Object] = {}

    async def run(self) -> None:
        """Look at the directory until cancelled."""
        while True:
            await self.look()
            await self._clock.sleep(INTERVAL)

    async def look(self) -> None:
        """Tell what is new, changed and gone since the last look."""
        found = await asyncio.to_thread(self._read)
        for name in self._known.keys() - found.keys():
            self._changed(self._known.pop(name), None)
        for name, pod in found.items():
            old = self._known.get(name)
            if old is None or uid_of(old) != uid_of(pod):
                self._known[name] = pod
                self._changed(old, pod)

    def _read(self) -> dict[str, Object]:
        found: dict[str, Object] = {}
        files = sorted(self._directory.glob("*")) if self._directory.exists() else []
        for path in files:
            if path.name.startswith(".") or not path.is_file():
                continue
            try:
                manifest = yaml_codec.decode(path.read_bytes())
                seen = format_micro_time(self._clock.now())
                found[path.name] = static_pod(manifest, file=str(path), node_name=self._node_name, seen=seen)
            except (ValueError, KeyError, TypeError, AttributeError, OSError) as error:
                _log.error("static pod %s: cannot be read: %s", path, error)
        return found


class MirrorWriter(PodStatusWriter):
    """Shows a static pod in the API: a mirror pod that carries its spec and status."""

    def __init__(self, client: Client, pod: Object, *, clock: Clock) -> None:
        super().__init__(client, clock=clock)
        self._pod = pod

    async def delete(self, pod: Object) -> None:
        """Remove the mirror."""
        options = DeleteOptions(grace_period_seconds=0)
        try:
            mirror = await self._client.get(PODS, name_of(pod), namespace=namespace_of(pod))
            if _is_mirror_of(mirror, pod):
                await self._client.delete(PODS, name_of(pod), namespace=namespace_of(pod), options=options)
        except NotFound:
            return
        except (CloudK8sError, OSError) as error:
            _log.warning("mirror pod %s: not deleted: %s", pods.full_name(pod), error)

    async def _write(self, pod: Object, status: dict[str, Any]) -> bool:
        try:
            mirror = await self._ensure()
        except (CloudK8sError, OSError) as error:
            _log.warning("mirror pod %s: not created, trying again: %s", pods.full_name(pod), error)
            await self._clock.sleep(_RETRY_SECONDS)
            return False
        if mirror is None or mirror["metadata"].get("deletionTimestamp"):
            await self._clock.sleep(_RETRY_SECONDS)
            return False
        self._written = dict(status_of(mirror)) if self._written is None else self._written
        return await super()._write(mirror, status)

    async def _ensure(self) -> Object | None:
        """The mirror, made where there is none; one of another static pod of that name is taken away first."""
        name, namespace = name_of(self._pod), namespace_of(self._pod)
        try:
            mirror = await self._client.get(PODS, name, namespace=namespace)
        except NotFound:
            return await self._create()
        if _is_mirror_of(mirror, self._pod):
            return mirror
        if pods.is_mirror(mirror):
            await self._client.delete(PODS, name, namespace=namespace, options=DeleteOptions(grace_period_seconds=0))
        return None

    async def _create(self) -> Object | None:
        node = await self._client.get(NODES, self._pod["spec"]["nodeName"])
        annotations = dict(annotations_of(self._pod)) | {
            pods.CONFIG_MIRROR: annotations_of(self._pod)[pods.CONFIG_HASH]
        }
        owner = {"apiVersion": "v1", "kind": "Node", "name": name_of(node), "uid": uid_of(node), "controller": True}
        metadata = {key: value for key, value in self._pod["metadata"].items() if key not in ("uid", "resourceVersion")}
        body = {**self._pod, "metadata": {**metadata, "annotations": annotations, "ownerReferences": [owner]}}
        body.pop("status", None)
        try:
            return await self._client.create(PODS, body, namespace=namespace_of(self._pod))
        except AlreadyExists:
            return None


def _is_mirror_of(mirror: Object, pod: Object) -> bool:
    owners = owner_references_of(mirror)
    is_owned_by_node = not owners or any(owner.get("kind") == "Node" for owner in owners)
    same = annotations_of(mirror).get(pods.CONFIG_MIRROR) == annotations_of(pod).get(pods.CONFIG_HASH)
    return same and is_owned_by_node and not mirror["metadata"].get("deletionTimestamp")
