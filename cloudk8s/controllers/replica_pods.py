"""Create and delete the pods of an object that wants so many of them, and say so."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from cloudk8s.client.events import EventRecorder
from cloudk8s.client.interface import Client, Object, Resource
from cloudk8s.client.objects import key_of, name_of, namespace_of, spec_of, uid_of
from cloudk8s.client.resources import PODS
from cloudk8s.controllers.batches import all_of, slow_start
from cloudk8s.controllers.expectations import Expectations
from cloudk8s.controllers.pods import is_namespace_terminating, pod_from_template
from cloudk8s.errors import NotFound, StatusError


@dataclass(frozen=True, slots=True)
class Change:
    """What went wrong in creating or deleting pods."""

    error: Exception | None
    reason: str = ""


@dataclass(frozen=True, slots=True)
class ReplicaPods:
    """Requests for objects of one resource; what they are expected to lead to is noted in `expectations`."""

    client: Client
    events: EventRecorder
    expectations: Expectations
    resource: Resource

    async def create(self, owner: Object, count: int) -> Change:
        """As many pods from the owner's template."""
        name = key_of(owner)
        self.expectations.expect_creations(name, count)
        succeeded, error = await slow_start([owner] * count, self._create)
        self.expectations.created(name, count - succeeded)
        if isinstance(error, StatusError) and is_namespace_terminating(error):
            return Change(None)
        return Change(error, "FailedCreate")

    async def delete(self, owner: Object, doomed: Sequence[Object]) -> Change:
        self.expectations.expect_deletions(key_of(owner), [uid_of(pod) for pod in doomed])

        async def delete(pod: Object) -> None:
            await self._delete(owner, pod)

        failed = await all_of(doomed, delete)
        return Change(failed[0] if failed else None, "FailedDelete")

    async def _create(self, owner: Object) -> None:
        pod = pod_from_template(spec_of(owner)["template"], owner, self.resource)
        try:
            made = await self.client.create(PODS, pod, namespace=namespace_of(owner))
        except StatusError as error:
            if not is_namespace_terminating(error):
                self.events.warning(owner, "FailedCreate", f"Error creating: {error.message}")
            raise
        self.events.normal(owner, "SuccessfulCreate", f"Created pod: {name_of(made)}")

    async def _delete(self, owner: Object, pod: Object) -> None:
        try:
            await self.client.delete(PODS, name_of(pod), namespace=namespace_of(pod))
        except NotFound:
            self.expectations.deleted(key_of(owner), uid_of(pod))
        except StatusError as error:
            self.expectations.deleted(key_of(owner), uid_of(pod))
            self.events.warning(owner, "FailedDelete", f"Error deleting: {error.message}")
            raise
        else:
            self.events.normal(owner, "SuccessfulDelete", f"Deleted pod: {name_of(pod)}")
