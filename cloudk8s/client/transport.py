"""Requests on their way to one server and back.

A request goes: rate limit → credential → connection from the pool → answer; 429 and 5xx with `Retry-After` are
waited out and sent again, a connection lost in between is tried again where that cannot do anything twice.
"""

from __future__ import annotations

import asyncio
import ssl
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlencode, urlsplit

from cloudk8s import __version__
from cloudk8s.client.credentials import Credential, Credentials, credentials_of
from cloudk8s.client.http import HttpConnection, HttpPool, HttpResponse, Unreachable
from cloudk8s.client.kubeconfig import Connection
from cloudk8s.client.rate_limit import RateLimit
from cloudk8s.client.request_metrics import FAILED, RequestMetrics
from cloudk8s.errors import StatusError, Timeout, status_error
from cloudk8s.machinery import codec
from cloudk8s.machinery.clock import Clock, SystemClock
from cloudk8s.machinery.instruments import Instruments

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


class Transport:
    """Carries requests; the errors that come back are raised, see `cloudk8s.client.interface.Client`."""

    def __init__(
        self,
        connection: Connection,
        settings: NetworkSettings,
        *,
        clock: Clock | None = None,
        credentials: Credentials | None = None,
        instruments: Instruments | None = None,
    ) -> None:
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

    async def send(
        self, method: str, path: str, query: Mapping[str, str] | None, body: Any, headers: Mapping[str, str]
    ) -> tuple[HttpResponse, bytes]:
        """Send a request, again where the server asks for it, and read its answer."""
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

    async def open(self, path: str, query: Mapping[str, str] | None) -> tuple[HttpConnection, HttpResponse]:
        """Begin to read what goes on for long; the connection is the caller's to close."""
        connection, response = await self._start("GET", _target(self._prefix + path, query), b"", {})
        if response.status < 400:
            return connection, response
        if response.status == 401:
            self._credentials.reject()
        try:
            raise _error(response, await response.read())
        finally:
            connection.close()

    def close(self) -> None:
        """Let go of all idle connections."""
        self._pool.close()

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
