"""The forwarder that fulfils rules with listeners."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from cloudk8s.machinery.clock import Clock
from cloudk8s.network.proxy.model import RuleKey, Update
from cloudk8s.network.proxy.userspace.choice import Chooser
from cloudk8s.network.proxy.userspace.doors import Door, Frontend, doors_of
from cloudk8s.network.proxy.userspace.sockets import ClientSockets, Sockets
from cloudk8s.network.proxy.userspace.tcp import TcpListener
from cloudk8s.network.proxy.userspace.udp import UdpListener

_log = logging.getLogger(__name__)


class Listener(Protocol):
    """Something that listens and relays."""

    chooser: Chooser

    async def open(self, address: str, port: int) -> None: ...

    async def close(self) -> None: ...


@dataclass(frozen=True, slots=True)
class UserspaceSettings:
    """Where node ports are listened on."""

    node_addresses: tuple[str, ...] = ("127.0.0.1",)


class UserspaceForwarder:
    """One listener for each address and port of a Service. A change of backends never closes a listener."""

    def __init__(
        self, settings: UserspaceSettings, *, clock: Clock, sockets: Sockets | None = None,
        client_sockets: ClientSockets | None = None,
    ) -> None:  # fmt: skip
        self._settings, self._clock, self._sockets = settings, clock, sockets
        self._client_sockets = client_sockets
        self._wanted: dict[RuleKey, Mapping[Frontend, Door]] = {}
        self._owners: dict[Frontend, set[RuleKey]] = {}
        self._listeners: dict[Frontend, Listener] = {}
        self._failed: set[Frontend] = set()

    async def start(self) -> None:
        """Listeners die with their process: there is nothing to clear away."""

    async def apply(self, update: Update) -> Sequence[RuleKey]:
        """Open, change and close listeners; returns the rules with an address that cannot be listened on."""
        removed = update.removed | (self._wanted.keys() - update.rules.keys() if update.is_complete else set())
        wanted: dict[RuleKey, Mapping[Frontend, Door]] = {key: {} for key in removed}
        wanted |= {key: doors_of(rule, self._settings.node_addresses) for key, rule in update.rules.items()}
        touched: set[Frontend] = set()
        for key, doors in wanted.items():
            touched |= self._want(key, doors)
        for frontend in sorted(touched):
            await self._settle(frontend)
        return [key for key in update.rules if any(frontend in self._failed for frontend in self._wanted.get(key, ()))]

    async def check(self) -> bool:
        """A listener does not vanish by itself."""
        return True

    async def close(self) -> None:
        """Close all listeners and what they relay."""
        for listener in self._listeners.values():
            await listener.close()
        self._listeners.clear()
        self._wanted.clear()
        self._owners.clear()

    def _want(self, key: RuleKey, doors: Mapping[Frontend, Door]) -> set[Frontend]:
        """Note the doors of a rule; returns those that may have changed."""
        old = self._wanted.pop(key, {})
        if doors:
            self._wanted[key] = doors
        for frontend in old.keys() - doors.keys():
            self._owners[frontend].discard(key)
        for frontend in doors:
            self._owners.setdefault(frontend, set()).add(key)
        return {*old, *doors}

    async def _settle(self, frontend: Frontend) -> None:
        """Bring one listener in line; where two rules want it, the first by name has it."""
        owners = self._owners.get(frontend)
        listener = self._listeners.get(frontend)
        if not owners:
            self._owners.pop(frontend, None)
            self._failed.discard(frontend)
            if listener is not None:
                del self._listeners[frontend]
                await listener.close()
            return
        door = self._wanted[min(owners)][frontend]
        if listener is not None:
            listener.chooser.door = door
            return
        await self._open(frontend, door)

    async def _open(self, frontend: Frontend, door: Door) -> None:
        chooser = Chooser(door, clock=self._clock, is_own=self._is_own)
        is_tcp = frontend.protocol == "TCP"
        listener: Listener
        if is_tcp:
            listener = TcpListener(chooser, sockets=self._sockets, client_sockets=self._client_sockets)
        else:
            listener = UdpListener(chooser, clock=self._clock, sockets=self._sockets)
        try:
            if frontend.protocol == "SCTP":
                raise OSError("SCTP needs nftables")
            await listener.open(frontend.address, frontend.port)
        except OSError as error:
            if frontend not in self._failed:
                _log.warning("%s port %d/%s is not served: %s", *frontend, error)
            self._failed.add(frontend)
            return
        self._failed.discard(frontend)
        self._listeners[frontend] = listener

    def _is_own(self, address: str) -> bool:
        return address.startswith("127.") or address == "::1" or address in self._settings.node_addresses
