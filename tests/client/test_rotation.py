"""A client whose certificate is replaced while it works."""

from __future__ import annotations

import asyncio
from pathlib import Path

from cloudk8s.apiserver.http.interface import Request, Response
from cloudk8s.apiserver.http.server import HTTPServer
from cloudk8s.apiserver.http.tls import server_context
from cloudk8s.apiserver.pki.directory import PKI, ensure
from cloudk8s.client.certificate_subject import names
from cloudk8s.client.credentials import Credential
from cloudk8s.client.kubeconfig import Connection
from cloudk8s.client.network import NetworkClient
from cloudk8s.client.resources import CONFIG_MAPS
from cloudk8s.machinery import codec


class Identity:
    """Fulfils `Credentials`: one of the pairs of a directory."""

    def __init__(self, pki: PKI) -> None:
        self._pki = pki
        self.use("scheduler")

    def use(self, name: str) -> None:
        pair = self._pki.pair(name)
        self._credential = Credential(certificate=pair.certificate.read_bytes(), key=pair.key.read_bytes())

    async def current(self) -> Credential:
        return self._credential

    def reject(self) -> None:
        raise AssertionError("nobody was turned away")


class Server:
    """Notes who asks; the object `slow` is told only when the test lets it."""

    def __init__(self) -> None:
        self.seen: list[str] = []
        self.may_answer = asyncio.Event()

    async def __call__(self, request: Request) -> Response:
        certificate = request.connection.peer_certificate
        assert certificate is not None
        self.seen.append(names(certificate)[0][0])
        if request.path.endswith("slow"):
            await self.may_answer.wait()
        return Response(200, codec.encode({"metadata": {"name": "x"}}))


async def test_connections_that_show_the_old_certificate_are_not_used_again(tmp_path: Path) -> None:
    pki = ensure(tmp_path)
    identity, server = Identity(pki), Server()
    context = server_context(pki.serving.certificate, pki.serving.key, client_ca=pki.ca.certificate)
    async with HTTPServer(server, context) as listener:
        connection = Connection(server=f"https://127.0.0.1:{listener.port}", ca=pki.ca.certificate.read_bytes())
        client = NetworkClient(connection, credentials=identity)
        await client.get(CONFIG_MAPS, "one", namespace="d")
        under_way = asyncio.create_task(client.get(CONFIG_MAPS, "slow", namespace="d"))
        async with asyncio.timeout(5):
            while len(server.seen) < 2:
                await asyncio.sleep(0.01)

        identity.use("admin")
        await client.get(CONFIG_MAPS, "two", namespace="d")
        server.may_answer.set()
        await under_way
        for _ in range(2):
            await client.get(CONFIG_MAPS, "three", namespace="d")
        await client.close()
    before, after = "system:kube-scheduler", "kubernetes-admin"
    assert server.seen == [before, before, after, after, after]
