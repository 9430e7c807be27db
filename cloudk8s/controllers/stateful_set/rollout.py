"""One reconciliation of one StatefulSet: in which order its pods come, go and change.

First every ordinal gets its pod, then pods beyond the size go, then one revision replaces the other; where the set is
ordered each step waits until all pods before it are available.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from cloudk8s.client.interface import Object
from cloudk8s.client.objects import is_deleting, name_of, status_of
from cloudk8s.controllers.batches import slow_start
from cloudk8s.controllers.pods import is_available, phase
from cloudk8s.controllers.revisions import with_template_of
from cloudk8s.controllers.stateful_set.members import (
    first_ordinal,
    has_identity,
    has_storage,
    is_created,
    is_failed,
    is_ordered,
    is_running_and_ready,
    max_unavailable,
    min_ready_seconds,
    new_pod,
    ordinal_of,
    ordinals,
    partition,
    revision_of,
    strategy,
)
from cloudk8s.controllers.stateful_set.requests import MemberRequests


class Wait(Exception):
    """Nothing more can be done before a pod changes."""


@dataclass(slots=True)
class Rollout:
    """`current` and `update` are the revisions that pods may have; `pods` the members there are."""

    requests: MemberRequests
    owner: Object
    current: Object
    update: Object
    pods: Sequence[Object]
    now: datetime
    deleted_for_update: int = field(default=0)
    """How many pods of the current revision have just been deleted; status does not count them any more."""

    async def run(self) -> None:
        """Do what can be done now."""
        replicas, condemned = self._sorted()
        first_unavailable = next((pod for pod in [*replicas, *reversed(condemned)] if self._is_unavailable(pod)), None)
        try:
            await self._for_all(replicas, self._fill)
            await self._for_all(condemned, self._release_claims)
            await self._for_all(condemned, lambda pod: self._condemn(pod, first_unavailable))
        except Wait:
            return
        if strategy(self.owner).get("type") != "OnDelete":
            await self._replace(replicas)

    def _sorted(self) -> tuple[list[Object], list[Object]]:
        """One pod for each ordinal, those to be made without a status; and those to go, the highest ordinal first."""
        by_ordinal = {ordinal_of(pod): pod for pod in self.pods}
        wanted = ordinals(self.owner)
        replicas = [by_ordinal.get(ordinal) or self._new(ordinal) for ordinal in wanted]
        beyond = [pod for ordinal, pod in by_ordinal.items() if ordinal >= 0 and ordinal not in wanted]
        return replicas, sorted(beyond, key=ordinal_of, reverse=True)

    def _new(self, ordinal: int) -> Object:
        revision = self.current if self._keeps_revision(ordinal) else self.update
        return new_pod(with_template_of(self.owner, revision), ordinal, name_of(revision))

    def _keeps_revision(self, ordinal: int) -> bool:
        """Whether a pod that has to be made again stays at the current revision."""
        if strategy(self.owner).get("rollingUpdate") is not None:
            return ordinal < first_ordinal(self.owner) + partition(self.owner)
        if strategy(self.owner).get("type") != "RollingUpdate":
            return False
        return ordinal < first_ordinal(self.owner) + int(status_of(self.owner).get("currentReplicas") or 0)

    async def _for_all(self, pods: Sequence[Object], do: Callable[[Object], Awaitable[None]]) -> None:
        """One after the other until one has to wait; at once, whoever waits, where the set is not ordered."""
        if is_ordered(self.owner):
            for pod in pods:
                await do(pod)
            return

        async def attempt(pod: Object) -> None:
            try:
                await do(pod)
            except Wait:
                return

        _, error = await slow_start(pods, attempt)
        if error is not None:
            raise error

    async def _fill(self, pod: Object) -> None:
        """Bring one ordinal to a pod that is available."""
        if is_failed(pod):
            if not is_deleting(pod):
                await self.requests.recreate(pod)
            raise Wait
        if not is_created(pod):
            if self.requests.has_stale_claim(pod):
                raise Wait
            await self.requests.create(pod)
            raise Wait
        if phase(pod) == "Pending":
            await self.requests.create_claims(pod)
        if is_ordered(self.owner) and self._is_unavailable(pod):
            raise Wait
        is_fine = has_identity(self.owner, pod) and has_storage(self.owner, pod)
        if not is_fine or not self.requests.are_claims_owned(pod):
            await self.requests.mend(pod)

    async def _release_claims(self, pod: Object) -> None:
        """Claims of a pod that is scaled down go with it, or not, before it does."""
        if not self.requests.are_claims_owned(pod):
            await self.requests.own_claims(pod)

    async def _condemn(self, pod: Object, first_unavailable: Object | None) -> None:
        if is_deleting(pod):
            raise Wait
        if is_ordered(self.owner) and self._is_unavailable(pod) and pod is not first_unavailable:
            raise Wait
        await self.requests.delete(pod)
        raise Wait

    async def _replace(self, replicas: Sequence[Object]) -> None:
        """Delete pods of old revisions, the highest ordinal first, as many as may be unavailable.

        One that is unavailable already takes nothing away, and must not keep a broken revision from being replaced.
        """
        allowed = max_unavailable(self.owner)
        candidates = list(reversed(replicas[partition(self.owner) :]))
        if allowed == 1:
            await self._replace_one(candidates)
            return
        room = allowed - sum(map(self._is_unavailable, replicas))
        for pod in filter(self._is_outdated, candidates):
            if self._is_unavailable(pod):
                await self._delete_outdated(pod)
            elif room > 0:
                room -= 1
                await self._delete_outdated(pod)

    async def _replace_one(self, candidates: Sequence[Object]) -> None:
        for pod in candidates:
            if self._is_outdated(pod):
                await self._delete_outdated(pod)
                return
            if self._is_unavailable(pod):
                return

    def _is_outdated(self, pod: Object) -> bool:
        return revision_of(pod) != name_of(self.update) and not is_deleting(pod)

    async def _delete_outdated(self, pod: Object) -> None:
        await self.requests.delete(pod)
        if revision_of(pod) == name_of(self.current):
            self.deleted_for_update += 1

    def _is_unavailable(self, pod: Object) -> bool:
        is_fine = is_running_and_ready(pod) and is_available(pod, min_ready_seconds(self.owner), self.now)
        return is_deleting(pod) or not is_fine
