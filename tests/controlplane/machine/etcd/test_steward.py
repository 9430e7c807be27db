"""Who looks after etcd's members tells how they are, and lets go whom nothing keeps."""

from __future__ import annotations

import pytest

from cloudk8s.client.resources import CONFIG_MAPS
from cloudk8s.controlplane.machine.etcd.member import Member
from cloudk8s.controlplane.machine.etcd.quorum import objection, quorum
from cloudk8s.controlplane.machine.etcd.roll import NAMESPACE, ROLL, Entry, departures_object, read_roll
from cloudk8s.controlplane.machine.etcd.steward import Stepping, Steward
from cloudk8s.machinery.clock import FakeClock
from cloudk8s.testing.fake_client import FakeClient
from tests.controlplane.machine.etcd.fake_etcd import FakeEtcd

CLOCK = FakeClock()


@pytest.fixture
def client() -> FakeClient:
    return FakeClient(clock=CLOCK)


async def told(client: FakeClient) -> dict[str, Entry]:
    found = await client.get(CONFIG_MAPS, ROLL, namespace=NAMESPACE)
    return {entry.name: entry for entry in read_roll(found)}


async def asked(client: FakeClient, *ids: str) -> None:
    await client.create(CONFIG_MAPS, departures_object(ids), namespace=NAMESPACE)


def steward(client: FakeClient, etcd: FakeEtcd, own: str = "10.0.0.1") -> Steward:
    return Steward(client, etcd, own, clock=CLOCK)


async def test_the_roll_tells_who_answers(client: FakeClient) -> None:
    etcd = FakeEtcd("10.0.0.1", "10.0.0.2", "10.0.0.3")
    etcd.silent.add("10.0.0.3")
    await steward(client, etcd).look()
    assert {name: entry.is_healthy for name, entry in (await told(client)).items()} == {
        "cp-0": True, "cp-1": True, "cp-2": False,
    }  # fmt: skip


async def test_it_is_written_only_when_it_changes(client: FakeClient) -> None:
    etcd = FakeEtcd("10.0.0.1")
    await steward(client, etcd).look()
    before = (await client.get(CONFIG_MAPS, ROLL, namespace=NAMESPACE))["metadata"]["resourceVersion"]
    await steward(client, etcd).look()
    assert (await client.get(CONFIG_MAPS, ROLL, namespace=NAMESPACE))["metadata"]["resourceVersion"] == before


async def test_who_shall_go_goes_and_hands_its_office_over_first(client: FakeClient) -> None:
    etcd = FakeEtcd("10.0.0.2", "10.0.0.1", "10.0.0.3")
    await asked(client, "100")
    await steward(client, etcd).look()
    assert etcd.calls == [("transfer-leadership", "101"), ("remove", "100")]
    assert set(await told(client)) == {"cp-1", "cp-2"}


async def test_who_would_take_the_quorum_along_stays(client: FakeClient) -> None:
    etcd = FakeEtcd("10.0.0.1", "10.0.0.2", "10.0.0.3")
    etcd.silent.add("10.0.0.3")
    await asked(client, "101")
    await steward(client, etcd).look()
    assert etcd.calls == []
    assert "would lose its quorum" in (await told(client))["cp-1"].objection


async def test_a_dead_member_goes(client: FakeClient) -> None:
    etcd = FakeEtcd("10.0.0.1", "10.0.0.2", "10.0.0.3")
    etcd.silent.add("10.0.0.3")
    await asked(client, "102")
    await steward(client, etcd).look()
    assert etcd.calls == [("remove", "102")]


async def test_the_stewards_own_member_is_left_to_another_steward(client: FakeClient) -> None:
    etcd = FakeEtcd("10.0.0.1", "10.0.0.2", "10.0.0.3")
    await asked(client, "100")
    with pytest.raises(Stepping):
        await steward(client, etcd).look()
    await steward(client, etcd, "10.0.0.2").look()
    assert ("remove", "100") in etcd.calls


@pytest.mark.parametrize(
    ("voters", "healthy", "may_go"),
    [
        (1, {0}, False),
        (2, {0, 1}, True),
        (2, {0}, False),
        (3, {0, 1, 2}, True),
        (3, {0, 1}, False),
        (5, {0, 1, 2, 3}, True),
    ],
)
def test_quorum(voters: int, healthy: set[int], may_go: bool) -> None:
    members = [Member(str(number), f"cp-{number}") for number in range(voters)]
    assert (objection(members, {str(number) for number in healthy}, "0") == "") is may_go
    assert quorum(voters) > voters / 2


def test_learners_and_strangers_may_always_go() -> None:
    members = [Member("1", "a"), Member("2", "b", is_learner=True)]
    assert objection(members, set(), "2") == objection(members, set(), "9") == ""
