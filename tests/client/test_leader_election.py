from __future__ import annotations

import asyncio

import pytest

from cloudk8s.client.leader_election import LeaderElection, LeaderElector, LeadershipLost
from cloudk8s.client.resources import LEASES
from cloudk8s.errors import ServiceUnavailable
from cloudk8s.machinery.clock import FakeClock
from cloudk8s.testing.fake_client import Action, FakeClient


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def client(clock: FakeClock) -> FakeClient:
    return FakeClient(clock=clock)


class Replica:
    """One process that competes; `leads` tells whether its work runs."""

    def __init__(self, client: FakeClient, clock: FakeClock, identity: str) -> None:
        self.elector = LeaderElector(client, LeaderElection("manager", identity), clock=clock)
        self.leads = False
        self.task = asyncio.create_task(self.elector.run(self._lead))

    async def _lead(self) -> None:
        self.leads = True
        try:
            await asyncio.Event().wait()
        finally:
            self.leads = False

    async def stop(self) -> None:
        self.task.cancel()
        await asyncio.gather(self.task, return_exceptions=True)


async def test_the_first_one_leads_and_the_lease_says_so(client: FakeClient, clock: FakeClock) -> None:
    first, second = Replica(client, clock, "one"), Replica(client, clock, "two")
    await clock.advance(60)
    assert (first.leads, second.leads) == (True, False)
    lease = client.peek(LEASES, "manager", "kube-system")
    assert lease is not None
    assert lease["spec"]["holderIdentity"] == "one"
    assert lease["spec"]["leaseDurationSeconds"] == 15
    assert lease["spec"]["leaseTransitions"] == 0
    assert lease["spec"]["acquireTime"] == "2026-01-01T00:00:00.000000Z"
    assert second.elector.leader == "one"
    await first.stop()
    await second.stop()


async def test_a_leader_that_stops_gives_the_lease_back(client: FakeClient, clock: FakeClock) -> None:
    first, second = Replica(client, clock, "one"), Replica(client, clock, "two")
    await clock.advance(5)
    await first.stop()
    await clock.advance(5)
    assert second.leads
    lease = client.peek(LEASES, "manager", "kube-system")
    assert lease is not None
    assert lease["spec"]["leaseTransitions"] >= 1
    await second.stop()


async def test_a_leader_that_dies_is_followed_within_the_lease(client: FakeClient, clock: FakeClock) -> None:
    dead = {"holderIdentity": "dead", "leaseDurationSeconds": 15, "leaseTransitions": 3}
    metadata = {"name": "manager", "namespace": "kube-system"}
    client.add({"apiVersion": "coordination.k8s.io/v1", "kind": "Lease", "metadata": metadata, "spec": dead})
    replica = Replica(client, clock, "two")
    await clock.advance(14)
    assert client.peek(LEASES, "manager", "kube-system")["spec"]["holderIdentity"] == "dead"  # type: ignore[index]
    await clock.advance(7)
    assert replica.leads
    lease = client.peek(LEASES, "manager", "kube-system")
    assert lease is not None
    assert lease["spec"]["leaseTransitions"] == 4
    await replica.stop()


@pytest.mark.parametrize("hangs", [False, True])
async def test_a_leader_that_cannot_renew_stops_before_anyone_else_may_start(
    client: FakeClient, clock: FakeClock, hangs: bool
) -> None:
    replica = Replica(client, clock, "one")
    await clock.advance(5)
    if hangs:
        client.update = lambda *_, **__: asyncio.Event().wait()  # type: ignore[assignment, method-assign]
    else:
        client.on(_refuse)
    await clock.advance(13)
    assert not replica.leads
    with pytest.raises(LeadershipLost):
        await replica.task


async def test_never_two_leaders_while_connections_come_and_go(client: FakeClient, clock: FakeClock) -> None:
    replicas = [Replica(client, clock, str(number)) for number in range(3)]
    for second in range(300):
        stop = client.on(_refuse) if second % 7 < 3 else None
        await clock.advance(1)
        assert sum(replica.leads for replica in replicas) <= 1
        if stop:
            stop()
    for replica in replicas:
        await replica.stop()


def _refuse(action: Action) -> None:
    raise ServiceUnavailable("down")


def test_the_timings_are_upstreams() -> None:
    election = LeaderElection("a", "me")
    seconds = (election.lease_duration, election.renew_deadline, election.retry_period)
    assert [time.total_seconds() for time in seconds] == [15, 10, 2]


async def test_a_leader_that_has_not_renewed_for_long_is_not_healthy() -> None:
    clock = FakeClock()
    elector = LeaderElector(FakeClient(clock=clock), LeaderElection("a", "me"), clock=clock)
    assert elector.failing() == "", "one that waits for its turn is well"
    elector._is_leader, elector._renewed_at = True, clock.monotonic()
    await clock.advance(15 + 19)
    assert elector.failing() == ""
    await clock.advance(2)
    assert elector.failing() == "failed election to renew leadership on lease a"
