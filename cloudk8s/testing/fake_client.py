"""An API server in memory, as a `Client`: for tests of whatever talks to the API.

It keeps upstream's rules that reconcilers depend on: resource versions and conflicts, generated names, generation,
the split between spec and status, finalizers and deletion timestamps, graceful pod deletion, namespaces that
terminate, propagation policies as finalizers, selectors, pages, resumable watches and 410. It has no schemas: nothing
is defaulted or validated, so hand it whole objects. Garbage collection is left to the garbage collector.

Faults: `on` hooks into requests, `drop_watches` cuts connections, `compact` forgets history; `observe` looks at what
every change left behind.
"""

from __future__ import annotations

import random
import uuid
from collections.abc import AsyncIterator, Callable, Iterable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

from cloudk8s.client.interface import (
    DeleteOptions,
    ListOptions,
    Object,
    ObjectList,
    PatchType,
    Resource,
    WatchEvent,
)
from cloudk8s.client.objects import key as key_for
from cloudk8s.client.objects import key_of
from cloudk8s.client.resources import BUILT_IN, NAMESPACES
from cloudk8s.errors import BadRequest, Expired
from cloudk8s.machinery import codec
from cloudk8s.machinery.clock import Clock, SystemClock
from cloudk8s.machinery.times import format_time
from cloudk8s.testing import fake_discovery, fake_refusals, fake_subresources, fake_writes
from cloudk8s.testing.fake_patches import patched
from cloudk8s.testing.fake_selection import is_selected
from cloudk8s.testing.fake_store import FakeStore

_NAME_CHARACTERS = "bcdfghjklmnpqrstvwxz2456789"


@dataclass(frozen=True, slots=True)
class Action:
    """One request, as tests look at it."""

    verb: str
    resource: Resource
    namespace: str
    name: str
    subresource: str = ""
    body: Any = None


