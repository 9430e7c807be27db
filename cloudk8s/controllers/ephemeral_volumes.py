"""Make the claims of pods' ephemeral volumes; they belong to the pod and go with it.

https://kubernetes.io/docs/concepts/storage/ephemeral-volumes/#generic-ephemeral-volumes
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from cloudk8s.client.interface import Object
from cloudk8s.client.objects import controller_reference, is_controlled_by, is_deleting, key_of, namespace_of, spec_of
from cloudk8s.client.queue import WorkQueue, run_workers
from cloudk8s.client.resources import PERSISTENT_VOLUME_CLAIMS, PODS
from cloudk8s.controllers.interface import ControllerContext
from cloudk8s.controllers.pods import is_namespace_terminating, is_terminal
from cloudk8s.controllers.volume_users import BY_CLAIM, claim_name, watch_claims
from cloudk8s.errors import AlreadyExists, CloudK8sError, StatusError
from cloudk8s.machinery import codec


class NotTheirs(CloudK8sError):
    """A claim of the name that the pod needs belongs to somebody else."""


class EphemeralVolumeController:
    """Looks at pods with ephemeral volumes when they appear, and when such a claim is gone."""

    def __init__(self, context: ControllerContext) -> None:
        self._context = context
        self._events = context.events.for_component("ephemeral_volume")
        self._queue: WorkQueue[str] = WorkQueue(
            "ephemeral_volume", clock=context.clock, instruments=context.instruments
        )
        self._claims, self._pods = watch_claims(context.informers, self._claim_changed, self._pod_changed)

    async def run(self) -> None:
        await run_workers(self._queue, self._context.options.concurrent_ephemeralvolume_syncs, self._reconcile)

    def _pod_changed(self, old: Object | None, new: Object | None) -> None:
        if old is None and new is not None and _ephemeral(new):
            self._queue.add(key_of(new))

    def _claim_changed(self, old: Object | None, new: Object | None) -> None:
        if new is None and old is not None:
            for pod in self._pods.by_index(BY_CLAIM, key_of(old)):
                if _ephemeral(pod):
                    self._queue.add(key_of(pod))

    async def _reconcile(self, name: str) -> timedelta | None:
        pod = self._pods.get_key(name)
        if pod is None or is_deleting(pod) or is_terminal(pod):
            return None
        for volume in _ephemeral(pod):
            await self._ensure(pod, volume)
        return None

    async def _ensure(self, pod: Object, volume: Mapping[str, Any]) -> None:
        name, namespace = claim_name(pod, volume), namespace_of(pod)
        existing = self._claims.get(name, namespace)
        if existing is not None:
            if not is_controlled_by(existing, pod):
                error = NotTheirs(f"PVC {namespace}/{name} was not created for pod {key_of(pod)} (pod is not owner)")
                self._say(pod, volume, str(error))
                raise error
            return
        try:
            await self._context.client.create(PERSISTENT_VOLUME_CLAIMS, _claim(pod, volume, name), namespace=namespace)
        except AlreadyExists:
            raise
        except StatusError as error:
            if is_namespace_terminating(error):
                return
            self._say(pod, volume, f"create PVC {name}: {error.message}")
            raise

    def _say(self, pod: Object, volume: Mapping[str, Any], what: str) -> None:
        self._events.warning(pod, "FailedBinding", f"ephemeral volume {volume['name']}: {what}")


def _ephemeral(pod: Object) -> list[Mapping[str, Any]]:
    volumes = spec_of(pod).get("volumes") or ()
    return [volume for volume in volumes if (volume.get("ephemeral") or {}).get("volumeClaimTemplate") is not None]


def _claim(pod: Object, volume: Mapping[str, Any], name: str) -> Object:
    template = volume["ephemeral"]["volumeClaimTemplate"]
    given = template.get("metadata") or {}
    metadata: dict[str, Any] = {
        "name": name,
        "namespace": namespace_of(pod),
        "ownerReferences": [controller_reference(pod, PODS)],
    }
    for field in ("labels", "annotations"):
        if given.get(field):
            metadata[field] = dict(given[field])
    kind = {"apiVersion": "v1", "kind": "PersistentVolumeClaim"}
    return {**kind, "metadata": metadata, "spec": codec.copy(template["spec"])}
