"""Make and delete the pods of a DaemonSet, and say so in events."""

from __future__ import annotations

from dataclasses import dataclass

from cloudk8s.client.events import EventRecorder
from cloudk8s.client.interface import Client, DeleteOptions, Object
from cloudk8s.client.objects import name_of, namespace_of, uid_of
from cloudk8s.client.resources import PODS
from cloudk8s.controllers.batches import all_of, slow_start
from cloudk8s.controllers.daemon_set.pods import new_pod
from cloudk8s.controllers.daemon_set.upkeep import Plan
from cloudk8s.controllers.expectations import Expectations
from cloudk8s.controllers.pods import is_namespace_terminating
from cloudk8s.errors import NotFound, StatusError

BURST = 250
"""Most pods created, and most deleted, in one reconciliation."""


@dataclass(frozen=True, slots=True)
class DaemonRequests:
    """Requests for one DaemonSet, whose expectations are kept under `key`."""

    client: Client
    events: EventRecorder
    expectations: Expectations
    key: str
    daemon_set: Object
    hash: str

    async def carry_out(self, plan: Plan) -> Exception | None:
        """Create and delete; returns the first error."""
        nodes, pods = plan.nodes[:BURST], plan.pods[:BURST]
        if not nodes and not pods:
            return None
        self.expectations.expect(self.key, creations=len(nodes), deletions=[uid_of(pod) for pod in pods])
        succeeded, error = await slow_start(nodes, self._create)
        self.expectations.created(self.key, len(nodes) - succeeded)
        failed = await all_of(pods, self._delete) if pods else None
        if isinstance(error, StatusError) and is_namespace_terminating(error):
            error = None
        return error or (failed[0] if failed else None)

    async def _create(self, node: str) -> None:
        pod = new_pod(self.daemon_set, node, self.hash)
        try:
            made = await self.client.create(PODS, pod, namespace=namespace_of(self.daemon_set))
        except StatusError as error:
            if not is_namespace_terminating(error):
                self.events.warning(self.daemon_set, "FailedCreate", f"Error creating: {error.message}")
            raise
        self.events.normal(self.daemon_set, "SuccessfulCreate", f"Created pod: {name_of(made)}")

    async def _delete(self, pod: Object) -> None:
        options = DeleteOptions(uid=uid_of(pod))
        try:
            await self.client.delete(PODS, name_of(pod), namespace=namespace_of(pod), options=options)
        except NotFound:
            self.expectations.deleted(self.key, uid_of(pod))
        except StatusError as error:
            self.expectations.deleted(self.key, uid_of(pod))
            self.events.warning(self.daemon_set, "FailedDelete", f"Error deleting: {error.message}")
            raise
        else:
            self.events.normal(self.daemon_set, "SuccessfulDelete", f"Deleted pod: {name_of(pod)}")