class FakeClient:
    """See the module. `clock` stamps creation and deletion; `seed` makes generated names repeatable."""

    def __init__(
        self,
        objects: Iterable[Object] = (),
        *,
        clock: Clock | None = None,
        seed: int = 0,
        resources: Iterable[Resource] = BUILT_IN,
        require_namespaces: bool = False,
        has_watch_list: bool = True,
    ) -> None:
        self.clock = clock or SystemClock()
        self.resources = list(resources)
        self.actions: list[Action] = []
        self.store = FakeStore()
        self._require_namespaces = require_namespaces
        self._has_watch_list = has_watch_list
        self._random = random.Random(seed)
        self._reactions: list[Callable[[Action], None]] = []
        for obj in objects:
            self.add(obj)

    # For tests

    def add(self, obj: Object) -> Object:
        """Put an object in as it is (status included), as if it had been there; returns what is stored."""
        resource = next(r for r in self.resources if (r.api_version, r.kind) == (obj["apiVersion"], obj["kind"]))
        obj = self._new(resource, codec.copy(obj), obj["metadata"].get("namespace", ""))
        return self.store.put(resource, obj, None)

    def on(self, reaction: Callable[[Action], None]) -> Callable[[], None]:
        """Call `reaction` before every request; what it raises is the answer. Returns how to stop it."""
        self._reactions.append(reaction)
        return lambda: self._reactions.remove(reaction)

    def observe(self, observer: Callable[[], None]) -> None:
        """Call `observer` after every change: invariants are looked at when nothing else has happened since."""
        self.store.observers.append(observer)

    def drop_watches(self) -> None:
        """Cut all watch connections, cleanly."""
        self.store.end_watches()

    def compact(self) -> None:
        """Forget history: watches from older revisions answer 410."""
        self.store.compact()

    def peek(self, resource: Resource, name: str, namespace: str = "") -> Object | None:
        """An object without a request."""
        return self.store.held(resource).get(key_for(namespace, name))

    def all(self, resource: Resource, namespace: str = "") -> list[Object]:
        """All objects without a request, ordered by key."""
        held = self.store.held(resource)
        return [held[k] for k in sorted(held) if not namespace or held[k]["metadata"].get("namespace") == namespace]

    # Client

    async def get(self, resource: Resource, name: str, *, namespace: str = "", subresource: str = "") -> Object:
        self._act(Action("get", resource, namespace, name, subresource))
        obj = self._existing(resource, name, namespace)
        return fake_subresources.scale_of(obj, resource) if subresource == "scale" else obj

    async def list(
        self, resource: Resource, *, namespace: str = "", options: ListOptions = ListOptions()
    ) -> ObjectList:
        self._act(Action("list", resource, namespace, ""))
        held = self.store.held(resource)
        version, _, after = options.continue_token.partition("|")
        if version and int(version) < self.store.oldest:
            raise Expired("The provided continue parameter is too old")
        keys = [k for k in sorted(held) if k > after and is_selected(held[k], namespace, options)]
        page = keys[: options.limit] if options.limit else keys
        remaining = len(keys) - len(page)
        version = version or str(self.store.version)
        token = f"{version}|{page[-1]}" if remaining else ""
        return ObjectList([held[k] for k in page], version, token, remaining or None)

    async def create(
        self, resource: Resource, obj: Object, *, namespace: str = "", name: str = "", subresource: str = "",
        dry_run: bool = False,
    ) -> Object:  # fmt: skip
        namespace = namespace or obj.get("metadata", {}).get("namespace", "")
        name = name or obj.get("metadata", {}).get("name", "")
        self._act(Action("create", resource, namespace, name, subresource, obj))
        if subresource:
            return await fake_subresources.create(self, resource, name, namespace, subresource, obj)
        self._check_namespace(resource, namespace)
        obj = self._new(resource, codec.copy(obj), namespace)
        if key_of(obj) in self.store.held(resource):
            raise fake_refusals.already_exists(resource, obj["metadata"]["name"])
        obj = fake_writes.created(resource, obj)
        return obj if dry_run else self.store.put(resource, obj, None)

    async def update(self, resource: Resource, obj: Object, *, subresource: str = "", dry_run: bool = False) -> Object:
        metadata = obj["metadata"]
        name, namespace = metadata["name"], metadata.get("namespace", "")
        self._act(Action("update", resource, namespace, name, subresource, obj))
        old = self._existing(resource, name, namespace)
        if subresource == "scale":
            obj = fake_subresources.scaled(old, obj)
            subresource = ""
        self._check(resource, old, metadata)
        return self._write(resource, old, codec.copy(obj), subresource, dry_run)

    async def patch(
        self, resource: Resource, name: str, patch: Any, *, namespace: str = "", type: PatchType = "merge",
        subresource: str = "", field_manager: str = "", force: bool = False, dry_run: bool = False,
    ) -> Object:  # fmt: skip
        self._act(Action("patch", resource, namespace, name, subresource, patch))
        if self.peek(resource, name, namespace) is None and type == "apply":
            return await self.create(
                resource, {**patch, "metadata": {**patch.get("metadata", {}), "name": name}}, namespace=namespace
            )
        old = self._existing(resource, name, namespace)
        if subresource == "scale":
            scale = patched(fake_subresources.scale_of(old, resource), patch, type)
            return self._write(resource, old, fake_subresources.scaled(old, scale), "", dry_run)
        wanted = patch.get("metadata", {}) if isinstance(patch, dict) else {}
        self._check(resource, old, wanted)
        return self._write(resource, old, patched(old, patch, type), subresource, dry_run)

    async def delete(
        self, resource: Resource, name: str, *, namespace: str = "", options: DeleteOptions = DeleteOptions()
    ) -> Object:
        self._act(Action("delete", resource, namespace, name, body=options))
        old = self._existing(resource, name, namespace)
        for field, wanted in (("uid", options.uid), ("resourceVersion", options.resource_version)):
            fake_refusals.check_precondition(resource, old, field, wanted, f"Precondition failed: {field}")
        return old if options.dry_run else self._delete(resource, old, options)

    async def delete_collection(
        self, resource: Resource, *, namespace: str = "", options: ListOptions = ListOptions(),
        delete: DeleteOptions = DeleteOptions(),
    ) -> None:  # fmt: skip
        self._act(Action("deletecollection", resource, namespace, ""))
        for obj in [o for o in self.store.held(resource).values() if is_selected(o, namespace, options)]:
            self._delete(resource, obj, delete)

    @asynccontextmanager
    async def watch(
        self, resource: Resource, *, namespace: str = "", options: ListOptions = ListOptions(),
        send_initial_events: bool = False,
    ) -> AsyncIterator[AsyncIterator[WatchEvent]]:  # fmt: skip
        self._act(Action("watch", resource, namespace, "", body=options))
        if send_initial_events and not self._has_watch_list:
            raise BadRequest("sendInitialEvents is forbidden for watch unless the WatchList feature gate is enabled")
        watch = self.store.open(resource, namespace, options, with_initial=send_initial_events)
        try:
            yield watch.events()
        finally:
            self.store.close(watch)

    async def request(
        self, method: str, path: str, *, query: Mapping[str, str] | None = None, body: Any = None,
        headers: Mapping[str, str] | None = None,
    ) -> Any:  # fmt: skip
        self._act(Action(method.lower(), Resource("", "", "", ""), "", path, body=body))
        return fake_discovery.answer(self.resources, method, path)

    async def close(self) -> None:
        self.drop_watches()

    # The server's side

    def _act(self, action: Action) -> None:
        self.actions.append(action)
        for reaction in list(self._reactions):
            reaction(action)

    def _existing(self, resource: Resource, name: str, namespace: str) -> Object:
        held = self.peek(resource, name, namespace if resource.namespaced else "")
        if held is None:
            raise fake_refusals.not_found(resource, name)
        return held

    def _check(self, resource: Resource, held: Object, wanted: Mapping[str, Any]) -> None:
        version, uid = wanted.get("resourceVersion"), wanted.get("uid")
        fake_refusals.check_precondition(resource, held, "resourceVersion", version, fake_refusals.MODIFIED)
        fake_refusals.check_precondition(resource, held, "uid", uid, "Precondition failed: UID")

    def _check_namespace(self, resource: Resource, namespace: str) -> None:
        if resource.namespaced:
            found = self.peek(NAMESPACES, namespace)
            fake_refusals.check_namespace(namespace, found, must_exist=self._require_namespaces)

    def _new(self, resource: Resource, obj: Object, namespace: str) -> Object:
        metadata = obj.setdefault("metadata", {})
        obj.update(apiVersion=resource.api_version, kind=resource.kind)
        if not metadata.get("name"):
            suffix = "".join(self._random.choices(_NAME_CHARACTERS, k=5))
            metadata["name"] = metadata["generateName"] + suffix
        if resource.namespaced:
            metadata["namespace"] = namespace
        metadata.setdefault("uid", str(uuid.UUID(int=self._random.getrandbits(128), version=4)))
        metadata.setdefault("creationTimestamp", self._now())
        fake_writes.fill(resource, obj)
        return obj

    def _write(self, resource: Resource, old: Object, new: Object, subresource: str, dry_run: bool) -> Object:
        new = fake_writes.updated(resource, old, new, subresource)
        if fake_writes.is_same(new, old):
            return old
        return new if dry_run else self.store.put(resource, new, old)

    def _delete(self, resource: Resource, old: Object, options: DeleteOptions) -> Object:
        new = fake_writes.deleted(resource, old, options, self._now())
        if new is None:
            return self.store.remove(resource, old)
        return old if fake_writes.is_same(new, old) else self.store.put(resource, new, old)

    def _now(self) -> str:
        return format_time(self.clock.now())
