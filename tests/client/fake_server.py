"""The API server in memory behind a real socket, so that the network client can be tried before and without ours."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qsl, unquote

from cloudk8s.apiserver.http.interface import Request, Response, Stream, StreamWriter
from cloudk8s.client.interface import DeleteOptions, ListOptions, Resource
from cloudk8s.client.network import PATCH_TYPES
from cloudk8s.errors import NotFound, StatusError
from cloudk8s.machinery import codec
from cloudk8s.testing.fake_client import FakeClient

_PATH = re.compile(
    r"^/(?:api|apis/(?P<group>[^/]+))/(?P<version>v[^/]+)(?:/namespaces/(?P<namespace>[^/]+)(?=/.))?"
    r"/(?P<plural>[^/]+)(?:/(?P<name>[^/]+))?(?:/(?P<subresource>[^/]+))?$"
)
_PATCHES = {media: name for name, media in PATCH_TYPES.items()}


class FakeServer:
    """A handler for `HTTPServer`; `intercept` may answer a request itself."""

    def __init__(self, client: FakeClient) -> None:
        self.client = client
        self.requests: list[Request] = []
        self.intercept: Callable[[Request], Response | None] = lambda _: None

    async def __call__(self, request: Request) -> Response | Stream:
        self.requests.append(request)
        if (answer := self.intercept(request)) is not None:
            return answer
        query = dict(parse_qsl(request.query))
        try:
            if query.get("watch") == "true":
                return await self._watch(request, query)
            return Response(200, codec.encode(await self._answer(request, query)))
        except StatusError as error:
            return Response(error.code, codec.encode(error.status))

    async def _answer(self, request: Request, query: dict[str, str]) -> Any:
        found = _PATH.match(request.path)
        if request.path.startswith(("/version", "/apis")) and (not found or not found["plural"]):
            return await self.client.request(request.method, request.path)
        if not found:
            raise NotFound("the server could not find the requested resource")
        resource = self._resource(found)
        namespace, name = found["namespace"] or "", unquote(found["name"] or "")
        subresource = found["subresource"] or ""
        body: Any = codec.decode(request.body) if request.body else None
        dry_run = "dryRun" in query
        client: Any = self.client
        at = {"namespace": namespace}
        match request.method:
            case "GET" if name:
                return await client.get(resource, name, subresource=subresource, **at)
            case "GET":
                page = await client.list(resource, options=_list_options(query), **at)
                metadata = {"resourceVersion": page.resource_version, "continue": page.continue_token}
                items = [{k: v for k, v in item.items() if k not in ("apiVersion", "kind")} for item in page.items]
                return {"kind": f"{resource.kind}List", "metadata": metadata, "items": items}
            case "POST":
                return await client.create(resource, body, name=name, subresource=subresource, dry_run=dry_run, **at)
            case "PUT":
                return await client.update(resource, body, subresource=subresource, dry_run=dry_run)
            case "PATCH":
                kind: Any = _PATCHES[request.headers["content-type"]]
                return await client.patch(resource, name, body, type=kind, subresource=subresource, **at)
            case "DELETE" if name:
                return await client.delete(resource, name, options=_delete_options(body), **at)
            case _:
                await client.delete_collection(
                    resource, options=_list_options(query), delete=_delete_options(body), **at
                )
                return {"kind": "Status", "status": "Success"}

    def _resource(self, found: re.Match[str]) -> Resource:
        wanted = (found["group"] or "", found["version"], found["plural"])
        for resource in self.client.resources:
            if (resource.group, resource.version, resource.plural) == wanted:
                return resource
        raise NotFound("the server could not find the requested resource")

    async def _watch(self, request: Request, query: dict[str, str]) -> Stream:
        found = _PATH.match(request.path)
        assert found is not None
        watch = self.client.watch(
            self._resource(found),
            namespace=found["namespace"] or "",
            options=_list_options(query),
            send_initial_events="sendInitialEvents" in query,
        )
        events = await watch.__aenter__()
        tasks: list[asyncio.Task[None]] = []

        async def pump(writer: StreamWriter) -> None:
            async for event in events:
                writer.write(codec.encode({"type": event.type, "object": event.object}) + b"\n")
            await watch.__aexit__(None, None, None)
            writer.close()

        def stop() -> None:
            tasks[0].cancel()

        return Stream(lambda writer: tasks.append(asyncio.ensure_future(pump(writer))), stop)


def _list_options(query: dict[str, str]) -> ListOptions:
    return ListOptions(
        label_selector=query.get("labelSelector", ""),
        field_selector=query.get("fieldSelector", ""),
        limit=int(query.get("limit", 0)),
        continue_token=query.get("continue", ""),
        resource_version=query.get("resourceVersion", ""),
        match=query.get("resourceVersionMatch", ""),
    )


def _delete_options(body: Any) -> DeleteOptions:
    body = body or {}
    return DeleteOptions(
        grace_period_seconds=body.get("gracePeriodSeconds"),
        propagation_policy=body.get("propagationPolicy"),
        uid=body.get("preconditions", {}).get("uid", ""),
        resource_version=body.get("preconditions", {}).get("resourceVersion", ""),
        dry_run="dryRun" in body,
    )
