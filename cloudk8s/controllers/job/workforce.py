"""Create, delete and let go the pods of one Job, and say so."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from cloudk8s.client.events import EventRecorder
from cloudk8s.client.interface import Client, Object
from cloudk8s.client.objects import finalizers_of, key_of, name_of, namespace_of, resource_version_of, uid_of
from cloudk8s.client.resources import PODS
from cloudk8s.controllers.batches import all_of, slow_start
from cloudk8s.controllers.expectations import Expectations
from cloudk8s.controllers.job.memory import Memory
from cloudk8s.controllers.job.pods import FINALIZER
from cloudk8s.controllers.pods import is_namespace_terminating
from cloudk8s.errors import NotFound, StatusError


@dataclass(frozen=True, slots=True)
class Workforce:
    """Everything here returns what went wrong instead of raising it: what was done is to be written down first."""

    client: Client
    events: EventRecorder
    expectations: Expectations
    memory: Memory
    job: Object

    async def hire(self, pods: Sequence[Object]) -> tuple[int, Exception | None]:
        """How many of the pods were created, and what went wrong."""
        if not pods:
            return 0, None
        key = key_of(self.job)
        self.expectations.expect_creations(key, len(pods))
        succeeded, error = await slow_start(pods, self._create)
        self.expectations.created(key, len(pods) - succeeded)
        if isinstance(error, StatusError) and is_namespace_terminating(error):
            error = None
        return succeeded, error

    async def dismiss(self, pods: Sequence[Object]) -> tuple[set[str], Exception | None]:
        """Delete pods that did nothing wrong: they lose their finalizer first, so that they are not counted.

        A pod that has changed since it was seen keeps it: it may have finished, and then it counts.
        """
        self.expectations.expect_deletions(key_of(self.job), [uid_of(pod) for pod in pods])
        failed = await all_of(pods, self._release_unchanged)
        gone, error = await self.delete([pod for pod in pods if uid_of(pod) in self.memory.released])
        for pod in pods:
            if uid_of(pod) not in gone:
                self.expectations.deleted(key_of(self.job), uid_of(pod))
        return gone, failed[0] if failed else error

    async def delete(self, pods: Sequence[Object]) -> tuple[set[str], Exception | None]:
        """UIDs of the pods that were deleted, and what went wrong."""
        gone: set[str] = set()

        async def delete(pod: Object) -> None:
            try:
                await self.client.delete(PODS, name_of(pod), namespace=namespace_of(pod))
            except NotFound:
                gone.add(uid_of(pod))
            except StatusError as error:
                self.events.warning(self.job, "FailedDelete", f"Error deleting: {error.message}")
                raise
            else:
                gone.add(uid_of(pod))
                self.events.normal(self.job, "SuccessfulDelete", f"Deleted pod: {name_of(pod)}")

        failed = await all_of(pods, delete) if pods else None
        return gone, failed[0] if failed else None

    async def release(self, pods: Sequence[Object]) -> Exception | None:
        """Take the finalizer off pods that are written down."""
        failed = await all_of(pods, self._release) if pods else None
        return failed[0] if failed else None

    async def _create(self, pod: Object) -> None:
        try:
            made = await self.client.create(PODS, pod, namespace=namespace_of(self.job))
        except StatusError as error:
            if not is_namespace_terminating(error):
                self.events.warning(self.job, "FailedCreate", f"Error creating: {error.message}")
            raise
        self.events.normal(self.job, "SuccessfulCreate", f"Created pod: {name_of(made)}")

    async def _release(self, pod: Object) -> None:
        await release(self.client, pod)
        self.memory.released.add(uid_of(pod))

    async def _release_unchanged(self, pod: Object) -> None:
        await release(self.client, pod, only_unchanged=True)
        self.memory.released.add(uid_of(pod))


async def release(client: Client, pod: Object, *, only_unchanged: bool = False) -> None:
    """Take the finalizer off a pod. Raises Conflict if the pod should be, and is not, as it was seen."""
    if FINALIZER not in finalizers_of(pod):
        return
    metadata: dict[str, Any] = {"uid": uid_of(pod), "$deleteFromPrimitiveList/finalizers": [FINALIZER]}
    if only_unchanged:
        metadata["resourceVersion"] = resource_version_of(pod)
    try:
        await client.patch(PODS, name_of(pod), {"metadata": metadata}, namespace=namespace_of(pod), type="strategic")
    except NotFound:
        return
