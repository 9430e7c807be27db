"""One leader among many replicas, by a Lease; upstream's protocol, so that either side may be upstream's.

https://pkg.go.dev/k8s.io/client-go/tools/leaderelection
"""

from __future__ import annotations

import asyncio
import logging
import random
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import timedelta

from cloudk8s.client.interface import Client, Object
from cloudk8s.client.objects import spec_of
from cloudk8s.client.resources import LEASES
from cloudk8s.errors import AlreadyExists, CloudK8sError, Conflict, NotFound, SettingsError, StatusError
from cloudk8s.machinery import codec
from cloudk8s.machinery.clock import Clock

JITTER = 1.2
TOLERANCE = 20.0
"""Seconds that a leader may be late with its renewal, beyond the lease, before it counts as unhealthy."""

_log = logging.getLogger(__name__)


class LeadershipLost(CloudK8sError):
    """The lease could not be renewed in time: somebody else may lead by now. The process should end."""


@dataclass(frozen=True, slots=True)
class LeaderElection:
    """Who competes for which lease, and upstream's timings. Raises SettingsError for times that leave no time."""

    name: str
    identity: str
    namespace: str = "kube-system"
    lease_duration: timedelta = timedelta(seconds=15)
    renew_deadline: timedelta = timedelta(seconds=10)
    retry_period: timedelta = timedelta(seconds=2)

    def __post_init__(self) -> None:
        if not timedelta(0) < self.retry_period * JITTER < self.renew_deadline < self.lease_duration:
            raise SettingsError(
                "--leader-elect-lease-duration must be longer than --leader-elect-renew-deadline, and that longer than "
                f"{JITTER} times --leader-elect-retry-period"
            )


class LeaderElector:
    """Runs something only while this process holds the lease.

    Guaranteed, as long as clocks run at about the same speed: what `run` runs is cancelled before another replica,
    which waits `lease_duration` after the last renewal it saw, can take over.
    """

    def __init__(self, client: Client, election: LeaderElection, *, clock: Clock) -> None:
        self._client = client
        self._election = election
        self._clock = clock
        self._seen: Object | None = None
        self._seen_at = 0.0
        self._is_leader = False
        self._renewed_at = 0.0

    @property
    def name(self) -> str:
        """The lease's."""
        return self._election.name

    @property
    def is_leader(self) -> bool:
        return self._is_leader

    @property
    def leader(self) -> str:
        """The identity that held the lease when it was last seen."""
        return str(spec_of(self._seen).get("holderIdentity") or "") if self._seen else ""

    def failing(self) -> str:
        """Why this replica is not healthy: it believes that it leads, and has not renewed for too long. Empty if it is.

        One that waits for its turn is healthy.
        """
        limit = self._election.lease_duration.total_seconds() + TOLERANCE
        is_late = self._is_leader and self._clock.monotonic() - self._renewed_at > limit
        return f"failed election to renew leadership on lease {self._election.name}" if is_late else ""

    async def run(self, lead: Callable[[], Awaitable[None]]) -> None:
        """Wait to be elected, then await `lead` while renewing.

        Returns when `lead` does; the lease is given back then, and when this is cancelled. Raises LeadershipLost.
        """
        await self._acquire()
        work = asyncio.ensure_future(lead())
        renewal = asyncio.create_task(self._renew(), name=f"renew {self._election.name}")
        try:
            await asyncio.wait((work, renewal), return_when=asyncio.FIRST_COMPLETED)
        finally:
            await _stopped(work, renewal)
            if self._is_leader:
                await self._release()
        if renewal.done() and not renewal.cancelled():
            renewal.result()
        work.result()

    async def _acquire(self) -> None:
        retry = self._election.retry_period.total_seconds()
        while not await self._try():
            await self._clock.sleep(retry * (1 + JITTER * random.random()))
        self._is_leader, self._renewed_at = True, self._clock.monotonic()
        _log.info("%s became leader of %s", self._election.identity, self._election.name)

    async def _renew(self) -> None:
        deadline = self._election.renew_deadline.total_seconds()
        while True:
            await self._clock.sleep(self._election.retry_period.total_seconds())
            if await self._try_within(self._renewed_at + deadline - self._clock.monotonic()):
                self._renewed_at = self._clock.monotonic()
            elif self._clock.monotonic() - self._renewed_at >= deadline:
                self._is_leader = False
                raise LeadershipLost(f"lease {self._election.namespace}/{self._election.name} was not renewed in time")

    async def _try_within(self, seconds: float) -> bool:
        """`_try`, given up after that time: a server that hangs must not keep us believing that we lead."""
        attempt = asyncio.ensure_future(self._try())
        timeout = asyncio.ensure_future(self._clock.sleep(seconds))
        try:
            await asyncio.wait((attempt, timeout), return_when=asyncio.FIRST_COMPLETED)
            return attempt.done() and attempt.result()
        finally:
            attempt.cancel()
            timeout.cancel()

    async def _try(self) -> bool:
        try:
            return await self._try_to_hold()
        except (StatusError, OSError) as error:
            if not isinstance(error, (Conflict, AlreadyExists)):
                _log.warning("lease %s: %s", self._election.name, error)
            return False

    async def _try_to_hold(self) -> bool:
        """Create, renew or take over the lease; False when another one holds it."""
        election = self._election
        try:
            lease = await self._client.get(LEASES, election.name, namespace=election.namespace)
        except NotFound:
            fresh = {"metadata": {"name": election.name, "namespace": election.namespace}, "spec": self._spec({})}
            self._see(await self._client.create(LEASES, fresh, namespace=election.namespace))
            return True
        if self._seen is None or spec_of(self._seen) != spec_of(lease):
            self._see(lease)
        if self.leader not in ("", election.identity) and not self._has_expired(lease):
            return False
        renewed = codec.copy(lease)
        renewed["spec"] = self._spec(lease.get("spec") or {})
        self._see(await self._client.update(LEASES, renewed))
        return True

    def _see(self, lease: Object) -> None:
        self._seen, self._seen_at = lease, self._clock.monotonic()

    def _has_expired(self, lease: Object) -> bool:
        """By the time since this process saw it change: clocks of other machines are not compared with ours."""
        seconds = float(spec_of(lease).get("leaseDurationSeconds") or 0)
        return self._seen_at + seconds < self._clock.monotonic()

    def _spec(self, old: Object) -> Object:
        now = self._clock.now().strftime("%Y-%m-%dT%H:%M:%S.%fZ")
        is_ours = old.get("holderIdentity") == self._election.identity
        transitions = int(old.get("leaseTransitions") or 0)
        return {
            "holderIdentity": self._election.identity,
            "leaseDurationSeconds": int(self._election.lease_duration.total_seconds()),
            "acquireTime": old.get("acquireTime", now) if is_ours else now,
            "renewTime": now,
            "leaseTransitions": transitions if is_ours or not old else transitions + 1,
        }

    async def _release(self) -> None:
        """Give the lease back, so that another replica need not wait for it to expire."""
        self._is_leader = False
        assert self._seen is not None
        lease = codec.copy(self._seen)
        now = self._clock.now().strftime("%Y-%m-%dT%H:%M:%S.%fZ")
        lease["spec"] |= {"holderIdentity": "", "leaseDurationSeconds": 1, "renewTime": now, "acquireTime": now}
        try:
            await self._client.update(LEASES, lease)
        except (StatusError, OSError) as error:
            _log.info("lease %s not released: %s", self._election.name, error)


async def _stopped(*tasks: asyncio.Future[None]) -> None:
    for task in tasks:
        task.cancel()
    await asyncio.wait(tasks)
