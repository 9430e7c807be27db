"""What a sync costs a cloud does not grow with nodes, and a restart changes nothing."""

from __future__ import annotations

import pytest

from benchmarks.cloud_calls import measure
from cloudk8s_aws.testing import AwsWorld
from cloudk8s_simulated.testing import SimulatedWorld

SERVICES = 40


async def test_calls_do_not_grow_with_nodes() -> None:
    few = await measure(SimulatedWorld(), 5, SERVICES)
    many = await measure(SimulatedWorld(), 500, SERVICES)
    assert [(row.phase, row.reads, row.mutations) for row in few] == [
        (row.phase, row.reads, row.mutations) for row in many
    ]


@pytest.mark.slow
async def test_a_sync_of_1000_nodes_and_200_load_balancers_costs_no_more_than_one_of_10_nodes() -> None:
    few = await measure(SimulatedWorld(), 10, 200)
    many = await measure(SimulatedWorld(), 1000, 200)
    assert [(row.phase, row.reads, row.mutations) for row in few] == [
        (row.phase, row.reads, row.mutations) for row in many
    ]
    assert (many[1].phase, many[1].reads, many[1].mutations) == ("restart", 5, 0)


async def test_a_restart_costs_a_few_reads_and_a_node_two_calls_for_each_service() -> None:
    first, restart, node = await measure(SimulatedWorld(), 50, SERVICES)
    assert first.mutations == 5 * SERVICES
    assert (restart.reads, restart.mutations) == (5, 0)
    assert node.mutations == 2 * SERVICES


@pytest.mark.slow
async def test_aws_costs_less_than_upstream() -> None:
    services, ports = 10, 1
    with AwsWorld() as world:
        first, restart, node = await measure(world, 10, services)
    assert first.mutations <= 7 * services + 2, "group and rule, target group and members, balancer, listener, mark"
    assert (restart.reads, restart.mutations) == (4, 0)
    assert node.reads <= (11 + ports) * services
    assert node.mutations == 3 * services, "deregister, register, mark"


async def test_many_services_share_the_time_that_calls_take() -> None:
    """40 Services at 100 ms a call: one after the other they would take over half a minute."""
    from benchmarks.cloud_latency import measure as wait_for

    waits = await wait_for(40, 0.1)
    assert waits.addresses < 5
    assert waits.calls >= 9 * 40
