"""The node-lifecycle controller: removes nodes whose instance is gone, taints those whose instance is shut down.

Only nodes that are not Ready are asked about, all in one call to each cloud; an error never deletes anything.
"""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Mapping, Sequence

from cloudk8s.client.interface import DeleteOptions, Object
from cloudk8s.client.objects import is_deleting, is_true, name_of, uid_of
from cloudk8s.client.resources import NODES
from cloudk8s.cloud.controllers.node_reference import (
    SHUTDOWN,
    age_of,
    has_taint,
    node_ref,
    provider_id_of,
    taints_of,
)
from cloudk8s.cloud.controllers.vanished import Vanished
from cloudk8s.cloud.directory import CloudDirectory
from cloudk8s.cloud.lookup import Found, InstanceLookup
from cloudk8s.cloud.settings import CloudControllerSettings
from cloudk8s.controllers.interface import ControllerContext
from cloudk8s.errors import Conflict, NotFound, StatusError

TRIES = 5
log = logging.getLogger(__name__)


class CloudNodeLifecycleController:
    """Looks at all nodes every few seconds, from the cache."""

    def __init__(
        self, context: ControllerContext, lookup: InstanceLookup, directory: CloudDirectory,
        settings: CloudControllerSettings,
    ) -> None:  # fmt: skip
        self._client = context.client
        self._clock = context.clock
        self._events = context.events.for_component("cloud-node-lifecycle-controller")
        self._lookup = lookup
        self._directory = directory
        self._settings = settings
        self._nodes = context.informers.of(NODES)
        self._vanished = Vanished(
            settings.gone_confirmations, settings.vanished_limit, settings.vanished_pause.total_seconds()
        )

    async def run(self) -> None:
        while True:
            try:
                await self.look()
            except Exception:
                log.exception("a look at the nodes failed; trying again")
            await self._clock.sleep(self._settings.node_monitor_period.total_seconds())

    async def look(self) -> None:
        """One look at every node."""
        nodes = [node for node in self._nodes.list() if not is_deleting(node)]
        for node in nodes:
            if is_true(node, "Ready") and has_taint(node, SHUTDOWN):
                await self._set_shutdown(node, wanted=False)
        unready = [node for node in nodes if not is_true(node, "Ready")]
        if not unready:
            self._vanished.keep(())
            return
        found = await self._lookup.find_many([node_ref(node) for node in unready])
        await self._taint(unready, found)
        await self._delete(unready, found, self._totals(nodes))

    async def _taint(self, nodes: Sequence[Object], found: Mapping[str, Found]) -> None:
        for node in nodes:
            answer = found[name_of(node)]
            if answer.error is not None:
                log.info("node %s: %s; left as it is", name_of(node), answer.error)
            elif answer.instance is not None and answer.instance.state == "shutdown" and not has_taint(node, SHUTDOWN):
                await self._set_shutdown(node, wanted=True)

    async def _delete(self, nodes: Sequence[Object], found: Mapping[str, Found], totals: Mapping[str, int]) -> None:
        by_uid = {uid_of(node): node for node in nodes if self._is_gone(found[name_of(node)])}
        grown = {uid: node for uid, node in by_uid.items() if not self._is_newborn(node)}
        gone = {uid: found[name_of(node)].cloud for uid, node in grown.items()}
        ready, paused = self._vanished.look(gone, totals, self._clock.monotonic())
        for cloud in paused:
            log.error("cloud %s says that many nodes are gone at once; none is deleted until that has lasted", cloud)
        for uid in ready:
            await self._delete_one(grown[uid])

    async def _delete_one(self, node: Object) -> None:
        name, uid = name_of(node), uid_of(node)
        self._events.normal(
            node, "DeletingNode", f"Deleting node {name} because it does not exist in the cloud provider"
        )
        try:
            await self._client.delete(NODES, name, options=DeleteOptions(uid=uid))
        except (NotFound, Conflict):
            log.info("node %s: gone or replaced meanwhile", name)
        except StatusError as error:
            self._events.warning(node, "DeletingNodeFailed", f"Failed to delete node {name}: {error}")

    async def _set_shutdown(self, node: Object, *, wanted: bool) -> None:
        """Add or remove the taint; a conflict means that somebody else wrote, so read again."""
        for attempt in range(TRIES):
            if has_taint(node, SHUTDOWN) == wanted:
                return
            taints = [dict(taint) for taint in taints_of(node) if taint.get("key") != SHUTDOWN]
            taints += [{"key": SHUTDOWN, "effect": "NoSchedule"}] if wanted else []
            version = node["metadata"].get("resourceVersion")
            patch = {"metadata": {"resourceVersion": version}, "spec": {"taints": taints or None}}
            try:
                await self._client.patch(NODES, name_of(node), patch, type="merge")
                return
            except NotFound:
                return
            except StatusError as error:
                if attempt == TRIES - 1:
                    log.warning("node %s: shutdown taint not written: %s", name_of(node), error)
                    return
                await self._clock.sleep(0.1)
                node = await self._client.get(NODES, name_of(node))

    def _is_gone(self, found: Found) -> bool:
        return found.error is None and found.instance is not None and found.instance.state == "gone"

    def _is_newborn(self, node: Object) -> bool:
        return age_of(node, self._clock.now()) < self._settings.newborn_grace

    def _totals(self, nodes: Sequence[Object]) -> Mapping[str, int]:
        """How many nodes each cloud has, by providerID."""
        return Counter(cloud.name for node in nodes for cloud in self._directory.for_node(provider_id_of(node)))
