"""The life of a cluster on AWS under crashes, throttling, lost answers and stale listings."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable

import pytest

from cloudk8s.provisioning.converging import converge
from cloudk8s.provisioning.declaration.cluster import ClusterDeclaration
from cloudk8s.provisioning.teardown import tear_down
from cloudk8s.testing.faults import Crash
from cloudk8s_aws.machines.launch import NAMES
from cloudk8s_aws.machines.naming import from_tags
from tests.provisioning.aws.harness import AwsCloud, declaration, highly_available

SMALL = declaration(pools=[{"replicas": 2}])
GROWN = declaration(pools=[{"replicas": 4}])
STEP = 4
"""Every so many crash points in the quick run; the slow one takes every one."""


def live(cloud: AwsCloud, wanted: ClusterDeclaration | None) -> bool:
    """Converge, or delete where nothing is wanted; False where the process died."""
    try:
        tear_down(cloud.site(), timeout=9000) if wanted is None else converge(cloud.site(), wanted, timeout=9000)
    except Crash:
        return False
    return True


def names(cloud: AwsCloud) -> list[str]:
    """Names of the machines that live, one for each."""
    found = []
    for reservation in cloud.world.raw("ec2").describe_instances()["Reservations"]:
        for instance in reservation["Instances"]:
            if instance["State"]["Name"] in ("pending", "running"):
                tags = {tag["Key"]: tag["Value"] for tag in instance["Tags"]}
                names = from_tags(NAMES, tags)
                found.append(names[instance["AmiLaunchIndex"]] if names else instance["InstanceId"])
    return found


Wanted = ClusterDeclaration | Callable[[], ClusterDeclaration] | None
"""A declaration, or what makes one of an account that has just been furnished."""


def crash_everywhere(cloud: AwsCloud, first_wanted: Wanted, then_wanted: Wanted,
                     first: int, step: int, furnish: Callable[[], None] = lambda: None) -> None:  # fmt: skip
    """For n = first, first + step, …: die after the n-th call, go on in a new process, delete; nothing may be left."""
    for call in range(first, 400, step):
        cloud.world.reset()
        furnish()
        cloud = AwsCloud(cloud.world)
        before, wanted = (entry() if callable(entry) else entry for entry in (first_wanted, then_wanted))
        if before is not None:
            assert live(cloud, before)
        cloud.world.crash_after(call)
        survived = live(cloud, wanted)
        cloud.world.crash_after(0)
        assert not [name for name, count in Counter(names(cloud)).items() if count > 1]
        if wanted is not None:
            assert live(cloud, wanted)
            assert len(names(cloud)) == wanted.control_plane.replicas + wanted.pools[0].replicas
        assert live(cloud, None)
        assert not cloud.world.left(), f"after a crash at call {call}"
        if survived:
            return
    raise AssertionError("more calls than this should take")


GROUP = declaration(pools=[{"replicas": 2, "scalingGroup": True}])
GROWN_GROUP = declaration(pools=[{"replicas": 4, "scalingGroup": True}])
ROLLED_GROUP = declaration(pools=[{"replicas": 2, "scalingGroup": True, "type": "m7i.large"}])
STAGES = [
    pytest.param(None, SMALL, id="create"),
    pytest.param(SMALL, GROWN, id="scale"),
    pytest.param(SMALL, None, id="delete"),
    pytest.param(None, GROUP, id="create a group"),
    pytest.param(GROUP, GROWN_GROUP, id="grow a group"),
    pytest.param(GROWN_GROUP, GROUP, id="shrink a group"),
    pytest.param(GROUP, ROLLED_GROUP, id="roll a group"),
    pytest.param(GROUP, SMALL, id="from a group to machines"),
    pytest.param(GROUP, None, id="delete a group"),
]


@pytest.mark.parametrize(("before", "wanted"), STAGES)
def test_a_crash_leaves_nothing_that_the_next_run_does_not_mend(
    cloud: AwsCloud, before: ClusterDeclaration | None, wanted: ClusterDeclaration | None
) -> None:
    crash_everywhere(cloud, before, wanted, 1, STEP)


@pytest.mark.slow
@pytest.mark.timeout(1800)
@pytest.mark.parametrize("first", [2, 3, 4])
@pytest.mark.parametrize(("before", "wanted"), STAGES)
def test_a_crash_after_every_single_call(
    cloud: AwsCloud, before: ClusterDeclaration | None, wanted: ClusterDeclaration | None, first: int
) -> None:
    crash_everywhere(cloud, before, wanted, first, STEP)


def test_half_of_all_calls_throttled_still_converges(cloud: AwsCloud) -> None:
    cloud.world.faults.throttled = 0.5
    assert live(cloud, highly_available())
    assert len(names(cloud)) == 6
    assert live(cloud, None)
    assert not cloud.world.left()


def test_lost_answers_make_nothing_twice(cloud: AwsCloud) -> None:
    cloud.world.faults.lost = 0.2
    assert live(cloud, SMALL)
    assert live(cloud, GROWN)
    assert Counter(names(cloud)).most_common(1)[0][1] == 1
    assert len(names(cloud)) == 5
    assert live(cloud, None)
    cloud.world.faults.heal()
    assert not cloud.world.left()


def test_stale_listings_make_nothing_twice(cloud: AwsCloud) -> None:
    cloud.world.staleness.lag = 8.0
    assert live(cloud, SMALL)
    assert live(cloud, GROWN)
    assert len(names(cloud)) == 5
    assert live(cloud, None)
    assert not cloud.world.left()


@pytest.mark.parametrize(("seed", "groups"), [*((seed, 0.0) for seed in range(4)), (4, 0.6), (5, 1.0)])
def test_random_crashes_throttling_lost_answers_and_staleness_together(
    cloud: AwsCloud, seed: int, groups: float
) -> None:
    """A life of random changes, each begun by a process that may die anywhere, in a bad account."""
    dice = random.Random(seed)
    faults = cloud.world.faults
    faults.throttled, faults.lost, cloud.world.staleness.lag = 0.2, 0.1, 8.0
    version = "1.37"
    for _ in range(3):
        version = max(version, dice.choice(["1.37", "1.37", "1.38"]))
        pool = {"replicas": dice.randint(0, 5)} | ({"scalingGroup": True} if dice.random() < groups else {})
        wanted = declaration(
            controlPlane={"replicas": dice.choice([1, 1, 3])}, pools=[pool],
            kubernetesVersion=version,
        )  # fmt: skip
        cloud.world.crash_after(dice.randint(1, 60))
        live(cloud, wanted)
        cloud.world.crash_after(0)
        assert live(cloud, wanted)
        assert len(names(cloud)) == len(set(names(cloud))) == wanted.control_plane.replicas + wanted.pools[0].replicas
    cloud.world.crash_after(dice.randint(1, 30))
    live(cloud, None)
    cloud.world.crash_after(0)
    assert live(cloud, None)
    assert not cloud.world.left()
