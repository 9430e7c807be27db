"""The ReplicaSet of a Deployment's present template: find it, make it, keep its annotations in order."""

from __future__ import annotations

from dataclasses import dataclass

from cloudk8s.client.interface import Object
from cloudk8s.client.objects import (
    annotations_of,
    controller_reference,
    is_controlled_by,
    name_of,
    namespace_of,
    spec_of,
    status_of,
)
from cloudk8s.client.resources import DEPLOYMENTS, REPLICA_SETS
from cloudk8s.controllers import conditions
from cloudk8s.controllers.deployment import status
from cloudk8s.controllers.deployment.annotations import REVISION, annotate, revision
from cloudk8s.controllers.deployment.sets import has_deadline, new_size, replicas
from cloudk8s.controllers.deployment.state import State
from cloudk8s.controllers.deployment.template import HASH_LABEL, is_same, with_label
from cloudk8s.controllers.pod_template.hashing import template_hash
from cloudk8s.controllers.pods import is_namespace_terminating
from cloudk8s.errors import AlreadyExists, Conflict, StatusError
from cloudk8s.machinery import codec


@dataclass(frozen=True, slots=True)
class NewSet:
    """Sets `state.new`."""

    state: State
    kubernetes_version: str

    async def sync(self) -> None:
        """Bring the annotations of the existing one in order; make none."""
        if self.state.new is not None:
            await self._found(self.state.new)

    async def ensure(self) -> Object | None:
        """Find or make it; None if that cannot be done now."""
        if self.state.new is not None:
            await self._found(self.state.new)
        else:
            await self._make()
        return self.state.new

    async def _found(self, new: Object) -> None:
        deployment = self.state.deployment
        changed = codec.copy(new)
        is_changed = annotate(changed, deployment, self._next_revision())
        if spec_of(new).get("minReadySeconds") != spec_of(deployment).get("minReadySeconds"):
            _set(changed["spec"], "minReadySeconds", spec_of(deployment).get("minReadySeconds"))
            is_changed = True
        if is_changed:
            new = await self.state.client.update(REPLICA_SETS, changed)
            self.state.replace(new)
        found = status_of(deployment).get("conditions")
        is_first = has_deadline(deployment) and conditions.find(found, "Progressing") is None
        message = f'Found new replica set "{name_of(new)}"'
        await self._note_revision(new, self._progressing(status.FOUND, message) if is_first else None)

    async def _make(self) -> None:
        deployment = self.state.deployment
        collisions = status_of(deployment).get("collisionCount")
        template, version = spec_of(deployment)["template"], self.kubernetes_version
        made = self._template(template_hash(template, collisions, kubernetes_version=version))
        made["spec"]["replicas"] = new_size(deployment, [*self.state.sets, made], made)
        made["metadata"]["annotations"] |= self.state.sizes()
        try:
            new = await self.state.client.create(REPLICA_SETS, made, namespace=namespace_of(deployment))
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
                self.state.events.normal(deployment, "ScalingReplicaSet", message)
        self.state.new = new
        self.state.sets.append(new)
        message = f'Created new replica set "{name_of(new)}"'
        wanted = self._progressing(status.NEW, message) if has_deadline(deployment) else None
        await self._note_revision(new, wanted)

    def _template(self, hash: str) -> Object:
        deployment = self.state.deployment
        spec = codec.copy(dict(spec_of(deployment)))
        template = with_label(spec["template"], hash)
        selector = spec.get("selector") or {}
        made: Object = {
            "apiVersion": "apps/v1",
            "kind": "ReplicaSet",
            "metadata": {
                "name": f"{name_of(deployment)}-{hash}",
                "namespace": namespace_of(deployment),
                "labels": template["metadata"]["labels"],
                "annotations": {},
                "ownerReferences": [controller_reference(deployment, DEPLOYMENTS)],
            },
            "spec": {
                "replicas": 0,
                "selector": {**selector, "matchLabels": {**(selector.get("matchLabels") or {}), HASH_LABEL: hash}},
                "template": template,
            },
        }
        _set(made["spec"], "minReadySeconds", spec.get("minReadySeconds"))
        annotate(made, deployment, self._next_revision())
        return made

    async def _existing(self, made: Object) -> Object:
        """Somebody has the name: it is ours (the cache was old), or two templates have one hash."""
        name, namespace, deployment = name_of(made), namespace_of(made), self.state.deployment
        found = await self.state.client.get(REPLICA_SETS, name, namespace=namespace)
        template = spec_of(deployment)["template"]
        if is_controlled_by(found, deployment) and is_same(spec_of(found)["template"], template):
            return found
        collisions = int(status_of(deployment).get("collisionCount") or 0) + 1
        await self.state.update_status({**status_of(deployment), "collisionCount": collisions})
        raise Conflict(f"ReplicaSet {namespace}/{name} is another one's; trying the next name")

    async def _cannot_make(self, made: Object, error: StatusError) -> None:
        message = f'Failed to create new replica set "{name_of(made)}": {error.message}'
        deployment, now = self.state.deployment, self.state.clock.now()
        if has_deadline(deployment):
            failed = status.condition("Progressing", "False", status.FAILED_CREATE, message, now)
            found = status.with_condition(status_of(deployment).get("conditions"), failed)
            await self.state.update_status({**status_of(deployment), "conditions": found})
        self.state.events.warning(deployment, status.FAILED_CREATE, message)

    def _next_revision(self) -> int:
        return max((revision(item) for item in self.state.old), default=0) + 1

    def _progressing(self, reason: str, message: str) -> conditions.Condition:
        return status.condition("Progressing", "True", reason, message, self.state.clock.now())

    async def _note_revision(self, new: Object, progressing: conditions.Condition | None) -> None:
        """Write the new ReplicaSet's revision, and a condition, to the Deployment if they are not there yet."""
        deployment = self.state.deployment
        number = annotations_of(new).get(REVISION, "")
        found = dict(status_of(deployment))
        if annotations_of(deployment).get(REVISION) == number and progressing is None:
            return
        annotations = {**annotations_of(deployment), REVISION: number}
        if progressing is not None:
            found = {**found, "conditions": status.with_condition(found.get("conditions"), progressing)}
        metadata = {**deployment["metadata"], "annotations": annotations}
        self.state.deployment = {**deployment, "metadata": metadata}
        await self.state.update_status(found)


def _set(target: Object, name: str, value: object) -> None:
    if value is None:
        target.pop(name, None)
    else:
        target[name] = value
