"""How a machine becomes a member of etcd, and stays one: the first makes it, others follow before they vote.

A machine that has data only starts. One that has none asks the members that the API names to let it follow; names and
addresses that it had in an earlier life go first. Whatever is in the way is tried again.
"""

from __future__ import annotations

import asyncio
import logging
import shutil
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Final

from cloudk8s.controlplane.background import background
from cloudk8s.controlplane.child import keep_running
from cloudk8s.controlplane.machine.etcd.certificates import client_context
from cloudk8s.controlplane.machine.etcd.member import Member, Place, command
from cloudk8s.controlplane.machine.etcd.membership import Etcd, EtcdRefused, EtcdSilent
from cloudk8s.errors import CloudK8sError, SettingsError
from cloudk8s.machinery.clock import Clock

Find = Callable[[], Awaitable[Etcd | None]]
"""The members that the cluster's API names; None where it does not answer, or names none."""
_RETRY_SECONDS: Final = 1.0
_END_WITH_PARENT: Final = ("setpriv", "--pdeathsig", "TERM", "--")
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Way:
    """How one machine finds in."""

    cluster: str
    is_first: bool
    """It makes the cluster, unless there is one."""
    find: Find


@asynccontextmanager
async def running_member(
    place: Place, way: Way, *, clock: Clock, report: Callable[[str], None]
) -> AsyncIterator[None]:  # fmt: skip
    """Run this machine's member while the block does; entered once it votes and knows a leader."""
    if shutil.which("etcd") is None:
        raise SettingsError("a control plane of several machines needs etcd on each: install Debian's etcd-server")
    words = await how_to_start(place, way, clock=clock, report=report)
    log = place.data.parent / "etcd.log"
    running = keep_running([*_END_WITH_PARENT, *words], log, name="etcd")
    async with background(running, names=("etcd",)):
        await voting(place, way.find, clock=clock)
        report(f"{place.name} is a member of etcd")
        yield


async def how_to_start(place: Place, way: Way, *, clock: Clock, report: Callable[[str], None]) -> list[str]:
    """The command line of this machine's member; returns once the others have let it in."""
    if place.has_joined:
        return command(place, way.cluster, {}, is_new=False)
    if way.is_first and await way.find() is None:
        return command(place, way.cluster, {}, is_new=True)
    said = ""
    while True:
        try:
            etcd = await way.find()
            if etcd is not None:
                others = await asyncio.to_thread(enrol, etcd, place)
                return command(place, way.cluster, others, is_new=False)
            reason = "the cluster's API does not answer yet"
        except (CloudK8sError, OSError) as error:
            reason = str(error)
        if reason != said:
            report(f"not a member of etcd yet: {reason}")
            said = reason
        await clock.sleep(_RETRY_SECONDS)


def enrol(etcd: Etcd, place: Place) -> Mapping[str, str]:
    """Let this machine follow; returns the others' peer URLs by name. Raises EtcdRefused while others are joining."""
    members = etcd.members()
    for member in earlier_lives(members, place):
        _log.warning("removing member %s of etcd: %s has its place, and none of its data", member.id, place.name)
        etcd.remove(member.id)
    if not any(not member.name and place.peer_url in member.peer_urls for member in members):
        members = etcd.add_learner(place.peer_url)
    return {m.name: m.peer_urls[0] for m in members if m.name and m.name != place.name and m.peer_urls}


def earlier_lives(members: Sequence[Member], place: Place) -> list[Member]:
    """Members that have started with this machine's name or address, which it knows nothing of. Pure."""
    return [m for m in members if m.name and (m.name == place.name or place.peer_url in m.peer_urls)]


async def voting(place: Place, find: Find, *, clock: Clock) -> None:
    """Return once the member votes and knows a leader; a learner is promoted as soon as it has caught up."""
    own = Etcd((place.address,), await asyncio.to_thread(client_context, place.files))
    while True:
        try:
            status = await asyncio.to_thread(own.status, place.address)
            if status.is_learner:
                if (others := await find()) is not None:
                    await asyncio.to_thread(others.promote, status.id)
            elif status.leader != "0":
                return
        except (EtcdRefused, EtcdSilent) as error:
            _log.debug("not voting yet: %s", error)
        await clock.sleep(_RETRY_SECONDS / 2)
