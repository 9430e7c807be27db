"""Brings objects from stage to stage: what changes is looked at, waits its delay, and is changed again.

    change ─→ queue ─→ choose, or keep what was chosen ─→ wait ─→ patch, finalizers, event, deletion ─→ change

A choice stands as long as its stage still matches the object, whatever else about the object changes meanwhile.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final, NamedTuple

from cloudk8s.client.discovery import discover
from cloudk8s.client.events import EventRecorder
from cloudk8s.client.informer import Informer, Informers
from cloudk8s.client.interface import Client, DeleteOptions, Object, PatchType, Resource
from cloudk8s.client.objects import finalizers_of, key_of, name_of, namespace_of, resource_version_of, uid_of
from cloudk8s.client.queue import WorkQueue, run_workers
from cloudk8s.client.resources import resource_of
from cloudk8s.errors import BadRequest, Forbidden, Invalid, NotFound
from cloudk8s.machinery import yaml_codec
from cloudk8s.machinery.clock import Clock
from cloudk8s_simulated.stages.choosing import chance_for, choose
from cloudk8s_simulated.stages.stage import Apply, Delete, Event, Finalizers, Patch, Stage, Step
from cloudk8s_simulated.stages.template import Template, TemplateError
from cloudk8s_simulated.stages.world import BY_NODE, World, node_of

_WORKERS: Final = 16
_NODE, _POD = ("v1", "Node"), ("v1", "Pod")
_MANAGER: Final = "kwok"
"""Who applies objects, as kwok calls itself."""
_LOOK_SECONDS: Final = 1.0
_AT_ONCE: Final = 16
"""How many stages may follow each other without a wait."""
_log = logging.getLogger(__name__)


class _Place(NamedTuple):
    """One object of one kind."""

    kind: tuple[str, str]
    key: str


@dataclass(frozen=True, slots=True)
class _Pending:
    """What was chosen for an object, and when it is due."""

    uid: str
    stage: Stage
    due: datetime


class StagePlayer:
    """Plays the stages of some kinds; `run` until cancelled. The same seed and clock give the same lives."""

    def __init__(
        self, client: Client, informers: Informers, kinds: Mapping[tuple[str, str], Sequence[Stage]], world: World, *,
        events: EventRecorder, seed: int, clock: Clock,
    ) -> None:  # fmt: skip
        self._client, self._informers, self._clock = client, informers, clock
        self._kinds, self._world, self._events, self._seed = kinds, world, events, seed
        self._queue: WorkQueue[_Place] = WorkQueue("simulated stages", clock=clock)
        self._resources: dict[tuple[str, str], Resource] = {}
        self._known: dict[tuple[str, str], Informer] = {}
        self._pending: dict[_Place, _Pending] = {}
        self._turns: dict[_Place, int] = {}

    async def run(self) -> None:
        """Follow the objects and bring them on."""
        async with asyncio.TaskGroup() as group:
            for kind in self._kinds:
                group.create_task(self._follow(kind), name=f"simulated {kind[1]}")
            group.create_task(run_workers(self._queue, _WORKERS, self._sync), name="simulated stages")

    def look_again(self, node: str) -> None:
        """A node came or went: look at it, and at its pods."""
        if _NODE in self._known:
            self._queue.add(_Place(_NODE, node))
        if _POD in self._known:
            for pod in self._known[_POD].by_index(BY_NODE, node):
                self._queue.add(_Place(_POD, key_of(pod)))

    async def _follow(self, kind: tuple[str, str]) -> None:
        while (resource := await self._resource(kind)) is None:
            await self._clock.sleep(_LOOK_SECONDS)
        informer = self._known[kind] = self._informers.of(resource)
        if kind == _POD:
            informer.add_index(BY_NODE, node_of)

        def on_change(old: Object | None, new: Object | None) -> None:
            self._queue.add(_Place(kind, key_of(new or old or {})))

        informer.add_handler(on_change)

    async def _resource(self, kind: tuple[str, str]) -> Resource | None:
        """The resource of a kind; that of a custom one may come later. What is known is not asked for again."""
        known = self._resources.get(kind) or resource_of({"apiVersion": kind[0], "kind": kind[1]})
        if known is None:
            known = (await discover(self._client)).by_kind().get(kind)
        if known is not None:
            self._resources[kind] = known
        return known

    async def _sync(self, place: _Place) -> timedelta | None:
        obj = self._known[place.kind].get_key(place.key)
        if obj is None:
            self._pending.pop(place, None)
            self._turns.pop(place, None)
            return None
        if not self._world.is_ours(obj):
            self._pending.pop(place, None)
            return None
        pending = self._decide(place, obj)
        if pending is None:
            return None
        if (left := pending.due - self._clock.now()) > timedelta(0):
            return left
        await self._play(place, obj, pending.stage)
        return None

    def _decide(self, place: _Place, obj: Object) -> _Pending | None:
        """What was chosen before, while it still fits; else a new choice."""
        pending = self._pending.get(place)
        if pending is not None and pending.uid == uid_of(obj) and pending.stage.selector.matches(obj):
            return pending
        turn = self._turns.get(place, 0)
        chance = chance_for(self._seed, place.kind[1], place.key, turn)
        now = self._clock.now()
        choice = choose(self._kinds[place.kind], obj, now, chance)
        if choice is None:
            self._pending.pop(place, None)
            return None
        self._turns[place] = turn + 1
        pending = self._pending[place] = _Pending(uid_of(obj), choice.stage, now + choice.delay)
        return pending

    async def _play(self, place: _Place, obj: Object, stage: Stage) -> None:
        """Carry the stage out; those that are to follow at once, too."""
        for _ in range(_AT_ONCE):
            self._pending.pop(place, None)
            for step in stage.steps:
                try:
                    obj = await self._take(place, obj, step)
                except (TemplateError, BadRequest, Forbidden, Invalid) as error:
                    # trying again would not help; the next change of the object may
                    _log.warning("stage %s of %s %s: %s", stage.name, stage.kind, place.key, error)
                    return
            if not stage.is_followed_at_once or (following := self._decide(place, obj)) is None:
                return
            stage = following.stage

    async def _take(self, place: _Place, obj: Object, step: Step) -> Object:
        """One step; returns the object as it is then."""
        resource, name, namespace = self._resources[place.kind], name_of(obj), namespace_of(obj)
        match step:
            case Patch():
                return await self._patch(resource, obj, step)
            case Apply():
                await self._apply(obj, step)
            case Finalizers():
                metadata = {"finalizers": step.of(finalizers_of(obj)), "resourceVersion": resource_version_of(obj)}
                return await self._client.patch(resource, name, {"metadata": metadata}, namespace=namespace)
            case Event():
                self._events.event(obj, step.type, step.reason, step.message, resource=resource)
            case Delete():
                options = DeleteOptions(grace_period_seconds=0, uid=uid_of(obj))
                await self._client.delete(resource, name, namespace=namespace, options=options)
        return obj

    async def _apply(self, obj: Object, step: Apply) -> None:
        """Make or change the object that the template is; without a namespace it is in that of `obj`.

        Raises NotFound where the server has no such kind, or not yet.
        """
        wanted = self._rendered(step.template, obj)
        body: Object = {**wanted, "metadata": wanted.get("metadata") or {}} if isinstance(wanted, Mapping) else {}
        if not (body.get("apiVersion") and body.get("kind") and body["metadata"].get("name")):
            raise TemplateError("an object to apply needs apiVersion, kind and a name")
        resource = await self._resource((body["apiVersion"], body["kind"]))
        if resource is None:
            raise NotFound(f"the server has no {body['kind']} of {body['apiVersion']}")
        if resource.namespaced:
            body["metadata"] = {"namespace": namespace_of(obj), **body["metadata"]}
        await self._client.patch(
            resource, str(body["metadata"]["name"]), body, namespace=namespace_of(body), type="apply",
            subresource=step.subresource, field_manager=_MANAGER, force=True,
        )  # fmt: skip

    def _rendered(self, template: Template, obj: Object) -> Any:
        text = template.render(obj, self._world.functions(obj))
        try:
            return yaml_codec.decode(text)
        except ValueError as error:
            raise TemplateError(f"what the template gives is no YAML: {error}") from error

    async def _patch(self, resource: Resource, obj: Object, step: Patch) -> Object:
        content: Any = self._rendered(step.template, obj)
        if content is None:
            return obj
        body = {step.root: content} if step.root else content
        return await self._client.patch(
            resource, name_of(obj), body,
            namespace=namespace_of(obj), type=_patch_type(step, resource), subresource=step.subresource,
        )  # fmt: skip


def _patch_type(step: Patch, resource: Resource) -> PatchType:
    """Strategic patches are for built-in kinds only."""
    is_built_in = resource_of({"apiVersion": resource.api_version, "kind": resource.kind}) is not None
    return "merge" if step.kind == "strategic" and not is_built_in else step.kind
