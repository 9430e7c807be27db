"""The simulated account obeys a cloud's rules."""

from __future__ import annotations

from pathlib import Path

import pytest

from cloudk8s.errors import CloudNotFound, QuotaExceeded
from cloudk8s.testing.faults import Faults, LostAnswer, Throttled
from cloudk8s_simulated.cloud.account import Account, InUse, Taken


def test_what_is_referred_to_can_not_be_deleted() -> None:
    account = Account()
    group = account.create("group", {"name": "g"}, {})
    balancer = account.create("balancer", {"name": "b"}, {})
    properties = {"balancer": balancer.id, "port": 80, "protocol": "TCP", "groups": [group.id]}
    listener = account.create("listener", properties, {})
    with pytest.raises(InUse, match=f"{group.id} is in use by {listener.id}"):
        account.delete([group.id])
    account.delete([balancer.id])
    account.delete([group.id])
    assert account.everything() == []


def test_a_reference_must_exist() -> None:
    with pytest.raises(CloudNotFound, match="listener: groups group-9 does not exist"):
        Account().create("listener", {"groups": ["group-9"]}, {})


def test_names_are_unique() -> None:
    account = Account()
    account.create("balancer", {"name": "b"}, {})
    with pytest.raises(Taken, match="balancer with name 'b' exists: balancer-1"):
        account.create("balancer", {"name": "b"}, {})


def test_a_token_makes_one_thing() -> None:
    account = Account()
    assert account.create("instance", {}, {}, token="t").id == account.create("instance", {}, {}, token="t").id


def test_listings_lag_behind() -> None:
    time = [0.0]
    account = Account(now=lambda: time[0], lag=5)
    made = account.create("instance", {}, {})
    assert account.list("instance") == []
    assert made.id in account.get([made.id])
    time[0] = 6
    assert [thing.id for thing in account.list("instance")] == [made.id]
    account.delete([made.id])
    assert [thing.id for thing in account.list("instance")] == [made.id]
    time[0] = 12
    assert account.list("instance") == []


def test_limits_are_enforced() -> None:
    account = Account(limits={"balancer": 1})
    account.create("balancer", {"name": "a"}, {})
    with pytest.raises(QuotaExceeded, match="at most 1 of kind balancer"):
        account.create("balancer", {"name": "b"}, {})


def test_faults_are_the_same_for_the_same_seed() -> None:
    def run(seed: int) -> list[str]:
        account, happened = Account(faults=Faults(seed, throttled=0.3, lost=0.3)), []
        for _ in range(30):
            try:
                account.create("instance", {}, {})
                happened.append("made")
            except (Throttled, LostAnswer) as error:
                happened.append(type(error).__name__)
        return happened

    assert run(1) == run(1)
    assert run(1) != run(2)
    assert {"made", "Throttled", "LostAnswer"} == set(run(1))


def test_a_state_file_outlives_the_process(tmp_path: Path) -> None:
    path = tmp_path / "account.json"
    made = Account(state_file=path).create("balancer", {"name": "b"}, {"a": "b"})
    again = Account(state_file=path)
    assert list(again.everything()) == [made]
    assert again.create("balancer", {"name": "c"}, {}).id == "balancer-2"
