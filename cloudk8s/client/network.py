"""The `Client` for any Kubernetes API server over HTTPS.

A request goes: rate limit → credential → connection from the pool → answer; 429 and 5xx with `Retry-After` are
waited out and sent again, a connection lost in between is tried again where that cannot do anything twice.
"""

from __future__ import annotations

import asyncio
import ssl
import tempfile
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlencode, urlsplit

from cloudk8s import __version__
from cloudk8s.client.credentials import Credential, Credentials, credentials_of
from cloudk8s.client.http import HttpConnection, HttpPool, HttpResponse, Unreachable
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
from cloudk8s.client.rate_limit import RateLimit
from cloudk8s.client.request_metrics import FAILED, RequestMetrics
from cloudk8s.errors import StatusError, Timeout, status_error
from cloudk8s.machinery import codec
from cloudk8s.machinery.clock import Clock, SystemClock
from cloudk8s.machinery.instruments import Instruments

PATCH_TYPES = {
    "json": "application/json-patch+json",
    "merge": "application/merge-patch+json",
    "strategic": "application/strategic-merge-patch+json",
    "apply": "application/apply-patch+yaml",
}
RETRIES = 10
"""How often a request is sent again because the server asked for it."""
RECONNECTS = 4
MAX_CONNECTIONS = 100
"""Requests at once; watches are not counted."""


@dataclass(frozen=True, slots=True)
class NetworkSettings:
    """How politely and how patiently to talk to the server."""

    qps: float = 0.0
    """Requests per second in the long run; 0 leaves it to the server's priority and fairness."""
    burst: int = 100
    timeout: timedelta = timedelta(seconds=60)
    """For one answer, watches aside."""
    max_connections: int = MAX_CONNECTIONS
    """Requests at once; each may need a connection, and the handshake of one costs more than a request."""
    user_agent: str = f"cloudk8s/{__version__}"
    retries: int = RETRIES
    """How often a request is sent again because the server asked for it."""


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
        self._connection = connection
        self._settings = settings
        self._clock = clock or SystemClock()
        self._credentials = credentials or credentials_of(connection, clock=self._clock)
        self._rate = RateLimit(self._clock, qps=settings.qps, burst=settings.burst)
        self._slots = asyncio.Semaphore(settings.max_connections)
        address = urlsplit(connection.server if "//" in connection.server else f"https://{connection.server}")
        self._is_tls = address.scheme == "https"
        self._prefix = address.path.rstrip("/")
        self._authority = address.netloc
        port = address.port or (443 if self._is_tls else 80)
        self._pool = HttpPool(address.hostname or "", port, server_name=connection.tls_server_name)
        self._tls: tuple[tuple[bytes, bytes], ssl.SSLContext] | None = None
        self._identity = _identity_headers(connection)
        self._metrics = RequestMetrics(instruments, self._authority) if instruments is not None else None

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
        connection, response = await self._start(
            "GET", _target(self._prefix + resource.path(namespace), query), b"", {}
        )
        try:
            if response.status >= 400:
                raise _error(response, await response.read())
            yield _events(response)
        finally:
            connection.close()

    async def request(
        self, method: str, path: str, *, query: Mapping[str, str] | None = None, body: Any = None,
        headers: Mapping[str, str] | None = None,
    ) -> Any:  # fmt: skip
        response, content = await self._send(method, path, query, body, headers or {})
        if "json" in response.headers.get("content-type", ""):
            return codec.decode(content)
        return content.decode("utf-8", "replace")

    async def close(self) -> None:
        self._pool.close()

    async def _json(
        self, method: str, path: str, query: Mapping[str, str] | None = None, body: Any = None,
        headers: Mapping[str, str] | None = None,
    ) -> Object:  # fmt: skip
        _, content = await self._send(method, path, query, body, headers or {})
        answer: Object = codec.decode(content)
        return answer

    async def _send(
        self, method: str, path: str, query: Mapping[str, str] | None, body: Any, headers: Mapping[str, str]
    ) -> tuple[HttpResponse, bytes]:
        target = _target(self._prefix + path, query)
        content = b"" if body is None else codec.encode(body)
        retries = self._settings.retries
        for attempt in range(max(retries, 1) + 1):
            async with self._slots:
                response, answer = await self._exchange(method, target, content, headers)
            if response.status < 400:
                return response, answer
            error = _error(response, answer)
            if response.status == 401 and attempt == 0:
                self._credentials.reject()
            elif attempt >= retries or not _asks_to_retry(error):
                raise error
            else:
                assert error.retry_after is not None
                await self._clock.sleep(error.retry_after.total_seconds())
        raise AssertionError("unreachable")

    async def _exchange(
        self, method: str, target: str, body: bytes, headers: Mapping[str, str]
    ) -> tuple[HttpResponse, bytes]:
        try:
            async with asyncio.timeout(self._settings.timeout.total_seconds()):
                connection, response = await self._start(method, target, body, headers)
                try:
                    answer = await response.read()
                except BaseException:
                    connection.close()
                    raise
        except TimeoutError as error:
            raise Timeout(f"{method} {target}: no answer within {self._settings.timeout}") from error
        self._pool.give(connection)
        return response, answer

    async def _start(
        self, method: str, target: str, body: bytes, headers: Mapping[str, str]
    ) -> tuple[HttpConnection, HttpResponse]:
        """Wait for the request's turn, send it, and read the head of its answer."""
        asked = self._clock.monotonic()
        await self._rate.take()
        if (metrics := self._metrics) is None:
            return await self._sent(method, target, body, headers)
        began, code = self._clock.monotonic(), FAILED
        metrics.limited(method, began - asked)
        try:
            connection, response = await self._sent(method, target, body, headers)
            code = str(response.status)
            return connection, response
        finally:
            metrics.answered(method, code, self._clock.monotonic() - began)

    async def _sent(
        self, method: str, target: str, body: bytes, headers: Mapping[str, str]
    ) -> tuple[HttpConnection, HttpResponse]:
        """Send a request and read the head of its answer; a lost connection is replaced where that is safe."""
        credential = await self._credentials.current()
        self._use(credential)
        request = self._head(method, target, body, headers, credential) + body
        for attempt in range(RECONNECTS + 1):
            try:
                connection, is_used = await self._pool.take()
            except Unreachable:
                if attempt == RECONNECTS:
                    raise
                await self._clock.sleep(0.1 * 2**attempt)
                continue
            try:
                return connection, await connection.send(request)
            except Unreachable:
                if attempt == RECONNECTS or not (method == "GET" or (is_used and method in ("PUT", "DELETE"))):
                    raise
            except BaseException:
                connection.close()
                raise
        raise AssertionError("unreachable")

    def _head(self, method: str, target: str, body: bytes, headers: Mapping[str, str], credential: Credential) -> bytes:
        lines = [f"{method} {target} HTTP/1.1", f"Host: {self._authority}", "Accept: application/json"]
        lines.append(f"User-Agent: {self._settings.user_agent}")
        if body and "Content-Type" not in headers:
            lines.append("Content-Type: application/json")
        if credential.authorization:
            lines.append(f"Authorization: {credential.authorization}")
        lines.extend(self._identity)
        lines.extend(f"{name}: {value}" for name, value in headers.items())
        if body or method in ("POST", "PUT", "PATCH"):
            lines.append(f"Content-Length: {len(body)}")
        return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1")

    def _use(self, credential: Credential) -> None:
        if not self._is_tls:
            return
        key = (credential.certificate, credential.key)
        if self._tls is None or self._tls[0] != key:
            self._tls = (key, tls_context(self._connection, credential))
        self._pool.use_tls(self._tls[1])


