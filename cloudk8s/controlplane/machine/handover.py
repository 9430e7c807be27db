"""A machine takes the place of the one that ran the control plane: that one stops, and hands over what it stored.

The old machine listens for its successor, on a port that only machines of the control plane reach. Who shows a
certificate of an administrator, which only a machine with the cluster's seed can make, gets an archive of the store and
of what load balancers have; by then nothing writes to them any more. The old machine then waits to be deleted.
"""

from __future__ import annotations

import asyncio
import io
import logging
import shutil
import ssl
import tarfile
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any, Final

from cloudk8s.apiserver.pki import private_file
from cloudk8s.controlplane.machine.seed import Seed
from cloudk8s.errors import CloudK8sError
from cloudk8s.machinery.clock import Clock
from cloudk8s.storage.backup import back_up

PORT: Final = 2380
"""That of etcd's peers, which firewalls of control planes let through already."""
STORE: Final = "store.db"
BALANCERS: Final = "cloud/local.json"
_LENGTH: Final = 8
_RETRY_SECONDS: Final = 1.0
_log = logging.getLogger(__name__)


class Handover:
    """The old machine's side."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self.asked = asyncio.Event()
        """Somebody who may have it wants the store."""
        self.closed = asyncio.Event()
        """Set it when nothing writes to the store any more."""

    @asynccontextmanager
    async def listening(self) -> AsyncIterator[None]:
        """Wait for a successor while the block runs."""
        pki = self._directory / "pki"
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH, cafile=str(pki / "ca.crt"))
        context.load_cert_chain(pki / "apiserver.crt", pki / "apiserver.key")
        context.verify_mode = ssl.CERT_REQUIRED
        server = await asyncio.start_server(self._serve, "0.0.0.0", PORT, ssl=context)
        async with server:
            yield

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            if not _is_administrator(writer.get_extra_info("peercert") or {}):
                return
            self.asked.set()
            await self.closed.wait()
            content = await asyncio.to_thread(_packed, self._directory)
            writer.write(len(content).to_bytes(_LENGTH) + content)
            await writer.drain()
        except (OSError, CloudK8sError) as error:
            _log.error("handing over the store: %s", error)
        finally:
            writer.close()


async def take_over(address: str, seed: Seed, cluster: str, directory: Path, *, clock: Clock) -> None:
    """Get what the machine at this address has stored; nothing is done where that was done before."""
    while not (directory / STORE).exists():
        try:
            content = await _asked(address, seed, cluster, clock)
            await asyncio.to_thread(_unpack, content, directory)
        except (OSError, asyncio.IncompleteReadError) as error:
            _log.warning("%s has not handed over yet: %s", address, error)
            await clock.sleep(_RETRY_SECONDS)


async def _asked(address: str, seed: Seed, cluster: str, clock: Clock) -> bytes:
    context = await asyncio.to_thread(_context, seed, cluster, clock)
    reader, writer = await asyncio.open_connection(address, PORT, ssl=context, server_hostname=address)
    try:
        length = int.from_bytes(await reader.readexactly(_LENGTH))
        return await reader.readexactly(length)
    finally:
        writer.close()


def _context(seed: Seed, cluster: str, clock: Clock) -> ssl.SSLContext:
    access = seed.administrator(cluster, "", clock.now(), timedelta(hours=1))
    context = ssl.create_default_context(cadata=access.certificate_authority.decode())
    with tempfile.TemporaryDirectory() as directory:
        path = Path(directory) / "pair.pem"
        private_file.write(path, access.client_certificate + access.client_key)
        context.load_cert_chain(path)
    return context


def _is_administrator(certificate: dict[str, Any]) -> bool:
    names = [pair for part in certificate.get("subject", ()) for pair in part]
    return ("organizationName", "system:masters") in names


def _packed(directory: Path) -> bytes:
    """The store as one file, and which Service has which address."""
    found = io.BytesIO()
    with tempfile.TemporaryDirectory(dir=directory) as scratch, tarfile.open(fileobj=found, mode="w:gz") as archive:
        copy = Path(scratch) / STORE
        back_up(directory / STORE, copy)
        archive.add(copy, STORE)
        if (directory / BALANCERS).exists():
            archive.add(directory / BALANCERS, BALANCERS)
    return found.getvalue()


def _unpack(content: bytes, directory: Path) -> None:
    """The store appears last, and whole: its presence says that everything is there."""
    scratch = directory / "handover"
    shutil.rmtree(scratch, ignore_errors=True)
    with tarfile.open(fileobj=io.BytesIO(content), mode="r:gz") as archive:
        archive.extractall(scratch, filter="data")
    if (scratch / BALANCERS).exists():
        (directory / BALANCERS).parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        (scratch / BALANCERS).replace(directory / BALANCERS)
    (scratch / STORE).replace(directory / STORE)
    shutil.rmtree(scratch, ignore_errors=True)
