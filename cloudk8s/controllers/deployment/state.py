"""A Deployment and its ReplicaSets during one reconciliation, and what is written to them.

It works on copies of its own: what was written is what goes on.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from cloudk8s.client.events import EventRecorder
from cloudk8s.client.interface import Client, Object
from cloudk8s.client.objects import annotations_of, name_of, uid_of
from cloudk8s.client.resources import DEPLOYMENTS, REPLICA_SETS
from cloudk8s.controllers.deployment.annotations import DESIRED_REPLICAS, MAX_REPLICAS
from cloudk8s.controllers.deployment.sets import max_surge, replicas
from cloudk8s.machinery import codec
from cloudk8s.machinery.clock import Clock


@dataclass(slots=True)
class State:
    """`sets` are the Deployment's ReplicaSets, `new` the one of its present template, if there is one yet."""

    client: Client
    clock: Clock
    events: EventRecorder
    deployment: Object
    sets: list[Object]
    new: Object | None = field(default=None)

    @property
    def old(self) -> list[Object]:
        """Every ReplicaSet but the new one."""
        return [item for item in self.sets if self.new is None or uid_of(item) != uid_of(self.new)]

    @property
    def all(self) -> Sequence[Object]:
        """Old ones, then the new one."""
        return [*self.old, *([self.new] if self.new else [])]

    def sizes(self) -> dict[str, str]:
        """What a ReplicaSet notes of the Deployment's size, so that a later change is in proportion."""
        wanted = replicas(self.deployment)
        return {DESIRED_REPLICAS: str(wanted), MAX_REPLICAS: str(wanted + max_surge(self.deployment))}

    def replace(self, item: Object) -> None:
        """Go on with a ReplicaSet as it was written."""
        self.sets = [item if uid_of(other) == uid_of(item) else other for other in self.sets]
        if self.new is not None and uid_of(self.new) == uid_of(item):
            self.new = item

    async def scale(self, item: Object, size: int, *, even_if_same: bool = False) -> bool:
        """Give a ReplicaSet a size and note what it was derived from; whether the size changed."""
        before = replicas(item)
        if before == size and not even_if_same:
            return False
        if before == size and self.sizes().items() <= annotations_of(item).items():
            return False
        changed = codec.copy(item)
        changed["spec"]["replicas"] = size
        changed["metadata"]["annotations"] = {**annotations_of(item), **self.sizes()}
        self.replace(await self.client.update(REPLICA_SETS, changed))
        if before == size:
            return False
        direction = "up" if size > before else "down"
        message = f"Scaled {direction} replica set {name_of(item)} from {before} to {size}"
        self.events.normal(self.deployment, "ScalingReplicaSet", message)
        return True

    async def update_status(self, wanted: Object) -> None:
        changed = {**self.deployment, "status": wanted}
        self.deployment = await self.client.update(DEPLOYMENTS, changed, subresource="status")
