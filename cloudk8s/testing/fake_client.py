"""An API server in memory, as a `Client`: for tests of whatever talks to the API.

It keeps upstream's rules that reconcilers depend on: resource versions and conflicts, generated names, generation,
the split between spec and status, finalizers and deletion timestamps, graceful pod deletion, namespaces that
terminate, propagation policies as finalizers, selectors, pages, resumable watches and 410. It has no schemas: nothing
is defaulted or validated, so hand it whole objects. Garbage collection is left to the garbage collector.

Faults: `on` hooks into requests, `drop_watches` cuts connections, `compact` forgets history; `observe` looks at what
every change left behind.
"""

from __future__ import annotations

import asyncio
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
    WatchEventType,
)
from cloudk8s.client.objects import key as key_for
from cloudk8s.client.resources import BUILT_IN
from cloudk8s.errors import AlreadyExists, BadRequest, Conflict, Expired, Forbidden, NotFound
from cloudk8s.machinery import codec
from cloudk8s.machinery.clock import Clock, SystemClock
from cloudk8s.testing import fake_discovery, fake_subresources
from cloudk8s.testing.fake_patches import patched
from cloudk8s.testing.fake_selection import fields_match, labels_match

Kind = tuple[str, str]
"""Group and plural; versions of one resource share their objects."""

_MODIFIED = "the object has been modified; please apply your changes to the latest version and try again"
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


@dataclass(frozen=True, slots=True)
class _Change:
    version: int
    kind: Kind
    type: WatchEventType
    object: Object
    previous: Object | None


