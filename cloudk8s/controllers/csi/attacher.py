"""Attach and detach volumes as VolumeAttachments ask: ControllerPublishVolume and back."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from cloudk8s.client.informer import Informers
from cloudk8s.client.interface import Client, Object, Resource
from cloudk8s.client.objects import finalizers_of, is_deleting, name_of, spec_of, status_of
from cloudk8s.client.queue import WorkQueue, run_workers
from cloudk8s.client.resources import CSI_NODES, PERSISTENT_VOLUMES, VOLUME_ATTACHMENTS
from cloudk8s.controllers.csi.provisioner import ControllerDriver, CsiProvisioner
from cloudk8s.controllers.csi.secrets import read_secret
from cloudk8s.drivers.csi.driver import ControllerAbility
from cloudk8s.errors import CloudK8sError, NotFound
from cloudk8s.machinery.clock import Clock
from cloudk8s.machinery.times import format_time


class CsiAttacher:
    """One driver's attachments. A driver that attaches nothing has them attached at once."""

    def __init__(
        self, driver: ControllerDriver, provisioner: CsiProvisioner, client: Client, informers: Informers, clock: Clock
    ) -> None:
        self._driver, self._provisioner, self._client, self._clock = driver, provisioner, client, clock
        self.finalizer = f"external-attacher/{driver.name.replace('.', '-')}"
        self._queue: WorkQueue[str] = WorkQueue(f"{driver.name} attachments", clock=clock, base_delay=0.5, max_delay=60)
        self._attachments = informers.of(VOLUME_ATTACHMENTS)
        self._attachments.add_handler(self._changed)

    async def run(self) -> None:
        """Work until cancelled."""
        await run_workers(self._queue, 5, self._look)

    def _changed(self, old: Object | None, new: Object | None) -> None:
        if new is not None and spec_of(new)["attacher"] == self._driver.name:
            self._queue.add(name_of(new))

    async def _look(self, name: str) -> timedelta | None:
        attachment = self._attachments.get(name)
        if attachment is None:
            return None
        if is_deleting(attachment):
            await self._detach(attachment)
        elif not status_of(attachment).get("attached"):
            await self._attach(attachment)
        return None

    async def _attach(self, attachment: Object) -> None:
        try:
            volume = await self._client.get(PERSISTENT_VOLUMES, spec_of(attachment)["source"]["persistentVolumeName"])
            attachment = await self._with_finalizer(VOLUME_ATTACHMENTS, attachment)
            volume = await self._with_finalizer(PERSISTENT_VOLUMES, volume)
            context = await self._publish(attachment, volume)
        except CloudK8sError as error:
            await self._tell(attachment, {"attached": False, "attachError": self._error(error)})
            raise
        status: dict[str, Any] = {"attached": True, "attachError": None}
        await self._tell(attachment, status | ({"attachmentMetadata": dict(context)} if context else {}))

    async def _publish(self, attachment: Object, volume: Object) -> Mapping[str, str]:
        if not self._driver.can(ControllerAbility.PUBLISH_UNPUBLISH):
            return {}
        source = spec_of(volume)["csi"]
        can_read_only = self._driver.can(ControllerAbility.PUBLISH_READONLY)
        request = {
            "volume_id": source["volumeHandle"],
            "node_id": await self._node_id(spec_of(attachment)["nodeName"]),
            "volume_capability": self._provisioner.capability_of(volume),
            "readonly": can_read_only and bool(source.get("readOnly")),
            "secrets": await read_secret(self._client, source.get("controllerPublishSecretRef")),
            "volume_context": source.get("volumeAttributes") or {},
        }
        answer = await self._driver.calls.controller("ControllerPublishVolume", request)
        context: Mapping[str, str] = answer["publish_context"]
        return context

    async def _detach(self, attachment: Object) -> None:
        if self.finalizer not in finalizers_of(attachment):
            return
        try:
            await self._unpublish(attachment)
        except CloudK8sError as error:
            await self._tell(attachment, {"detachError": self._error(error)})
            raise
        await self._without_finalizer(VOLUME_ATTACHMENTS, name_of(attachment))
        volume = spec_of(attachment)["source"].get("persistentVolumeName", "")
        if not any(self._is_of(each, volume, attachment) for each in self._attachments.list()):
            await self._without_finalizer(PERSISTENT_VOLUMES, volume)

    async def _unpublish(self, attachment: Object) -> None:
        if not self._driver.can(ControllerAbility.PUBLISH_UNPUBLISH):
            return
        try:
            volume = await self._client.get(PERSISTENT_VOLUMES, spec_of(attachment)["source"]["persistentVolumeName"])
        except NotFound:
            return
        source = spec_of(volume)["csi"]
        request = {
            "volume_id": source["volumeHandle"],
            "node_id": await self._node_id(spec_of(attachment)["nodeName"]),
            "secrets": await read_secret(self._client, source.get("controllerPublishSecretRef")),
        }
        await self._driver.calls.controller("ControllerUnpublishVolume", request)

    async def _node_id(self, node: str) -> str:
        """What the driver calls the node; NotFound while it has not said."""
        found = await self._client.get(CSI_NODES, node)
        for each in spec_of(found).get("drivers") or ():
            if each["name"] == self._driver.name:
                return str(each["nodeID"])
        raise NotFound(f"CSINode {node} does not contain driver {self._driver.name}")

    @staticmethod
    def _is_of(attachment: Object, volume: str, but: Object) -> bool:
        source = spec_of(attachment)["source"].get("persistentVolumeName")
        return source == volume and name_of(attachment) != name_of(but)

    def _error(self, error: Exception) -> dict[str, str]:
        return {"message": str(error), "time": format_time(self._clock.now())}

    async def _tell(self, attachment: Object, status: Mapping[str, Any]) -> None:
        await self._client.patch(
            VOLUME_ATTACHMENTS, name_of(attachment), {"status": dict(status)}, subresource="status"
        )

    async def _with_finalizer(self, resource: Resource, obj: Object) -> Object:
        if self.finalizer in finalizers_of(obj):
            return obj
        metadata = {**obj["metadata"], "finalizers": [*finalizers_of(obj), self.finalizer]}
        return await self._client.update(resource, {**obj, "metadata": metadata})

    async def _without_finalizer(self, resource: Resource, name: str) -> None:
        try:
            obj = await self._client.get(resource, name)
            finalizers = [each for each in finalizers_of(obj) if each != self.finalizer]
            if len(finalizers) != len(finalizers_of(obj)):
                metadata = {**obj["metadata"], "finalizers": finalizers}
                await self._client.update(resource, {**obj, "metadata": metadata})
        except NotFound:
            return
