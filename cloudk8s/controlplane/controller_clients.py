"""A client for each controller, as a service account of its own: `--use-service-account-credentials`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Final

from cloudk8s.client.interface import Client
from cloudk8s.client.kubeconfig import Connection
from cloudk8s.client.network import NetworkClient, NetworkSettings
from cloudk8s.client.service_account import ServiceAccountCredentials
from cloudk8s.controllers.names import SERVICE_ACCOUNTS
from cloudk8s.machinery.clock import Clock
from cloudk8s.machinery.instruments import Instruments

NAMESPACE: Final = "kube-system"


class ControllerClients:
    """Controllers of one account share a client. `root` makes accounts and tokens; what has no account works as it."""

    def __init__(
        self,
        root: Client,
        connection: Connection,
        *,
        settings: NetworkSettings,
        clock: Clock,
        instruments: Instruments,
        accounts: Mapping[str, str] = SERVICE_ACCOUNTS,
    ) -> None:
        self._root = root
        self._accounts = accounts
        self._connection = replace(
            connection, certificate=b"", key=b"", token="", token_file=None, exec=None, username="", password="",
            impersonate=None,
        )  # fmt: skip
        self._settings = settings
        self._clock = clock
        self._instruments = instruments
        self._clients: dict[str, NetworkClient] = {}

    def of(self, controller: str) -> Client:
        """The client of a controller, by its name."""
        account = self._accounts.get(controller)
        if account is None:
            return self._root
        if account not in self._clients:
            self._clients[account] = self._made(account)
        return self._clients[account]

    async def close(self) -> None:
        for client in self._clients.values():
            await client.close()

    def _made(self, account: str) -> NetworkClient:
        return NetworkClient(
            self._connection,
            settings=replace(self._settings, user_agent=f"{self._settings.user_agent}/{account}"),
            clock=self._clock,
            credentials=ServiceAccountCredentials(self._root, account, NAMESPACE, clock=self._clock),
            instruments=self._instruments,
        )
