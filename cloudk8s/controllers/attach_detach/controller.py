"""Attach what pods want where they are, detach what nobody wants any more.

https://kubernetes.io/docs/concepts/storage/persistent-volumes/ and, for nodes that are gone,
https://kubernetes.io/docs/concepts/cluster-administration/node-shutdown/#non-graceful-node-shutdown
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import timedelta

from cloudk8s.client.interface import DeleteOptions, Object
from cloudk8s.client.objects import annotations_of, is_deleting, is_true, name_of, spec_of, status_of, uid_of
from cloudk8s.client.queue import WorkQueue, run_workers
from cloudk8s.client.resources import (
    NODES,
    PERSISTENT_VOLUME_CLAIMS,
    PODS,
    VOLUME_ATTACHMENTS,
)
from cloudk8s.controllers.attach_detach.demand import KEEPS_VOLUMES, MANAGED, Demand, has_ended, is_managed
from cloudk8s.controllers.attach_detach.detaching import Detaching, is_out_of_service, uses
from cloudk8s.controllers.attach_detach.known_volumes import KnownVolumes, unique_names
from cloudk8s.controllers.attach_detach.node_status import NodeStatus
from cloudk8s.controllers.attach_detach.reports import Reports
from cloudk8s.controllers.attach_detach.volumes import Volume, node_of_attachment, persistent_volume_of
from cloudk8s.controllers.interface import ControllerContext
from cloudk8s.controllers.pods import BY_NODE, node_of
from cloudk8s.controllers.volume_users import BY_CLAIM, claims_of
from cloudk8s.errors import AlreadyExists, CloudK8sError, NotFound

BY_PERSISTENT_VOLUME = "persistent volume"
RESYNC = timedelta(minutes=1)


class StillMounted(CloudK8sError):
    """The node has begun to use the volume again since the cache was read."""


class AttachDetachController:
    """Reconciles volume by volume, by the name that nodes know it by, and node by node what they are told."""

    def __init__(self, context: ControllerContext) -> None:
        self._context = context
        self._client = context.client
        self._events = context.events.for_component("attachdetach-controller")
        self._queue: WorkQueue[str] = WorkQueue("attach_detach", clock=context.clock, instruments=context.instruments)
        self._detaching = Detaching(context.clock, not context.options.disable_force_detach_on_timeout)
        self._node_status = NodeStatus(context.client)
        self._reports = Reports(self._events)
        self._volumes = KnownVolumes(context.informers)
        self._volumes.informer.add_handler(self._volume_changed)
        self._claims = context.informers.of(PERSISTENT_VOLUME_CLAIMS)
        self._claims.add_handler(self._claim_changed)
        self._attachments = context.informers.of(VOLUME_ATTACHMENTS)
        self._attachments.add_index(BY_PERSISTENT_VOLUME, lambda item: (persistent_volume_of(item),))
        self._attachments.add_index(BY_NODE, lambda item: (node_of_attachment(item),))
        self._attachments.add_handler(self._attachment_changed)
        self._nodes = context.informers.of(NODES)
        self._nodes.add_handler(self._node_changed)
        self._pods = context.informers.of(PODS)
        self._pods.add_index(BY_CLAIM, claims_of)
        self._pods.add_index(BY_NODE, node_of)
        self._pods.add_handler(self._pod_changed)
        self._demand = Demand(self._pods, self._nodes, self._claims)

    async def run(self) -> None:
        await run_workers(self._queue, self._context.options.concurrent_syncs, self._reconcile)

    # What happens

    def _volume_changed(self, old: Object | None, new: Object | None) -> None:
        for item in (old, new):
            for name in unique_names(item) if item is not None else ():
                self._queue.add(name)

    def _claim_changed(self, old: Object | None, new: Object | None) -> None:
        if old is None or new is None or spec_of(old).get("volumeName") != spec_of(new).get("volumeName"):
            self._enqueue_claim(new or old or {})

    def _pod_changed(self, old: Object | None, new: Object | None) -> None:
        pod = new or old
        assert pod is not None
        if new is None:
            self._reports.pod_gone(pod)
        if not spec_of(pod).get("nodeName") or (old is not None and new is not None and _is_same(old, new)):
            return
        for claim in claims_of(pod):
            if (found := self._claims.get_key(claim)) is not None:
                self._enqueue_claim(found)

    def _node_changed(self, old: Object | None, new: Object | None) -> None:
        if old is not None and new is not None and _matter(old) == _matter(new):
            return
        node = new or old
        assert node is not None
        for attachment in self._attachments.by_index(BY_NODE, name_of(node)):
            self._enqueue_volume(persistent_volume_of(attachment))
        for pod in self._pods.by_index(BY_NODE, name_of(node)):
            self._pod_changed(None, pod)

    def _attachment_changed(self, old: Object | None, new: Object | None) -> None:
        attachment = new or old
        assert attachment is not None
        if new is None:
            self._detaching.wanted(name_of(attachment))
        elif old is not None:
            self._reports.changed(old, new)
        self._enqueue_volume(persistent_volume_of(attachment))

    def _enqueue_claim(self, claim: Object) -> None:
        self._enqueue_volume(str(spec_of(claim).get("volumeName") or ""))

    def _enqueue_volume(self, name: str) -> None:
        if (found := self._volumes.named(name)) is not None:
            self._queue.add(found.unique_name)

    # What is done about it

    async def _reconcile(self, unique_name: str) -> timedelta | None:
        volumes = self._volumes.of(unique_name)
        if not volumes:
            return None
        volume = volumes[0]
        wanted = self._demand.of(self._volumes.persistent_volumes_of(unique_name))
        attachments = self._attachments_of(volumes)
        waits = [await self._release(volume, item) for node, item in attachments.items() if node not in wanted]
        for node, pods in wanted.items():
            await self._hold(volume, node, pods, attachments, wanted)
        for node in {*attachments, *wanted}:
            await self._tell(node)
        if not attachments:
            self._volumes.forget(volumes)
        return min((wait for wait in waits if wait is not None), default=None)

    def _attachments_of(self, volumes: Sequence[Volume]) -> dict[str, Object]:
        """By node; only those with the names that we would give them: others are somebody else's."""
        found: dict[str, Object] = {}
        for volume in volumes:
            for item in self._attachments.by_index(BY_PERSISTENT_VOLUME, volume.persistent_volume):
                node = node_of_attachment(item)
                if name_of(item) == volume.attachment_name(node):
                    found[node] = item
        return found

    async def _hold(
        self,
        volume: Volume,
        node: str,
        pods: Sequence[Object],
        attachments: Mapping[str, Object],
        wanted: Mapping[str, Sequence[Object]],
    ) -> None:
        """Attach the volume, or tell the pods how that stands."""
        own = attachments.get(node)
        if own is None:
            others = [other for other in attachments if other != node]
            if others and not volume.may_be_shared:
                self._reports.tell_taken(volume, node, pods, [pod for other in others for pod in wanted.get(other, ())])
                return
            try:
                await self._client.create(VOLUME_ATTACHMENTS, volume.attachment_to(node))
            except AlreadyExists:
                return
        elif not is_deleting(own):
            self._detaching.wanted(name_of(own))
            self._reports.tell(volume, own, pods)

    async def _release(self, volume: Volume, attachment: Object) -> timedelta | None:
        """Detach, once the node may lose it; returns when to look again."""
        name, node_name = name_of(attachment), node_of_attachment(attachment)
        if is_deleting(attachment):
            return None
        wait = self._detaching.wait(name, volume.unique_name, self._nodes.get(node_name))
        if wait is None:
            return RESYNC
        if wait > timedelta(0):
            return wait
        await self._tell(node_name, without=volume.unique_name)
        await self._check_unused(volume, name, node_name)
        try:
            await self._client.delete(VOLUME_ATTACHMENTS, name, options=DeleteOptions(uid=uid_of(attachment)))
        except NotFound:
            return None
        return None

    async def _check_unused(self, volume: Volume, attachment: str, node_name: str) -> None:
        """Ask the server, now that the node has been told: it may have mounted the volume before it heard."""
        try:
            node = await self._client.get(NODES, node_name)
        except NotFound:
            return
        if uses(node, volume.unique_name) and not self._detaching.is_forced(attachment, node):
            raise StillMounted(f"volume {volume.unique_name} is still in use by node {node_name}")

    async def _tell(self, node_name: str, *, without: str = "") -> None:
        """What is attached and not about to go."""
        node = self._nodes.get(node_name)
        if node is None or not is_managed(node):
            return
        names = [
            volume.unique_name
            for item in self._attachments.by_index(BY_NODE, node_name)
            if status_of(item).get("attached")
            and not is_deleting(item)
            and (volume := self._volumes.named(persistent_volume_of(item))) is not None
            and name_of(item) == volume.attachment_name(node_name)
            and volume.unique_name != without
            and (name_of(item) not in self._detaching.since or uses(node, volume.unique_name))
        ]
        await self._node_status.tell(node, names)


def _is_same(old: Object, new: Object) -> bool:
    """Whether a change of a pod changes nothing about what it wants."""
    return has_ended(old) == has_ended(new) and spec_of(old).get("nodeName") == spec_of(new).get("nodeName")


def _matter(node: Object) -> tuple[object, ...]:
    """What matters here about a node: heartbeats do not."""
    status = status_of(node)
    kept = annotations_of(node).get(MANAGED), annotations_of(node).get(KEEPS_VOLUMES)
    volumes = status.get("volumesInUse"), status.get("volumesAttached")
    return (*kept, *volumes, is_true(node, "Ready"), is_out_of_service(node))
