"""How a machine finds into etcd, whatever was there before."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from cloudk8s.controlplane.machine.etcd.certificates import Files
from cloudk8s.controlplane.machine.etcd.joining import Way, enrol, how_to_start
from cloudk8s.controlplane.machine.etcd.member import Member, Place
from cloudk8s.controlplane.machine.etcd.membership import EtcdRefused
from cloudk8s.machinery.clock import FakeClock
from tests.controlplane.machine.etcd.fake_etcd import FakeEtcd


def place(tmp_path: Path, name: str = "cp-new", address: str = "10.0.0.9") -> Place:
    return Place(name, address, tmp_path / "etcd", Files(tmp_path / "pki"))


def flags(words: list[str]) -> dict[str, str]:
    assert words[0] == "etcd"
    return dict(word.removeprefix("--").split("=", 1) for word in words[1:])


async def started(place: Place, etcd: FakeEtcd | None, *, is_first: bool = False) -> dict[str, str]:
    async def find() -> FakeEtcd | None:
        return etcd

    said: list[str] = []
    return flags(await how_to_start(place, Way("demo", is_first, find), clock=FakeClock(), report=said.append))


async def test_the_first_makes_it(tmp_path: Path) -> None:
    found = await started(place(tmp_path), None, is_first=True)
    assert found["initial-cluster-state"] == "new"
    assert found["initial-cluster"] == "cp-new=https://10.0.0.9:2380"
    assert found["initial-cluster-token"] == "demo"


async def test_the_first_joins_where_there_is_one_already(tmp_path: Path) -> None:
    found = await started(place(tmp_path), FakeEtcd("10.0.0.1"), is_first=True)
    assert found["initial-cluster-state"] == "existing"
    assert found["initial-cluster"] == "cp-0=https://10.0.0.1:2380,cp-new=https://10.0.0.9:2380"


async def test_who_has_data_asks_nobody(tmp_path: Path) -> None:
    (tmp_path / "etcd" / "member").mkdir(parents=True)
    etcd = FakeEtcd("10.0.0.1")
    assert (await started(place(tmp_path), etcd))["initial-cluster"] == "cp-new=https://10.0.0.9:2380"
    assert etcd.calls == []


def test_everybody_shows_a_certificate(tmp_path: Path) -> None:
    from cloudk8s.controlplane.machine.etcd.member import command

    found = flags(command(place(tmp_path), "demo", {}, is_new=True))
    assert found["client-cert-auth"] == found["peer-client-cert-auth"] == "true"
    assert "http://" not in " ".join(found.values())


async def test_others_wait_for_the_api_and_for_their_turn(tmp_path: Path) -> None:
    etcd, answers, clock = FakeEtcd("10.0.0.1"), [False], FakeClock()
    etcd.raw.append({"ID": "150", "peerURLs": ["https://10.0.0.8:2380"], "isLearner": True})

    async def find() -> FakeEtcd | None:
        return etcd if answers[0] else None

    said: list[str] = []
    starting = how_to_start(place(tmp_path), Way("demo", False, find), clock=clock, report=said.append)
    task = asyncio.create_task(starting)

    async def pass_time() -> None:
        for _ in range(20):  # threads answer in between
            await asyncio.sleep(0.005)
        await clock.advance(1.1)

    await pass_time()
    answers[0] = True
    await pass_time()
    await pass_time()
    assert not task.done()
    etcd.raw[-1].pop("isLearner")
    etcd.raw[-1]["name"] = "cp-1"
    await pass_time()
    found = flags(await asyncio.wait_for(task, 5))
    assert [line.rpartition(": ")[2] for line in said] == [
        "the cluster's API does not answer yet", "too many learner members in cluster",
    ]  # fmt: skip
    assert found["initial-cluster"].count("=") == 3


@pytest.mark.parametrize("same", ["name", "address"])
def test_an_earlier_life_goes_first(tmp_path: Path, same: str) -> None:
    etcd = FakeEtcd("10.0.0.1", "10.0.0.2")
    again = place(tmp_path, "cp-1", "10.0.0.9") if same == "name" else place(tmp_path, "cp-new", "10.0.0.2")
    assert enrol(etcd, again) == {"cp-0": "https://10.0.0.1:2380"}
    assert [call[0] for call in etcd.calls] == ["remove", "add"]


def test_who_was_let_in_before_is_not_added_twice(tmp_path: Path) -> None:
    etcd = FakeEtcd("10.0.0.1")
    enrol(etcd, place(tmp_path))
    enrol(etcd, place(tmp_path))
    assert [call[0] for call in etcd.calls] == ["add"]


def test_a_member_is_read_without_what_the_gateway_leaves_out() -> None:
    member = Member.of({"ID": "7", "peerURLs": ["https://[fd00::1]:2380"]})
    assert (member.name, member.is_learner, member.address) == ("", False, "fd00::1")


def test_removing_who_has_gone_is_success() -> None:
    etcd = FakeEtcd("10.0.0.1")
    etcd.remove("999")
    with pytest.raises(EtcdRefused):
        etcd.promote("999")