class _Watch:
    """One open watch: what is still to be delivered; None ends it."""

    def __init__(self, kind: Kind, namespace: str, options: ListOptions) -> None:
        self.kind = kind
        self.namespace = namespace
        self.options = options
        self.queue: asyncio.Queue[WatchEvent | None] = asyncio.Queue()

    def offer(self, change: _Change) -> None:
        """Deliver a change as this watch's selectors see it."""
        if change.kind != self.kind:
            return
        now = change.type != "DELETED" and _selected(change.object, self.namespace, self.options)
        before = change.previous is not None and _selected(change.previous, self.namespace, self.options)
        if now:
            self.queue.put_nowait(WatchEvent("MODIFIED" if before else "ADDED", change.object))
        elif before:
            self.queue.put_nowait(WatchEvent("DELETED", change.object))


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
        self._require_namespaces = require_namespaces
        self._has_watch_list = has_watch_list
        self._random = random.Random(seed)
        self._version = 1
        self._oldest = 1
        self._objects: dict[Kind, dict[str, Object]] = {}
        self._history: list[_Change] = []
        self._watches: list[_Watch] = []
        self._reactions: list[Callable[[Action], None]] = []
        self._observers: list[Callable[[], None]] = []
        for obj in objects:
            self.add(obj)

    # For tests

    def add(self, obj: Object) -> Object:
        """Put an object in as it is (status included), as if it had been there; returns what is stored."""
        resource = next(r for r in self.resources if (r.api_version, r.kind) == (obj["apiVersion"], obj["kind"]))
        obj = self._new(resource, codec.copy(obj), obj["metadata"].get("namespace", ""))
        return self._store(resource, obj, None)

    def on(self, reaction: Callable[[Action], None]) -> Callable[[], None]:
        """Call `reaction` before every request; what it raises is the answer. Returns how to stop it."""
        self._reactions.append(reaction)
        return lambda: self._reactions.remove(reaction)

    def observe(self, observer: Callable[[], None]) -> None:
        """Call `observer` after every change: invariants are looked at when nothing else has happened since."""
        self._observers.append(observer)

    def drop_watches(self) -> None:
        """Cut all watch connections, cleanly."""
        for watch in list(self._watches):
            watch.queue.put_nowait(None)

    def compact(self) -> None:
        """Forget history: watches from older revisions answer 410."""
        self._oldest = self._version
        self._history.clear()

    def peek(self, resource: Resource, name: str, namespace: str = "") -> Object | None:
        """An object without a request."""
        return self._kind(resource).get(key_for(namespace, name))

    def all(self, resource: Resource, namespace: str = "") -> list[Object]:
        """All objects without a request, ordered by key."""
        held = self._kind(resource)
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
        held = self._kind(resource)
        version, _, after = options.continue_token.partition("|")
        if version and int(version) < self._oldest:
            raise Expired("The provided continue parameter is too old")
        keys = [k for k in sorted(held) if k > after and _selected(held[k], namespace, options)]
        page = keys[: options.limit] if options.limit else keys
        remaining = len(keys) - len(page)
        version = version or str(self._version)
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
        key = _key(obj)
        if key in self._kind(resource):
            raise AlreadyExists(
                f'{_qualified(resource)} "{obj["metadata"]["name"]}" already exists',
                details=_details(resource, obj["metadata"]["name"]),
            )
        if _has_status(resource):
            obj.pop("status", None)
        if resource.plural == "pods":
            obj["status"] = {"phase": "Pending"}
        return obj if dry_run else self._store(resource, obj, None)

    async def update(self, resource: Resource, obj: Object, *, subresource: str = "", dry_run: bool = False) -> Object:
        metadata = obj["metadata"]
        name, namespace = metadata["name"], metadata.get("namespace", "")
        self._act(Action("update", resource, namespace, name, subresource, obj))
        old = self._existing(resource, name, namespace)
        if subresource == "scale":
            obj = fake_subresources.scaled(old, obj)
            subresource = ""
        version = metadata.get("resourceVersion")
        if version and version != old["metadata"]["resourceVersion"]:
            raise _conflict(resource, name, _MODIFIED)
        if metadata.get("uid") and metadata["uid"] != old["metadata"]["uid"]:
            raise _conflict(resource, name, "Precondition failed: UID")
        return self._write(resource, old, codec.copy(obj), subresource, dry_run)

    async def patch(
        self, resource: Resource, name: str, patch: Any, *, namespace: str = "", type: PatchType = "merge",
        subresource: str = "", field_manager: str = "", force: bool = False, dry_run: bool = False,
    ) -> Object:  # fmt: skip
        self._act(Action("patch", resource, namespace, name, subresource, patch))
        held = self._kind(resource).get(key_for(namespace, name))
        if held is None and type == "apply":
            return await self.create(
                resource, {**patch, "metadata": {**patch.get("metadata", {}), "name": name}}, namespace=namespace
            )
        old = self._existing(resource, name, namespace)
        if subresource == "scale":
            scale = patched(fake_subresources.scale_of(old, resource), patch, type)
            return self._write(resource, old, fake_subresources.scaled(old, scale), "", dry_run)
        wanted = patch.get("metadata", {}) if isinstance(patch, dict) else {}
        if wanted.get("uid") and wanted["uid"] != old["metadata"]["uid"]:
            raise _conflict(resource, name, "Precondition failed: UID")
        if wanted.get("resourceVersion") and wanted["resourceVersion"] != old["metadata"]["resourceVersion"]:
            raise _conflict(resource, name, _MODIFIED)
        return self._write(resource, old, patched(old, patch, type), subresource, dry_run)

    async def delete(
        self, resource: Resource, name: str, *, namespace: str = "", options: DeleteOptions = DeleteOptions()
    ) -> Object:
        self._act(Action("delete", resource, namespace, name, body=options))
        old = self._existing(resource, name, namespace)
        for field, wanted in (("uid", options.uid), ("resourceVersion", options.resource_version)):
            if wanted and wanted != old["metadata"][field]:
                raise _conflict(resource, name, f"Precondition failed: {field}")
        return old if options.dry_run else self._delete(resource, old, options)

    async def delete_collection(
        self, resource: Resource, *, namespace: str = "", options: ListOptions = ListOptions(),
        delete: DeleteOptions = DeleteOptions(),
    ) -> None:  # fmt: skip
        self._act(Action("deletecollection", resource, namespace, ""))
        for obj in [o for o in self._kind(resource).values() if _selected(o, namespace, options)]:
            self._delete(resource, obj, delete)

    @asynccontextmanager
    async def watch(
        self, resource: Resource, *, namespace: str = "", options: ListOptions = ListOptions(),
        send_initial_events: bool = False,
    ) -> AsyncIterator[AsyncIterator[WatchEvent]]:  # fmt: skip
        self._act(Action("watch", resource, namespace, "", body=options))
        if send_initial_events and not self._has_watch_list:
            raise BadRequest("sendInitialEvents is forbidden for watch unless the WatchList feature gate is enabled")
        watch = _Watch(_kind(resource), namespace, options)
        self._replay(watch, send_initial_events)
        self._watches.append(watch)
        try:
            yield _events(watch)
        finally:
            self._watches.remove(watch)

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

    def _kind(self, resource: Resource) -> dict[str, Object]:
        return self._objects.setdefault(_kind(resource), {})

    def _existing(self, resource: Resource, name: str, namespace: str) -> Object:
        held = self._kind(resource).get(key_for(namespace if resource.namespaced else "", name))
        if held is None:
            raise NotFound(f'{_qualified(resource)} "{name}" not found', details=_details(resource, name))
        return held

    def _check_namespace(self, resource: Resource, namespace: str) -> None:
        if not resource.namespaced:
            return
        found = self._objects.get(("", "namespaces"), {}).get(namespace)
        if found is None and self._require_namespaces:
            raise NotFound(f'namespaces "{namespace}" not found', details={"name": namespace, "kind": "namespaces"})
        if found is not None and found["metadata"].get("deletionTimestamp"):
            cause = {
                "reason": "NamespaceTerminating",
                "message": f"namespace {namespace} is being terminated",
                "field": "metadata.namespace",
            }
            raise Forbidden(
                f"unable to create new content in namespace {namespace} because it is being terminated",
                details={"causes": [cause]},
            )

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
        if _has_generation(resource):
            metadata.setdefault("generation", 1)
        if resource.plural == "namespaces":
            obj.setdefault("spec", {}).setdefault("finalizers", ["kubernetes"])
            obj.setdefault("status", {"phase": "Active"})
        return obj

    def _write(self, resource: Resource, old: Object, new: Object, subresource: str, dry_run: bool) -> Object:
        before, after = old["metadata"], new["metadata"]
        for field in (
            "uid",
            "creationTimestamp",
            "name",
            "namespace",
            "deletionTimestamp",
            "deletionGracePeriodSeconds",
            "generation",
        ):
            after.pop(field, None)
            if field in before:
                after[field] = before[field]
        if subresource == "status":
            new = {
                **old,
                "status": new.get("status"),
                "metadata": {
                    **after,
                    "finalizers": before.get("finalizers"),
                    "ownerReferences": before.get("ownerReferences"),
                    "labels": after.get("labels"),
                },
            }
            new = _without_none(new)
        elif subresource in ("", "resize", "ephemeralcontainers", "approval", "finalize"):
            if subresource == "finalize":
                new = {**old, "spec": new.get("spec", {}), "metadata": new["metadata"]}
            elif subresource == "approval":
                new = {**old, "status": new.get("status", {})}
            elif _has_status(resource):
                new["status"] = old.get("status")
                if new["status"] is None:
                    del new["status"]
            if "generation" in before and _spec_differs(new, old):
                new["metadata"]["generation"] = before["generation"] + 1
        if _same(new, old):
            return old
        return new if dry_run else self._store(resource, new, old)

    def _store(self, resource: Resource, new: Object, old: Object | None) -> Object:
        if old is not None and _is_finished(new, resource):
            return self._remove(resource, new)
        self._version += 1
        new["metadata"]["resourceVersion"] = str(self._version)
        self._kind(resource)[_key(new)] = new
        self._publish(_Change(self._version, _kind(resource), "MODIFIED" if old else "ADDED", new, old))
        return new

    def _delete(self, resource: Resource, old: Object, options: DeleteOptions) -> Object:
        new = codec.copy(old)
        metadata = new["metadata"]
        finalizers = [
            f
            for f in metadata.get("finalizers") or []
            if f not in ("orphan", "foregroundDeletion") or options.propagation_policy is None
        ]
        if options.propagation_policy in ("Orphan", "Foreground"):
            finalizers.append({"Orphan": "orphan", "Foreground": "foregroundDeletion"}[options.propagation_policy])
        if finalizers:
            metadata["finalizers"] = list(dict.fromkeys(finalizers))
        else:
            metadata.pop("finalizers", None)
        grace = self._grace(resource, old, options)
        if not finalizers and grace == 0 and resource.plural != "namespaces":
            return self._remove(resource, new)
        if not metadata.get("deletionTimestamp") or metadata.get("deletionGracePeriodSeconds", 0) > grace:
            metadata["deletionTimestamp"] = self._now()
            metadata["deletionGracePeriodSeconds"] = grace
            if "generation" in metadata:
                metadata["generation"] += 1
        if resource.plural == "namespaces":
            new["status"] = {**new.get("status", {}), "phase": "Terminating"}
        return old if _same(new, old) else self._store(resource, new, old)

    def _grace(self, resource: Resource, obj: Object, options: DeleteOptions) -> int:
        """Pods on a node end gracefully; a kubelet (or the test) deletes them again with 0."""
        if resource.plural != "pods" or not obj.get("spec", {}).get("nodeName"):
            return 0
        if obj.get("status", {}).get("phase") in ("Succeeded", "Failed"):
            return 0
        if options.grace_period_seconds is not None:
            return options.grace_period_seconds
        return int(obj["spec"].get("terminationGracePeriodSeconds", 30))

    def _remove(self, resource: Resource, obj: Object) -> Object:
        old = self._kind(resource).pop(_key(obj))
        self._version += 1
        last = {**obj, "metadata": {**obj["metadata"], "resourceVersion": str(self._version)}}
        self._publish(_Change(self._version, _kind(resource), "DELETED", last, old))
        return last

    def _publish(self, change: _Change) -> None:
        self._history.append(change)
        for watch in self._watches:
            watch.offer(change)
        for observer in self._observers:
            observer()

    def _replay(self, watch: _Watch, send_initial_events: bool) -> None:
        version = watch.options.resource_version
        if send_initial_events or version in ("", "0"):
            held = self._objects.get(watch.kind, {})
            for obj in [held[k] for k in sorted(held)]:
                if _selected(obj, watch.namespace, watch.options):
                    watch.queue.put_nowait(WatchEvent("ADDED", obj))
            if send_initial_events:
                annotations = {"k8s.io/initial-events-end": "true"}
                end = {"metadata": {"resourceVersion": str(self._version), "annotations": annotations}}
                watch.queue.put_nowait(WatchEvent("BOOKMARK", end))
            return
        if int(version) < self._oldest:
            raise Expired(f"too old resource version: {version} ({self._oldest})")
        for change in self._history:
            if change.version > int(version):
                watch.offer(change)

    def _now(self) -> str:
        return self.clock.now().strftime("%Y-%m-%dT%H:%M:%SZ")


