"""Work of one among several: somebody does it, also after whoever did it failed."""

from __future__ import annotations

import asyncio

from cloudk8s.client.leader_election import LeaderElection
from cloudk8s.controlplane.elected import REST_SECONDS, keep_elected
from cloudk8s.machinery.clock import FakeClock
from cloudk8s.testing.fake_client import FakeClient


class Replica:
    """One process; its work fails when told to."""

    def __init__(self, client: FakeClient, clock: FakeClock, name: str) -> None:
        self.fails = asyncio.Event()
        self.works = False
        self.turns = 0
        election = LeaderElection("work", name)
        self.task = asyncio.create_task(keep_elected(client, election, self._work, clock=clock))

    async def _work(self) -> None:
        self.works, self.turns = True, self.turns + 1
        try:
            await self.fails.wait()
            self.fails.clear()
            raise RuntimeError("broken")
        finally:
            self.works = False


async def test_another_one_goes_on_when_the_work_fails() -> None:
    clock = FakeClock()
    client = FakeClient(clock=clock)
    replicas = [Replica(client, clock, name) for name in ("a", "b")]
    await clock.advance(5)
    (first,) = [replica for replica in replicas if replica.works]
    first.fails.set()
    await clock.advance(REST_SECONDS / 2)
    (second,) = [replica for replica in replicas if replica.works]
    assert second is not first
    second.fails.set()
    for _ in range(4):
        await clock.advance(5)
    assert sum(replica.works for replica in replicas) == 1
    assert first.turns + second.turns >= 3
    for replica in replicas:
        replica.task.cancel()
    await asyncio.gather(*(replica.task for replica in replicas), return_exceptions=True)
