"""A thousand random lives: clusters change while processes die at any call; nothing is made twice, nothing is left."""

from __future__ import annotations

import random
from collections import Counter

import pytest

from cloudk8s.provisioning.converging import converge
from cloudk8s.provisioning.declaration.cluster import ClusterDeclaration
from cloudk8s.provisioning.teardown import tear_down
from cloudk8s.testing.faults import Crash
from tests.provisioning.harness import SimulatedCloud, declaration

CRASHES = 1000


def random_declaration(dice: random.Random, before: ClusterDeclaration | None) -> ClusterDeclaration:
    pools = [
        {"name": name, "replicas": dice.randint(0, 6), "rollout": {"maxSurge": dice.randint(1, 3)}}
        for name in ("workers", "batch")[: dice.randint(1, 2)]
    ]
    version = dice.choice(["1.37", "1.38"])
    if before is not None:  # versions never go back
        version = max(version, before.version)
    return declaration(controlPlane={"replicas": dice.choice([1, 3])}, pools=pools, kubernetesVersion=version)


def live(cloud: SimulatedCloud, wanted: ClusterDeclaration | None) -> bool:
    """Converge, or delete where nothing is wanted; False where the process died."""
    try:
        tear_down(cloud.site()) if wanted is None else converge(cloud.site(), wanted)
    except Crash:
        return False
    return True


@pytest.mark.parametrize("seed", range(10))
def test_crashes_anywhere_in_a_life_do_no_harm(seed: int) -> None:
    dice, crashes = random.Random(seed), 0
    while crashes < CRASHES / 10:
        cloud = SimulatedCloud(instance=dice.choice([0, 5]), balancer=dice.choice([0, 20]))
        wanted: ClusterDeclaration | None = None
        for _ in range(3):
            wanted = random_declaration(dice, wanted)
            for _ in range(3):
                cloud.faults.crash_after = len(cloud.faults.mutations) + dice.randint(1, 12)
                crashes += not live(cloud, wanted)
                assert all(count == 1 for count in Counter(cloud.instances()).values())
            cloud.faults.crash_after = 0
            assert live(cloud, wanted)
            machines = wanted.control_plane.replicas + sum(pool.replicas for pool in wanted.pools)
            assert len(cloud.instances()) == machines
            cloud.faults.forget()
            assert live(cloud, wanted)
            assert cloud.faults.mutations == []
        cloud.faults.crash_after = dice.randint(1, 8)
        crashes += not live(cloud, None)
        cloud.faults.crash_after = 0
        assert live(cloud, None)
        assert cloud.left() == []
