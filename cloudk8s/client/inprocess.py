"""The client contract over an API server in the same process: no socket, no copy, the same rules."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any, Final

from cloudk8s.apiserver.local import LocalApi, joined
from cloudk8s.client.interface import DeleteOptions, ListOptions, Object, ObjectList, PatchType, Resource, WatchEvent
from cloudk8s.machinery import codec

_PATCH_TYPES: Final = {
    "json": "application/json-patch+json",
    "merge": "application/merge-patch+json",
    "strategic": "application/strategic-merge-patch+json",
    "apply": "application/apply-patch+yaml",
}


class InProcessClient:
    """See `interface.Client`."""

    def __init__(self, api: LocalApi) -> None:
        self._api = api

    async def get(self, resource: Resource, name: str, *, namespace: str = "", subresource: str = "") -> Object:
        if subresource and subresource != "status":
            return await self._send("GET", resource.path(namespace, name, subresource))
        if self._api.is_shared:
            await self._api.newest()
        return self._api.get(resource.path(namespace, name))

    async def list(
        self, resource: Resource, *, namespace: str = "", options: ListOptions = ListOptions()
    ) -> ObjectList:
        if self._api.is_shared and not (options.continue_token or options.resource_version):
            await self._api.newest()
        items, revision, token, remaining = self._api.list(
            resource.path(namespace),
            label_selector=options.label_selector,
            field_selector=options.field_selector,
            limit=options.limit,
            token=options.continue_token,
        )
        return ObjectList(items, str(revision), token, remaining)

    async def create(
        self, resource: Resource, obj: Object, *, namespace: str = "", name: str = "", subresource: str = "",
        dry_run: bool = False,
    ) -> Object:  # fmt: skip
        namespace = namespace or obj.get("metadata", {}).get("namespace", "")
        return await self._send("POST", resource.path(namespace, name, subresource), _dry(dry_run), obj)

    async def update(self, resource: Resource, obj: Object, *, subresource: str = "", dry_run: bool = False) -> Object:
        metadata = obj["metadata"]
        path = resource.path(metadata.get("namespace", ""), metadata["name"], subresource)
        return await self._send("PUT", path, _dry(dry_run), obj)

    async def patch(
        self, resource: Resource, name: str, patch: Any, *, namespace: str = "", type: PatchType = "merge",
        subresource: str = "", field_manager: str = "", force: bool = False, dry_run: bool = False,
    ) -> Object:  # fmt: skip
        query = _dry(dry_run)
        if field_manager:
            query["fieldManager"] = field_manager
        if force:
            query["force"] = "true"
        headers = {"content-type": _PATCH_TYPES[type]}
        return await self._send("PATCH", resource.path(namespace, name, subresource), query, patch, headers)

    async def delete(
        self, resource: Resource, name: str, *, namespace: str = "",
        options: DeleteOptions = DeleteOptions(),
    ) -> Object:  # fmt: skip
        return await self._send("DELETE", resource.path(namespace, name), None, delete_body(options))

    async def delete_collection(
        self, resource: Resource, *, namespace: str = "", options: ListOptions = ListOptions(),
        delete: DeleteOptions = DeleteOptions(),
    ) -> None:  # fmt: skip
        query = {"labelSelector": options.label_selector, "fieldSelector": options.field_selector}
        query = {key: value for key, value in query.items() if value}
        await self._api.call("DELETE", resource.path(namespace), query, delete_body(delete))

    def watch(
        self, resource: Resource, *, namespace: str = "", options: ListOptions = ListOptions(),
        send_initial_events: bool = False,
    ) -> AbstractAsyncContextManager[AsyncIterator[WatchEvent]]:  # fmt: skip
        return self._watch(resource.path(namespace), resource, options, send_initial_events)

    @asynccontextmanager
    async def _watch(
        self, path: str, resource: Resource, options: ListOptions, initial: bool
    ) -> AsyncIterator[AsyncIterator[WatchEvent]]:
        events: deque[WatchEvent] = deque()
        arrived = asyncio.Event()

        def on_change(kind: Any, obj: Object, revision: int) -> None:
            events.append(WatchEvent(kind, obj))
            arrived.set()

        version = options.resource_version
        if self._api.is_shared and version != "0":
            await self._api.newest()
        after = int(version) if version and version != "0" and not initial else None
        subscription, revision = self._api.watch(
            path, on_change, label_selector=options.label_selector, field_selector=options.field_selector,
            after=after, initial=initial or after is None,
        )  # fmt: skip
        if initial:
            annotations = {"k8s.io/initial-events-end": "true"}
            metadata = {"resourceVersion": str(revision), "annotations": annotations}
            bookmark = {"kind": resource.kind, "apiVersion": resource.api_version, "metadata": metadata}
            events.append(WatchEvent("BOOKMARK", bookmark))
            arrived.set()
        try:
            yield _drain(events, arrived)
        finally:
            subscription.close()

    async def request(
        self, method: str, path: str, *, query: Mapping[str, str] | None = None, body: Any = None,
        headers: Mapping[str, str] | None = None,
    ) -> Any:  # fmt: skip
        response = await self._api.call(method, path, query, body, headers)
        data = joined(response)
        return codec.decode(data) if response.content_type.startswith("application/json") else data.decode()

    async def close(self) -> None:
        """Nothing to release."""

    async def _send(
        self, method: str, path: str, query: Mapping[str, str] | None = None, body: Any = None,
        headers: Mapping[str, str] | None = None,
    ) -> Object:  # fmt: skip
        response = await self._api.call(method, path, query, body, headers)
        obj: Object = response.tree if response.tree is not None else codec.decode(joined(response))
        return obj


async def _drain(events: deque[WatchEvent], arrived: asyncio.Event) -> AsyncIterator[WatchEvent]:
    while True:
        while events:
            yield events.popleft()
        arrived.clear()
        await arrived.wait()


def delete_body(options: DeleteOptions) -> Object | None:
    """metav1.DeleteOptions as a request body; None where everything is left to the server."""
    body: Object = {}
    if options.grace_period_seconds is not None:
        body["gracePeriodSeconds"] = options.grace_period_seconds
    if options.propagation_policy:
        body["propagationPolicy"] = options.propagation_policy
    preconditions = {"uid": options.uid, "resourceVersion": options.resource_version}
    if found := {key: value for key, value in preconditions.items() if value}:
        body["preconditions"] = found
    if options.dry_run:
        body["dryRun"] = ["All"]
    return {"kind": "DeleteOptions", "apiVersion": "v1", **body} if body else None


def _dry(dry_run: bool) -> dict[str, str]:
    return {"dryRun": "All"} if dry_run else {}
