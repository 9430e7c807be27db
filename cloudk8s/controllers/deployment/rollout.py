"""One reconciliation of one Deployment: size its ReplicaSets, make the new one, write status.

It works on copies of its own: what it wrote is what it goes on with.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import timedelta

from cloudk8s.client.events import EventRecorder
from cloudk8s.client.interface import Client, Object
from cloudk8s.client.objects import (
    annotations_of,
    controller_reference,
    is_controlled_by,
    is_deleting,
    name_of,
    namespace_of,
    spec_of,
    status_of,
    uid_of,
)
from cloudk8s.client.resources import DEPLOYMENTS, REPLICA_SETS
from cloudk8s.controllers import conditions
from cloudk8s.controllers.deployment import scaling, status
from cloudk8s.controllers.deployment.annotations import (
    DESIRED_REPLICAS,
    MAX_REPLICAS,
    NOT_COPIED,
    REVISION,
    ROLLBACK_TO,
    annotate,
    revision,
)
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
    max_surge,
    max_unavailable,
    may_scale_down,
    new_size,
    replicas,
)
from cloudk8s.controllers.deployment.template import (
    HASH_LABEL,
    is_same,
    with_label,
    without_label,
)
from cloudk8s.controllers.pod_template.hashing import template_hash
from cloudk8s.controllers.pods import is_namespace_terminating
from cloudk8s.errors import AlreadyExists, Conflict, NotFound, StatusError
from cloudk8s.machinery import codec
from cloudk8s.machinery.clock import Clock


@dataclass(slots=True)
class Rollout:
    """See the module. `sets` are the Deployment's ReplicaSets, `has_old_pods` whether pods of others still run."""

    client: Client
    clock: Clock
    events: EventRecorder
    deployment: Object
    sets: list[Object]
    has_old_pods: Callable[[Object | None], bool]
    kubernetes_version: str
    new: Object | None = field(default=None)

    async def run(self) -> timedelta | None:
        """Do what can be done now; returns when to look again."""
        self.new = find_new(self.deployment, self.sets)
        if is_deleting(self.deployment):
            return await self._write(self._counted())
        await self._check_paused()
        if spec_of(self.deployment).get("paused"):
            return await self._resize()
        if ROLLBACK_TO in annotations_of(self.deployment):
            await self._roll_back()
            return None
        if is_scaling(self.deployment, self.sets):
            return await self._resize()
        return await (self._recreate() if is_recreate(self.deployment) else self._roll())

    @property
    def old(self) -> list[Object]:
        """Every ReplicaSet but the new one."""
        return [item for item in self.sets if self.new is None or uid_of(item) != uid_of(self.new)]

    # Strategies

    async def _roll(self) -> timedelta | None:
        await self._ensure_new()
        if self.new is None:
            return None
        if not await self._grow_new() and not await self._shrink_old() and self._is_complete():
            await self._clean_up()
        return await self._write_progress()

    async def _recreate(self) -> timedelta | None:
        await self._sync_revision()
        running = active(self.old)
        for item in running:
            await self._scale(item, 0)
        if running or self._old_pods_remain():
            return await self._write_progress()
        await self._ensure_new()
        if self.new is None:
            return None
        await self._scale(self.new, replicas(self.deployment))
        if self._is_complete():
            await self._clean_up()
        return await self._write_progress()

    def _old_pods_remain(self) -> bool:
        return actual(self.old) > 0 or self.has_old_pods(self.new)

    def _is_complete(self) -> bool:
        return is_complete(self.deployment, dict(status_of(self.deployment)))

    async def _grow_new(self) -> bool:
        assert self.new is not None
        wanted = replicas(self.deployment)
        if replicas(self.new) == wanted:
            return False
        size = wanted if replicas(self.new) > wanted else new_size(self.deployment, self.sets, self.new)
        return await self._scale(self.new, size)

    async def _shrink_old(self) -> bool:
        if sum(replicas(item) for item in self.old) == 0:
            return False
        room = may_scale_down(self.deployment, self.sets, self.new)
        if room <= 0:
            return False
        cleaned = await self._shrink_unhealthy(room)
        return await self._shrink_available() + cleaned > 0

    async def _shrink_unhealthy(self, room: int) -> int:
        """First what is not available anyway: losing it costs nothing."""
        done = 0
        for item in by_creation(self.old):
            unhealthy = replicas(item) - available(item)
            if replicas(item) and unhealthy > 0 and done < room:
                step = min(room - done, unhealthy)
                await self._scale(item, replicas(item) - step)
                done += step
        return done

    async def _shrink_available(self) -> int:
        """Then as much as the pods that are available allow."""
        minimum = replicas(self.deployment) - max_unavailable(self.deployment)
        room, done = sum(available(item) for item in self.sets) - minimum, 0
        for item in by_creation(self.old):
            if replicas(item) and done < room:
                step = min(replicas(item), room - done)
                await self._scale(item, replicas(item) - step)
                done += step
        return done

    # Scaling

    async def _resize(self) -> timedelta | None:
        """`spec.replicas` changed, or the Deployment is paused: size what is there, roll nothing."""
        await self._sync_revision()
        only = scaling.active_or_latest(self.new, self.old)
        if only is not None:
            await self._scale(only, replicas(self.deployment))
        elif is_saturated(self.deployment, self.new):
            for item in active(self.old):
                await self._scale(item, 0)
        elif not is_recreate(self.deployment):
            await self._scale_in_proportion()
        if spec_of(self.deployment).get("paused") and ROLLBACK_TO not in annotations_of(self.deployment):
            await self._clean_up()
        return await self._write(self._counted())

    async def _scale_in_proportion(self) -> None:
        sizes = scaling.proportional_sizes(self.deployment, active(self.sets))
        by_name = {name_of(item): item for item in self.sets}
        for name, size in sizes.items():
            await self._scale(by_name[name], size, even_if_same=True)

    async def _scale(self, item: Object, size: int, *, even_if_same: bool = False) -> bool:
        """Give a ReplicaSet a size and note what it was derived from; whether the size changed."""
        before = replicas(item)
        if before == size and not even_if_same:
            return False
        if before == size and self._sizes().items() <= annotations_of(item).items():
            return False
        changed = codec.copy(item)
        changed["spec"]["replicas"] = size
        changed["metadata"]["annotations"] = {**annotations_of(item), **self._sizes()}
        self._replace(await self.client.update(REPLICA_SETS, changed))
        if before == size:
            return False
        direction = "up" if size > before else "down"
        message = f"Scaled {direction} replica set {name_of(item)} from {before} to {size}"
        self.events.normal(self.deployment, "ScalingReplicaSet", message)
        return True

    def _sizes(self) -> dict[str, str]:
        wanted = replicas(self.deployment)
        return {DESIRED_REPLICAS: str(wanted), MAX_REPLICAS: str(wanted + max_surge(self.deployment))}

    def _replace(self, item: Object) -> None:
        self.sets = [item if uid_of(other) == uid_of(item) else other for other in self.sets]
        if self.new is not None and uid_of(self.new) == uid_of(item):
            self.new = item

    # The new ReplicaSet

    async def _sync_revision(self) -> None:
        """Bring the existing new ReplicaSet's annotations in order; make none."""
        if self.new is not None:
            await self._found(self.new)

    async def _ensure_new(self) -> None:
        """Find or make the ReplicaSet of the current template; it stays None if that cannot be done now."""
        if self.new is not None:
            await self._found(self.new)
        else:
            await self._make()

    async def _found(self, new: Object) -> None:
        changed = codec.copy(new)
        is_changed = annotate(changed, self.deployment, self._next_revision())
        if spec_of(new).get("minReadySeconds") != spec_of(self.deployment).get("minReadySeconds"):
            _set(changed["spec"], "minReadySeconds", spec_of(self.deployment).get("minReadySeconds"))
            is_changed = True
        if is_changed:
            new = await self.client.update(REPLICA_SETS, changed)
            self._replace(new)
        found = status_of(self.deployment).get("conditions")
        is_first = has_deadline(self.deployment) and conditions.find(found, "Progressing") is None
        message = f'Found new replica set "{name_of(new)}"'
        await self._note_revision(new, self._progressing(status.FOUND, message) if is_first else None)

    async def _make(self) -> None:
        collisions = status_of(self.deployment).get("collisionCount")
        template, version = spec_of(self.deployment)["template"], self.kubernetes_version
        made = self._new_replica_set(template_hash(template, collisions, kubernetes_version=version))
        made["spec"]["replicas"] = new_size(self.deployment, [*self.sets, made], made)
        made["metadata"]["annotations"] |= self._sizes()
        try:
            new = await self.client.create(REPLICA_SETS, made, namespace=namespace_of(self.deployment))
        except AlreadyExists:
            new = await self._existing(made)
        except StatusError as error:
            if is_namespace_terminating(error):
                return
            await self._cannot_make(made, error)
            raise
        else:
            if size := replicas(new):
                message = f"Scaled up replica set {name_of(new)} from 0 to {size}"
                self.events.normal(self.deployment, "ScalingReplicaSet", message)
        self.new = new
        self.sets.append(new)
        message = f'Created new replica set "{name_of(new)}"'
        wanted = self._progressing(status.NEW, message) if has_deadline(self.deployment) else None
        await self._note_revision(new, wanted)

    def _new_replica_set(self, hash: str) -> Object:
        spec = codec.copy(dict(spec_of(self.deployment)))
        template = with_label(spec["template"], hash)
        selector = spec.get("selector") or {}
        made: Object = {
            "apiVersion": "apps/v1",
            "kind": "ReplicaSet",
            "metadata": {
                "name": f"{name_of(self.deployment)}-{hash}",
                "namespace": namespace_of(self.deployment),
                "labels": template["metadata"]["labels"],
                "annotations": {},
                "ownerReferences": [controller_reference(self.deployment, DEPLOYMENTS)],
            },
            "spec": {
                "replicas": 0,
                "selector": {**selector, "matchLabels": {**(selector.get("matchLabels") or {}), HASH_LABEL: hash}},
                "template": template,
            },
        }
        _set(made["spec"], "minReadySeconds", spec.get("minReadySeconds"))
        annotate(made, self.deployment, self._next_revision())
        return made

    async def _existing(self, made: Object) -> Object:
        """Somebody has the name: it is ours (the cache was old), or two templates have one hash."""
        name, namespace = name_of(made), namespace_of(made)
        found = await self.client.get(REPLICA_SETS, name, namespace=namespace)
        template = spec_of(self.deployment)["template"]
        if is_controlled_by(found, self.deployment) and is_same(spec_of(found)["template"], template):
            return found
        collisions = int(status_of(self.deployment).get("collisionCount") or 0) + 1
        await self._update_status({**status_of(self.deployment), "collisionCount": collisions})
        raise Conflict(f"ReplicaSet {namespace}/{name} is another one's; trying the next name")

    async def _cannot_make(self, made: Object, error: StatusError) -> None:
        message = f'Failed to create new replica set "{name_of(made)}": {error.message}'
        if has_deadline(self.deployment):
            failed = status.condition("Progressing", "False", status.FAILED_CREATE, message, self.clock.now())
            found = status.with_condition(status_of(self.deployment).get("conditions"), failed)
            await self._update_status({**status_of(self.deployment), "conditions": found})
        self.events.warning(self.deployment, status.FAILED_CREATE, message)

    def _next_revision(self) -> int:
        return max((revision(item) for item in self.old), default=0) + 1

    def _progressing(self, reason: str, message: str) -> conditions.Condition:
        return status.condition("Progressing", "True", reason, message, self.clock.now())

    async def _note_revision(self, new: Object, progressing: conditions.Condition | None) -> None:
        """Write the new ReplicaSet's revision, and a condition, to the Deployment if they are not there yet."""
        number = annotations_of(new).get(REVISION, "")
        found = dict(status_of(self.deployment))
        if annotations_of(self.deployment).get(REVISION) == number and progressing is None:
            return
        annotations = {**annotations_of(self.deployment), REVISION: number}
        if progressing is not None:
            found = {**found, "conditions": status.with_condition(found.get("conditions"), progressing)}
        metadata = {**self.deployment["metadata"], "annotations": annotations}
        self.deployment = {**self.deployment, "metadata": metadata}
        await self._update_status(found)

    # Rollback, pause, history

    async def _roll_back(self) -> None:
        """Go back to the revision that the annotation asks for (0: the last one), then remove the annotation."""
        wanted = _integer(annotations_of(self.deployment)[ROLLBACK_TO])
        earlier = sorted(self.sets, key=revision)
        if wanted == 0:
            wanted = revision(earlier[-2]) if len(earlier) > 1 else 0
            if wanted == 0:
                message = "Unable to find last revision."
                self.events.warning(self.deployment, "DeploymentRollbackRevisionNotFound", message)
        target = next((item for item in earlier if wanted and revision(item) == wanted), None)
        changed = codec.copy(self.deployment)
        del changed["metadata"]["annotations"][ROLLBACK_TO]
        if target is not None:
            self._take_template(changed, target, wanted)
        elif wanted:
            message = "Unable to find the revision to rollback to."
            self.events.warning(self.deployment, "DeploymentRollbackRevisionNotFound", message)
        await self.client.update(DEPLOYMENTS, changed)

    def _take_template(self, changed: Object, target: Object, number: int) -> None:
        if is_same(spec_of(target)["template"], spec_of(changed)["template"]):
            message = "The rollback revision contains the same template as current deployment "
            message += f'"{name_of(changed)}"'
            self.events.warning(self.deployment, "DeploymentRollbackTemplateUnchanged", message)
            return
        changed["spec"]["template"] = codec.copy(without_label(spec_of(target)["template"]))
        kept = {k: v for k, v in annotations_of(changed).items() if k in NOT_COPIED}
        changed["metadata"]["annotations"] = kept | {
            k: v for k, v in annotations_of(target).items() if k not in NOT_COPIED
        }
        message = f'Rolled back deployment "{name_of(changed)}" to revision {number}'
        self.events.normal(self.deployment, "DeploymentRollback", message)

    async def _check_paused(self) -> None:
        """Note in the Progressing condition that the Deployment was paused or resumed, so that no deadline runs."""
        if not has_deadline(self.deployment):
            return
        found = status_of(self.deployment).get("conditions")
        current = conditions.find(found, "Progressing")
        if current is not None and current.get("reason") == status.TIMED_OUT:
            return
        is_paused = bool(spec_of(self.deployment).get("paused"))
        was_paused = current is not None and current.get("reason") == status.PAUSED
        if is_paused == was_paused:
            return
        reason = status.PAUSED if is_paused else status.RESUMED
        message = "Deployment is paused" if is_paused else "Deployment is resumed"
        noted = status.condition("Progressing", "Unknown", reason, message, self.clock.now())
        await self._update_status({**status_of(self.deployment), "conditions": status.with_condition(found, noted)})

    async def _clean_up(self) -> None:
        """Delete the oldest ReplicaSets beyond the history limit that have no pods left."""
        limit = spec_of(self.deployment).get("revisionHistoryLimit")
        if limit is None or limit == UNLIMITED:
            return
        kept = sorted((item for item in self.old if not is_deleting(item)), key=revision)
        for item in kept[: max(0, len(kept) - int(limit))]:
            if not _is_spent(item):
                continue
            try:
                await self.client.delete(REPLICA_SETS, name_of(item), namespace=namespace_of(item))
            except NotFound:
                continue

    # Status

    def _counted(self) -> Object:
        return status.counted(self.deployment, self._visible(), self.new, self.clock.now())

    def _visible(self) -> Sequence[Object]:
        return [*self.old, *([self.new] if self.new else [])]

    async def _write_progress(self) -> timedelta | None:
        now = self.clock.now()
        wanted = status.progressed(self.deployment, self._counted(), self._visible(), self.new, now)
        return await self._write(wanted)

    async def _write(self, wanted: Object) -> timedelta | None:
        if wanted != status_of(self.deployment):
            await self._update_status(wanted)
            return None
        return status.time_left(self.deployment, wanted, self.clock.now())

    async def _update_status(self, wanted: Object) -> None:
        changed = {**self.deployment, "status": wanted}
        self.deployment = await self.client.update(DEPLOYMENTS, changed, subresource="status")


def _is_spent(item: Object) -> bool:
    is_seen = count(item, "observedGeneration") >= int(item["metadata"].get("generation") or 0)
    return is_seen and count(item, "replicas") == 0 and replicas(item) == 0


def _set(target: Object, name: str, value: object) -> None:
    if value is None:
        target.pop(name, None)
    else:
        target[name] = value


def _integer(text: str) -> int:
    try:
        return int(text)
    except ValueError:
        return 0