def tls_context(connection: Connection, credential: Credential) -> ssl.SSLContext:
    """The TLS side of a connection: whom to trust and which certificate to show."""
    context = ssl.create_default_context(cadata=connection.ca.decode() if connection.ca else None)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.set_alpn_protocols(["http/1.1"])
    if connection.insecure:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    if credential.certificate:
        with tempfile.TemporaryDirectory() as folder:
            pair = Path(folder) / "pair.pem"
            pair.touch(mode=0o600)
            pair.write_bytes(credential.certificate + b"\n" + credential.key)
            context.load_cert_chain(pair)
    return context


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


def _identity_headers(connection: Connection) -> list[str]:
    impersonate = connection.impersonate
    if impersonate is None:
        return []
    lines = [f"Impersonate-User: {impersonate.user}"]
    if impersonate.uid:
        lines.append(f"Impersonate-Uid: {impersonate.uid}")
    lines += [f"Impersonate-Group: {group}" for group in impersonate.groups]
    for key, values in impersonate.extra.items():
        lines += [f"Impersonate-Extra-{quote(key, safe='')}: {value}" for value in values]
    return lines


def _target(path: str, query: Mapping[str, str] | None) -> str:
    return f"{path}?{urlencode(query)}" if query else path


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


def _error(response: HttpResponse, content: bytes) -> StatusError:
    seconds = response.headers.get("retry-after", "")
    retry_after = timedelta(seconds=int(seconds)) if seconds.isdigit() else None
    try:
        status = codec.decode(content)
    except codec.DecodeError:
        status = None
    if not isinstance(status, dict) or status.get("kind") != "Status":
        text = content[:500].decode("utf-8", "replace").strip()
        status = {
            "kind": "Status",
            "code": response.status,
            "message": text or f"the server answered {response.status}",
        }
    return status_error({"code": response.status, **status}, retry_after=retry_after)


def _asks_to_retry(error: StatusError) -> bool:
    return error.retry_after is not None and (error.code == 429 or error.code >= 500)
