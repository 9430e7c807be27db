"""One reconciliation of one Deployment: size its ReplicaSets, make the new one, write status."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta

from cloudk8s.client.interface import Object
from cloudk8s.client.objects import annotations_of, is_deleting, name_of, namespace_of, spec_of, status_of
from cloudk8s.client.resources import REPLICA_SETS
from cloudk8s.controllers import conditions
from cloudk8s.controllers.deployment import scaling, status
from cloudk8s.controllers.deployment.annotations import ROLLBACK_TO, revision
from cloudk8s.controllers.deployment.new_set import NewSet
from cloudk8s.controllers.deployment.rollback import roll_back
from cloudk8s.controllers.deployment.sets import (
    UNLIMITED,
    active,
    actual,
    available,
    by_creation,
    count,
    find_new,
    has_deadline,
    is_complete,
    is_recreate,
    is_saturated,
    is_scaling,
    max_unavailable,
    may_scale_down,
    new_size,
    replicas,
)
from cloudk8s.controllers.deployment.state import State
from cloudk8s.errors import NotFound


@dataclass(frozen=True, slots=True)
class Rollout:
    """See the module. `has_old_pods` tells whether pods of others than the new ReplicaSet still run."""

    state: State
    new_set: NewSet
    has_old_pods: Callable[[Object | None], bool]

    async def run(self) -> timedelta | None:
        """Do what can be done now; returns when to look again."""
        state = self.state
        state.new = find_new(state.deployment, state.sets)
        if is_deleting(state.deployment):
            return await self._write(self._counted())
        await self._check_paused()
        if spec_of(state.deployment).get("paused"):
            return await self._resize()
        if ROLLBACK_TO in annotations_of(state.deployment):
            await roll_back(state)
            return None
        if is_scaling(state.deployment, state.sets):
            return await self._resize()
        return await (self._recreate() if is_recreate(state.deployment) else self._roll())

    # Strategies

    async def _roll(self) -> timedelta | None:
        new = await self.new_set.ensure()
        if new is None:
            return None
        if not await self._grow(new) and not await self._shrink_old() and self._is_complete():
            await self._clean_up()
        return await self._write_progress()

    async def _recreate(self) -> timedelta | None:
        await self.new_set.sync()
        running = active(self.state.old)
        for item in running:
            await self.state.scale(item, 0)
        if running or actual(self.state.old) > 0 or self.has_old_pods(self.state.new):
            return await self._write_progress()
        new = await self.new_set.ensure()
        if new is None:
            return None
        await self.state.scale(new, replicas(self.state.deployment))
        if self._is_complete():
            await self._clean_up()
        return await self._write_progress()

    def _is_complete(self) -> bool:
        return is_complete(self.state.deployment, dict(status_of(self.state.deployment)))

    async def _grow(self, new: Object) -> bool:
        wanted = replicas(self.state.deployment)
        if replicas(new) == wanted:
            return False
        size = wanted if replicas(new) > wanted else new_size(self.state.deployment, self.state.sets, new)
        return await self.state.scale(new, size)

    async def _shrink_old(self) -> bool:
        if sum(replicas(item) for item in self.state.old) == 0:
            return False
        room = may_scale_down(self.state.deployment, self.state.sets, self.state.new)
        if room <= 0:
            return False
        cleaned = await self._shrink_unhealthy(room)
        return await self._shrink_available() + cleaned > 0

    async def _shrink_unhealthy(self, room: int) -> int:
        """First what is not available anyway: losing it costs nothing."""
        done = 0
        for item in by_creation(self.state.old):
            unhealthy = replicas(item) - available(item)
            if replicas(item) and unhealthy > 0 and done < room:
                step = min(room - done, unhealthy)
                await self.state.scale(item, replicas(item) - step)
                done += step
        return done

    async def _shrink_available(self) -> int:
        """Then as much as the pods that are available allow."""
        minimum = replicas(self.state.deployment) - max_unavailable(self.state.deployment)
        room, done = sum(available(item) for item in self.state.sets) - minimum, 0
        for item in by_creation(self.state.old):
            if replicas(item) and done < room:
                step = min(replicas(item), room - done)
                await self.state.scale(item, replicas(item) - step)
                done += step
        return done

    # Scaling

    async def _resize(self) -> timedelta | None:
        """`spec.replicas` changed, or the Deployment is paused: size what is there, roll nothing."""
        await self.new_set.sync()
        state = self.state
        only = scaling.active_or_latest(state.new, state.old)
        if only is not None:
            await state.scale(only, replicas(state.deployment))
        elif is_saturated(state.deployment, state.new):
            for item in active(state.old):
                await state.scale(item, 0)
        elif not is_recreate(state.deployment):
            await self._scale_in_proportion()
        if spec_of(state.deployment).get("paused") and ROLLBACK_TO not in annotations_of(state.deployment):
            await self._clean_up()
        return await self._write(self._counted())

    async def _scale_in_proportion(self) -> None:
        sizes = scaling.proportional_sizes(self.state.deployment, active(self.state.sets))
        by_name = {name_of(item): item for item in self.state.sets}
        for name, size in sizes.items():
            await self.state.scale(by_name[name], size, even_if_same=True)

    # Pause and history

    async def _check_paused(self) -> None:
        """Note in the Progressing condition that the Deployment was paused or resumed, so that no deadline runs."""
        deployment = self.state.deployment
        if not has_deadline(deployment):
            return
        found = status_of(deployment).get("conditions")
        current = conditions.find(found, "Progressing")
        if current is not None and current.get("reason") == status.TIMED_OUT:
            return
        is_paused = bool(spec_of(deployment).get("paused"))
        was_paused = current is not None and current.get("reason") == status.PAUSED
        if is_paused == was_paused:
            return
        reason = status.PAUSED if is_paused else status.RESUMED
        message = "Deployment is paused" if is_paused else "Deployment is resumed"
        noted = status.condition("Progressing", "Unknown", reason, message, self.state.clock.now())
        await self.state.update_status({**status_of(deployment), "conditions": status.with_condition(found, noted)})

    async def _clean_up(self) -> None:
        """Delete the oldest ReplicaSets beyond the history limit that have no pods left."""
        limit = spec_of(self.state.deployment).get("revisionHistoryLimit")
        if limit is None or limit == UNLIMITED:
            return
        kept = sorted((item for item in self.state.old if not is_deleting(item)), key=revision)
        for item in kept[: max(0, len(kept) - int(limit))]:
            if not _is_spent(item):
                continue
            try:
                await self.state.client.delete(REPLICA_SETS, name_of(item), namespace=namespace_of(item))
            except NotFound:
                continue

    # Status

    def _counted(self) -> Object:
        state = self.state
        return status.counted(state.deployment, state.all, state.new, state.clock.now())

    async def _write_progress(self) -> timedelta | None:
        state, now = self.state, self.state.clock.now()
        return await self._write(status.progressed(state.deployment, self._counted(), state.all, state.new, now))

    async def _write(self, wanted: Object) -> timedelta | None:
        if wanted != status_of(self.state.deployment):
            await self.state.update_status(wanted)
            return None
        return status.time_left(self.state.deployment, wanted, self.state.clock.now())


def _is_spent(item: Object) -> bool:
    is_seen = count(item, "observedGeneration") >= int(item["metadata"].get("generation") or 0)
    return is_seen and count(item, "replicas") == 0 and replicas(item) == 0
