"""Looks after the membership: tells the API who belongs and how they are, and lets those go who shall.

One machine of the control plane does this at a time. A member goes only while the others keep their quorum, by what
they answer now.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Collection, Mapping, Sequence
from typing import Any, Final

from cloudk8s.client.interface import Client
from cloudk8s.client.resources import CONFIG_MAPS
from cloudk8s.controlplane.machine.etcd.member import Member
from cloudk8s.controlplane.machine.etcd.membership import Etcd, EtcdRefused, EtcdSilent, Status
from cloudk8s.controlplane.machine.etcd.quorum import objection
from cloudk8s.controlplane.machine.etcd.roll import (
    DEPARTURES,
    NAMESPACE,
    ROLL,
    entries_of,
    read_departures,
    roll_object,
)
from cloudk8s.errors import AlreadyExists, CloudK8sError, NotFound
from cloudk8s.machinery.clock import Clock

PERIOD: Final = 2.0
_log = logging.getLogger(__name__)


class Stepping(CloudK8sError):
    """The steward's own member shall go: somebody else has to see to that."""


class Steward:
    """Works while this machine leads."""

    def __init__(self, client: Client, etcd: Etcd, own: str, *, clock: Clock) -> None:
        """`own` is the address of this machine's member."""
        self._client, self._etcd, self._own, self._clock = client, etcd, own, clock

    async def run(self) -> None:
        """Until cancelled. Raises Stepping."""
        while True:
            try:
                await self.look()
            except Stepping:
                raise
            except (CloudK8sError, OSError) as error:
                _log.warning("etcd's members are not known at the moment: %s", error)
            await self._clock.sleep(PERIOD)

    async def look(self) -> None:
        """Look once, let go whom nothing keeps, and tell."""
        members = await asyncio.to_thread(self._etcd.members)
        states = dict(zip((m.id for m in members), await asyncio.gather(*map(self._state, members)), strict=True))
        healthy = {id for id, status in states.items() if status is not None and status.leader != "0"}
        leaving = read_departures(await self._found(DEPARTURES))
        objections: dict[str, str] = {}
        for member in members:
            if member.id in leaving:
                objections[member.id] = objection(members, healthy, member.id)
                if not objections[member.id]:
                    await self._let_go(member, members, states, healthy)
                    members = [each for each in members if each.id != member.id]
        await self._tell(roll_object(entries_of(members, healthy, objections)))

    async def _state(self, member: Member) -> Status | None:
        """None where it does not answer."""
        try:
            return await asyncio.to_thread(self._etcd.status, member.address) if member.address else None
        except (EtcdSilent, EtcdRefused):
            return None

    async def _let_go(
        self, member: Member, members: Sequence[Member], states: Mapping[str, Status | None], healthy: Collection[str]
    ) -> None:
        others = [m for m in members if not m.is_learner and m.id != member.id and m.id in healthy]
        if member.address == self._own and others:
            raise Stepping(f"member {member.name} of etcd shall go: another machine leads from now on")
        status = states.get(member.id)
        if status is not None and status.leader == member.id and others:
            await asyncio.to_thread(self._etcd.transfer, member.address, others[0].id)
        _log.info("member %s (%s) leaves etcd", member.name, member.id)
        await asyncio.to_thread(self._etcd.remove, member.id)

    async def _tell(self, wanted: dict[str, Any]) -> None:
        found = await self._found(ROLL)
        if found is not None and found.get("data") == wanted["data"]:
            return
        try:
            if found is None:
                await self._client.create(CONFIG_MAPS, wanted, namespace=NAMESPACE)
            else:
                await self._client.patch(CONFIG_MAPS, ROLL, {"data": wanted["data"]}, namespace=NAMESPACE)
        except AlreadyExists:
            return  # somebody else tells, too; the next look compares

    async def _found(self, name: str) -> Mapping[str, Any] | None:
        try:
            return await self._client.get(CONFIG_MAPS, name, namespace=NAMESPACE)
        except NotFound:
            return None
