"""How a node gets a client: with a kubeconfig, or with a bootstrap token that buys a certificate of its own."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from cloudk8s.client.kubeconfig import Connection, load_kubeconfig
from cloudk8s.client.network import NetworkClient, NetworkSettings
from cloudk8s.machinery import yaml_codec
from cloudk8s.machinery.clock import Clock

if TYPE_CHECKING:
    from cloudk8s.node.cluster.identity import NodeIdentity

_FRUGAL = NetworkSettings(max_connections=8)
"""A node is one of many clients, and a small one."""


@asynccontextmanager
async def node_client(
    kubeconfig: Path, bootstrap: Path | None, *, node_name: str, directory: Path, clock: Clock
) -> AsyncIterator[NetworkClient]:
    """A client that acts as the node. With `bootstrap` its certificate is kept in `directory` and renewed."""
    if bootstrap is None:
        client = NetworkClient(load_kubeconfig(kubeconfig), settings=_FRUGAL, clock=clock)
        try:
            yield client
        finally:
            await client.close()
        return
    from cloudk8s.node.cluster.identity import NodeIdentity  # only who joins by token pays for the library

    connection = load_kubeconfig(bootstrap)
    identity = NodeIdentity(directory, node_name, clock=clock)
    if not await identity.load():
        await _obtain(identity, connection, clock)
        await asyncio.to_thread(_write_kubeconfig, kubeconfig, connection, directory)
    own = replace(connection, token="", token_file=None)
    client = NetworkClient(own, settings=_FRUGAL, clock=clock, credentials=identity)
    renewing = asyncio.create_task(identity.run(client), name="certificate renewal")
    try:
        yield client
    finally:
        renewing.cancel()
        await asyncio.gather(renewing, return_exceptions=True)
        await client.close()


async def _obtain(identity: NodeIdentity, connection: Connection, clock: Clock) -> None:
    client = NetworkClient(connection, clock=clock)
    try:
        await identity.obtain(client)
    finally:
        await client.close()


def _write_kubeconfig(path: Path, connection: Connection, directory: Path) -> None:
    from cloudk8s.node.cluster import identity as identities

    document = identities.kubeconfig(connection.server, connection.ca, directory)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.touch(mode=0o600)
    path.write_bytes(yaml_codec.encode(document))
