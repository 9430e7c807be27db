"""Who we are, request by request: static tokens, token files that rotate, exec plugins."""

from __future__ import annotations

import asyncio
import base64
import os
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Protocol

from cloudk8s.client.kubeconfig import Connection, ExecPlugin
from cloudk8s.errors import UserError
from cloudk8s.machinery import codec
from cloudk8s.machinery.clock import Clock

TOKEN_FILE_PERIOD = 60.0
"""Seconds after which a token file is read again; upstream's."""
EXPIRY_MARGIN = timedelta(seconds=10)


@dataclass(frozen=True, slots=True)
class Credential:
    """What goes with a request: an Authorization header, or a client certificate and key in PEM."""

    authorization: str = ""
    certificate: bytes = b""
    key: bytes = b""


class Credentials(Protocol):
    """A source of credentials."""

    async def current(self) -> Credential:
        """The credential to use now; cheap to call for every request."""

    def reject(self) -> None:
        """The server answered 401 to the current one: get another for the next request if that is possible."""


def credentials_of(connection: Connection, *, clock: Clock) -> Credentials:
    """The source that a connection describes."""
    if connection.exec:
        return ExecCredentials(connection.exec, connection, clock=clock)
    if connection.token_file:
        return FileCredentials(connection.token_file, connection, clock=clock)
    return StaticCredentials(connection)


class StaticCredentials:
    """A certificate, a token or a password that never changes."""

    def __init__(self, connection: Connection) -> None:
        self._credential = Credential(_authorization(connection), connection.certificate, connection.key)

    async def current(self) -> Credential:
        return self._credential

    def reject(self) -> None:
        """There is no other one."""


class FileCredentials:
    """A token in a file that somebody rotates."""

    def __init__(self, path: Path, connection: Connection, *, clock: Clock) -> None:
        self._path = path
        self._connection = connection
        self._clock = clock
        self._read_at: float | None = None
        self._credential = Credential()

    async def current(self) -> Credential:
        now = self._clock.monotonic()
        if self._read_at is None or now - self._read_at >= TOKEN_FILE_PERIOD:
            token = (await asyncio.to_thread(self._path.read_text)).strip()
            self._credential = Credential(f"Bearer {token}", self._connection.certificate, self._connection.key)
            self._read_at = now
        return self._credential

    def reject(self) -> None:
        self._read_at = None


class ExecCredentials:
    """An ExecCredential plugin, run once for as long as its answer is valid.

    https://kubernetes.io/docs/reference/access-authn-authz/authentication/#client-go-credential-plugins
    """

    def __init__(self, plugin: ExecPlugin, connection: Connection, *, clock: Clock) -> None:
        self._plugin = plugin
        self._connection = connection
        self._clock = clock
        self._credential: Credential | None = None
        self._expires: datetime | None = None
        self._lock = asyncio.Lock()

    async def current(self) -> Credential:
        async with self._lock:
            if self._credential is None or (self._expires and self._clock.now() + EXPIRY_MARGIN >= self._expires):
                self._accept(await self._run())
            assert self._credential is not None
            return self._credential

    def reject(self) -> None:
        self._credential = None

    def _accept(self, document: Any) -> None:
        status = document.get("status") or {}
        token, certificate = status.get("token", ""), status.get("clientCertificateData", "")
        if not token and not certificate:
            raise UserError(f"{self._plugin.command} printed no token and no client certificate")
        authorization = f"Bearer {token}" if token else ""
        self._credential = Credential(authorization, certificate.encode(), status.get("clientKeyData", "").encode())
        expires = status.get("expirationTimestamp")
        self._expires = datetime.fromisoformat(expires) if expires else None

    async def _run(self) -> Any:
        plugin = self._plugin
        environment = {**os.environ, **plugin.environment, "KUBERNETES_EXEC_INFO": self._info()}
        try:
            process = await asyncio.create_subprocess_exec(
                plugin.command, *plugin.arguments, stdin=asyncio.subprocess.DEVNULL,
                stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE, env=environment,
            )  # fmt: skip
        except OSError as error:
            raise UserError(f"cannot run {plugin.command}: {error}. {plugin.install_hint}".strip()) from error
        output, complaint = await process.communicate()
        if process.returncode:
            raise UserError(f"{plugin.command} failed with {process.returncode}: {complaint.decode().strip()[-500:]}")
        try:
            return codec.decode(output)
        except codec.DecodeError as error:
            raise UserError(f"{plugin.command} did not print an ExecCredential: {error}") from error

    def _info(self) -> str:
        spec: dict[str, Any] = {"interactive": False}
        if self._plugin.provide_cluster_info:
            cluster = {"server": self._connection.server}
            if self._connection.ca:
                cluster["certificate-authority-data"] = base64.b64encode(self._connection.ca).decode()
            spec["cluster"] = cluster
        info = {"kind": "ExecCredential", "apiVersion": self._plugin.api_version, "spec": spec}
        return codec.encode(info).decode()


def _authorization(connection: Connection) -> str:
    if connection.token:
        return f"Bearer {connection.token}"
    if connection.username:
        pair = f"{connection.username}:{connection.password}".encode()
        return f"Basic {base64.b64encode(pair).decode()}"
    return ""
