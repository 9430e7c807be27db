"""The listeners of all load balancers. Everything here runs on one loop; callers of other threads go through `Host`."""

from __future__ import annotations

import logging
from collections.abc import Collection, Mapping, Sequence
from typing import Final

from cloudk8s.machinery.clock import Clock
from cloudk8s.network.proxy.userspace.choice import Chooser
from cloudk8s.network.proxy.userspace.doors import Door, Frontend
from cloudk8s.network.proxy.userspace.forwarder import Listener
from cloudk8s.network.proxy.userspace.tcp import TcpListener
from cloudk8s.network.proxy.userspace.udp import UdpListener
from cloudk8s_local.balancing.design import Design, Member
from cloudk8s_local.balancing.health import HealthChecks, Target

_NOTHING: Final = Design((), ())
_log = logging.getLogger(__name__)


class Balancers:
    """Load balancers by the UID of their Service."""

    def __init__(self, *, clock: Clock) -> None:
        self._clock = clock
        self._designs: dict[str, Design] = {}
        self._members: dict[str, tuple[Member, ...]] = {}
        self._listeners: dict[str, dict[Frontend, Listener]] = {}
        self._health = HealthChecks(clock=clock, changed=self._health_changed)

    def listening(self) -> Mapping[str, Collection[Frontend]]:
        """What is listened on, by UID."""
        return {uid: tuple(listeners) for uid, listeners in self._listeners.items() if listeners}

    def members(self, uid: str) -> Sequence[Member]:
        return self._members.get(uid, ())

    def design(self, uid: str) -> Design:
        return self._designs.get(uid, _NOTHING)

    async def open(self, uid: str, design: Design, frontend: Frontend) -> None:
        """Listen, by this design; OSError where the host does not allow it."""
        chooser = Chooser(self._door(uid, design, frontend), clock=self._clock, is_own=_nobody)
        is_tcp = frontend.protocol == "TCP"
        listener: Listener = TcpListener(chooser) if is_tcp else UdpListener(chooser, clock=self._clock)
        await listener.open(frontend.address, frontend.port)
        self._listeners.setdefault(uid, {})[frontend] = listener

    async def close(self, uid: str, frontend: Frontend) -> None:
        """Stop listening there; absent is success."""
        if listener := self._listeners.get(uid, {}).pop(frontend, None):
            await listener.close()

    async def change(self, uid: str, design: Design, members: Sequence[Member]) -> None:
        """Take connections by this design and to these members from now on; open ones stay where they are."""
        self._designs[uid], self._members[uid] = design, tuple(members)
        self._health.watch(uid, {member.check for member in members})
        self._refresh(uid)

    async def forget(self, uid: str) -> None:
        """Close what is left of a load balancer."""
        for frontend in tuple(self._listeners.get(uid, ())):
            await self.close(uid, frontend)
        self._health.watch(uid, ())
        for entries in (self._designs, self._members, self._listeners):
            entries.pop(uid, None)

    async def forget_all(self) -> None:
        for uid in {*self._designs, *self._listeners}:
            await self.forget(uid)

    def _health_changed(self, target: Target) -> None:
        state = "takes" if self._health.is_healthy(target) else "takes no"
        _log.info("%s port %d %s traffic for load balancers", target.address, target.port, state)
        for uid in self._health.watchers(target):
            self._refresh(uid)

    def _refresh(self, uid: str) -> None:
        for frontend, listener in self._listeners.get(uid, {}).items():
            listener.chooser.door = self._door(uid, self.design(uid), frontend)

    def _door(self, uid: str, design: Design, frontend: Frontend) -> Door:
        if frontend not in design.frontends():
            return Door((), ())
        return design.door(frontend, self.members(uid), self._health.is_healthy)


def _nobody(address: str) -> bool:
    return False