async def _events(watch: _Watch) -> AsyncIterator[WatchEvent]:
    while (event := await watch.queue.get()) is not None:
        yield event


def _kind(resource: Resource) -> Kind:
    return resource.group, resource.plural


def _key(obj: Object) -> str:
    return key_for(obj["metadata"].get("namespace", ""), obj["metadata"]["name"])


def _qualified(resource: Resource) -> str:
    return f"{resource.plural}.{resource.group}" if resource.group else resource.plural


def _conflict(resource: Resource, name: str, message: str) -> Conflict:
    text = f'Operation cannot be fulfilled on {_qualified(resource)} "{name}": {message}'
    return Conflict(text, details=_details(resource, name))


def _details(resource: Resource, name: str) -> dict[str, Any]:
    details = {"name": name, "group": resource.group, "kind": resource.plural}
    return {field: value for field, value in details.items() if value}


def _selected(obj: Object, namespace: str, options: ListOptions) -> bool:
    metadata = obj["metadata"]
    if namespace and metadata.get("namespace", namespace) != namespace:
        return False
    if options.label_selector and not labels_match(options.label_selector, metadata.get("labels") or {}):
        return False
    return not options.field_selector or fields_match(options.field_selector, obj)


_WITHOUT_STATUS = frozenset({
    "configmaps", "secrets", "serviceaccounts", "endpoints", "events", "leases", "endpointslices",
    "controllerrevisions", "limitranges", "roles", "rolebindings", "clusterroles", "clusterrolebindings",
    "priorityclasses", "storageclasses", "csidrivers", "csinodes", "csistoragecapacities", "ipaddresses",
    "podtemplates", "networkpolicies",
})  # fmt: skip
_WITHOUT_GENERATION = _WITHOUT_STATUS - {"endpointslices", "networkpolicies"} | {
    "namespaces", "nodes", "services", "persistentvolumes", "persistentvolumeclaims", "resourcequotas",
    "certificatesigningrequests",
}  # fmt: skip


def _has_status(resource: Resource) -> bool:
    return resource.plural not in _WITHOUT_STATUS


def _has_generation(resource: Resource) -> bool:
    return resource.plural not in _WITHOUT_GENERATION


def _spec_differs(new: Object, old: Object) -> bool:
    ignored = ("metadata", "status")
    return {k: v for k, v in new.items() if k not in ignored} != {k: v for k, v in old.items() if k not in ignored}


def _same(new: Object, old: Object) -> bool:
    version = old["metadata"].get("resourceVersion")
    return {**new, "metadata": {**new["metadata"], "resourceVersion": version}} == old


def _without_none(obj: Object) -> Object:
    metadata = {k: v for k, v in obj["metadata"].items() if v is not None}
    return {**{k: v for k, v in obj.items() if v is not None}, "metadata": metadata}


def _is_finished(obj: Object, resource: Resource) -> bool:
    """An object on its way out that nothing holds any more."""
    metadata = obj["metadata"]
    if not metadata.get("deletionTimestamp") or metadata.get("finalizers"):
        return False
    if resource.plural == "namespaces":
        return not obj.get("spec", {}).get("finalizers")
    return not metadata.get("deletionGracePeriodSeconds")
