"""The `Client` for any Kubernetes API server over HTTPS: what its calls are as requests."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any
from urllib.parse import quote

from cloudk8s.client.credentials import Credentials
from cloudk8s.client.http import HttpResponse
from cloudk8s.client.interface import (
    DeleteOptions,
    ListOptions,
    Object,
    ObjectList,
    PatchType,
    Resource,
    WatchEvent,
)
from cloudk8s.client.kubeconfig import Connection
from cloudk8s.client.transport import NetworkSettings, Transport
from cloudk8s.errors import status_error
from cloudk8s.machinery import codec
from cloudk8s.machinery.clock import Clock
from cloudk8s.machinery.instruments import Instruments

__all__ = ["NetworkClient", "NetworkSettings"]

PATCH_TYPES = {
    "json": "application/json-patch+json",
    "merge": "application/merge-patch+json",
    "strategic": "application/strategic-merge-patch+json",
    "apply": "application/apply-patch+yaml",
}


class NetworkClient:
    """See `cloudk8s.client.interface.Client`."""

    def __init__(
        self,
        connection: Connection,
        *,
        settings: NetworkSettings = NetworkSettings(),
        clock: Clock | None = None,
        credentials: Credentials | None = None,
        instruments: Instruments | None = None,
    ) -> None:
        """`credentials` take the place of those that `connection` names; requests are counted in `instruments`."""
        self._transport = Transport(connection, settings, clock=clock, credentials=credentials, instruments=instruments)

    async def get(self, resource: Resource, name: str, *, namespace: str = "", subresource: str = "") -> Object:
        return await self._json("GET", resource.path(namespace, quote(name), subresource))

    async def list(
        self, resource: Resource, *, namespace: str = "", options: ListOptions = ListOptions()
    ) -> ObjectList:
        found = await self._json("GET", resource.path(namespace), _list_query(options))
        kind = {"apiVersion": resource.api_version, "kind": resource.kind}
        metadata = found.get("metadata") or {}
        return ObjectList(
            items=[kind | item for item in found.get("items") or ()],
            resource_version=str(metadata.get("resourceVersion", "")),
            continue_token=metadata.get("continue", ""),
            remaining=metadata.get("remainingItemCount"),
        )

    async def create(
        self, resource: Resource, obj: Object, *, namespace: str = "", name: str = "", subresource: str = "",
        dry_run: bool = False,
    ) -> Object:  # fmt: skip
        namespace = namespace or obj.get("metadata", {}).get("namespace", "")
        path = resource.path(namespace, quote(name) if subresource else "", subresource)
        return await self._json("POST", path, _dry(dry_run), _typed(resource, obj, subresource))

    async def update(self, resource: Resource, obj: Object, *, subresource: str = "", dry_run: bool = False) -> Object:
        metadata = obj["metadata"]
        path = resource.path(metadata.get("namespace", ""), quote(metadata["name"]), subresource)
        return await self._json("PUT", path, _dry(dry_run), _typed(resource, obj, subresource))

    async def patch(
        self, resource: Resource, name: str, patch: Any, *, namespace: str = "", type: PatchType = "merge",
        subresource: str = "", field_manager: str = "", force: bool = False, dry_run: bool = False,
    ) -> Object:  # fmt: skip
        query = _dry(dry_run)
        if field_manager or type == "apply":
            query["fieldManager"] = field_manager or "cloudk8s"
        if force:
            query["force"] = "true"
        path = resource.path(namespace, quote(name), subresource)
        return await self._json("PATCH", path, query, patch, {"Content-Type": PATCH_TYPES[type]})

    async def delete(
        self, resource: Resource, name: str, *, namespace: str = "", options: DeleteOptions = DeleteOptions()
    ) -> Object:
        return await self._json("DELETE", resource.path(namespace, quote(name)), None, _delete_body(options))

    async def delete_collection(
        self, resource: Resource, *, namespace: str = "", options: ListOptions = ListOptions(),
        delete: DeleteOptions = DeleteOptions(),
    ) -> None:  # fmt: skip
        await self._json("DELETE", resource.path(namespace), _list_query(options), _delete_body(delete))

    @asynccontextmanager
    async def watch(
        self, resource: Resource, *, namespace: str = "", options: ListOptions = ListOptions(),
        send_initial_events: bool = False,
    ) -> AsyncIterator[AsyncIterator[WatchEvent]]:  # fmt: skip
        query = {"watch": "true", "allowWatchBookmarks": "true", **_list_query(options)}
        if send_initial_events:
            query |= {"sendInitialEvents": "true", "resourceVersionMatch": "NotOlderThan"}
        connection, response = await self._transport.open(resource.path(namespace), query)
        try:
            yield _events(response)
        finally:
            connection.close()

    async def request(
        self, method: str, path: str, *, query: Mapping[str, str] | None = None, body: Any = None,
        headers: Mapping[str, str] | None = None,
    ) -> Any:  # fmt: skip
        response, content = await self._transport.send(method, path, query, body, headers or {})
        if "json" in response.headers.get("content-type", ""):
            return codec.decode(content)
        return content.decode("utf-8", "replace")

    async def close(self) -> None:
        self._transport.close()

    async def _json(
        self, method: str, path: str, query: Mapping[str, str] | None = None, body: Any = None,
        headers: Mapping[str, str] | None = None,
    ) -> Object:  # fmt: skip
        _, content = await self._transport.send(method, path, query, body, headers or {})
        answer: Object = codec.decode(content)
        return answer


async def _events(response: HttpResponse) -> AsyncIterator[WatchEvent]:
    rest = b""
    async for chunk in response.chunks():
        *lines, rest = (rest + chunk).split(b"\n")
        for line in lines:
            if line:
                event = codec.decode(line)
                if event["type"] == "ERROR":
                    raise status_error(event["object"])
                yield WatchEvent(event["type"], event["object"])


def _list_query(options: ListOptions) -> dict[str, str]:
    query = {
        "labelSelector": options.label_selector,
        "fieldSelector": options.field_selector,
        "limit": str(options.limit) if options.limit else "",
        "continue": options.continue_token,
        "resourceVersion": options.resource_version,
        "resourceVersionMatch": options.match,
    }
    return {name: value for name, value in query.items() if value}


def _dry(dry_run: bool) -> dict[str, str]:
    return {"dryRun": "All"} if dry_run else {}


def _typed(resource: Resource, obj: Object, subresource: str) -> Object:
    """The object with apiVersion and kind, which a body sent to the resource itself must have."""
    if subresource in ("", "status", "finalize", "approval", "resize", "ephemeralcontainers"):
        return {**obj, "apiVersion": resource.api_version, "kind": resource.kind}
    return obj


def _delete_body(options: DeleteOptions) -> dict[str, Any]:
    body: dict[str, Any] = {"kind": "DeleteOptions", "apiVersion": "v1"}
    if options.grace_period_seconds is not None:
        body["gracePeriodSeconds"] = options.grace_period_seconds
    if options.propagation_policy is not None:
        body["propagationPolicy"] = options.propagation_policy
    preconditions = {"uid": options.uid, "resourceVersion": options.resource_version}
    if any(preconditions.values()):
        body["preconditions"] = {name: value for name, value in preconditions.items() if value}
    if options.dry_run:
        body["dryRun"] = ["All"]
    return body
