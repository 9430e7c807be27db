"""How many calls the life of a cluster takes, and that the plan knew it."""

from __future__ import annotations

from collections import Counter

import pytest

from cloudk8s.provisioning.converging import converge
from cloudk8s.provisioning.declaration.cluster import ClusterDeclaration
from cloudk8s.provisioning.planning import plan_cluster, plan_deletion, settled
from cloudk8s.provisioning.state import look
from cloudk8s.provisioning.teardown import tear_down
from tests.provisioning.aws.harness import AwsCloud, declaration, highly_available


def planned(cloud: AwsCloud, wanted: ClusterDeclaration) -> Counter[str]:
    site = cloud.site()
    state = look(site)
    plan = plan_cluster(site, settled(site, wanted, state), state)
    assert plan.calls is not None
    cloud.world.faults.forget()
    return Counter(plan.calls)


@pytest.mark.parametrize("workers", [3, 99])
def test_a_cluster_in_three_zones_takes_63_calls(cloud: AwsCloud, workers: int) -> None:
    """Reads and polls included; as many with 99 workers as with 3. Deletion changes something 43 times at most."""
    converge(cloud.site(), highly_available(workers))
    assert len(cloud.calls) <= 63
    assert len(cloud.instances()) == 3 + workers
    cloud.world.faults.forget()
    tear_down(cloud.site())
    assert len(cloud.mutations) <= 43
    assert not cloud.world.left()


def test_applying_again_changes_nothing(cloud: AwsCloud) -> None:
    converge(cloud.site(), highly_available())
    cloud.world.faults.forget()
    converge(cloud.site(), highly_available())
    assert cloud.mutations == []
    assert len(cloud.calls) <= 22


STAGES = {
    "scale up": highly_available(7),
    "scale down": highly_available(2),
    "upgrade": highly_available(2, kubernetesVersion="1.38"),
    "another type": declaration(
        kubernetesVersion="1.38", controlPlane={"replicas": 3}, network={"nat": "per-zone"},
        pools=[{"replicas": 2, "type": "m7i.large", "rollout": {"maxSurge": 2}}, {"name": "spot", "spot": True}],
    ),
    "open node ports": declaration(
        kubernetesVersion="1.38", controlPlane={"replicas": 3},
        network={"nat": "per-zone", "nodePortSourceRanges": ["0.0.0.0/0"], "sshSourceRanges": ["192.0.2.0/24"]},
        pools=[{"replicas": 2, "type": "m7i.large"}],
    ),
}  # fmt: skip


def test_the_plan_is_the_calls_then_made(cloud: AwsCloud) -> None:
    for name, wanted in {"create": highly_available(), **STAGES}.items():
        expected = planned(cloud, wanted)
        assert expected, name
        converge(cloud.site(), wanted)
        assert Counter(cloud.mutations) == expected, name
    site = cloud.site()
    plan = plan_deletion(site, look(site))
    cloud.world.faults.forget()
    tear_down(cloud.site())
    assert plan.calls is not None
    assert Counter(cloud.mutations) == Counter(plan.calls)
    assert not cloud.world.left()


@pytest.mark.slow
def test_a_thousand_workers_take_forty_calls_more(cloud: AwsCloud) -> None:
    converge(cloud.site(), highly_available(0))
    few = len(cloud.calls)
    cloud.world.faults.forget()
    tear_down(cloud.site())
    cloud.world.reset()
    converge(cloud.site(), highly_available(1000))
    assert len(cloud.calls) <= few + 40
    assert len(cloud.instances()) == 1003


def test_the_plan_tells_what_it_costs(cloud: AwsCloud) -> None:
    site = cloud.site()
    state = look(site)
    cost = plan_cluster(site, settled(site, highly_available(), state), state).cost
    assert cost is not None
    items = {item.what: item.count for item in cost.items}
    assert items == {"nat-gateway": 3, "address": 3, "api-balancer": 1, "machine of the default type": 6}
    assert cost.before == 0
    assert 300 < cost.monthly < 350
    converge(site, highly_available())
    later = look(site)
    again = plan_cluster(site, settled(site, highly_available(), later), later).cost
    assert again is not None
    assert round(again.before, 2) == round(again.monthly, 2) == round(cost.monthly, 2)
