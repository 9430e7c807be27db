from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

from cloudk8s.client.interface import Object, Resource
from cloudk8s.client.resources import NODES
from cloudk8s.controllers.node_ipam.controller import NodeIPAMController
from cloudk8s.controllers.node_ipam.pool import RangeExhausted, RangePool
from cloudk8s.controllers.settings import ControllerSettings
from cloudk8s.errors import SettingsError, Timeout
from cloudk8s.machinery.clock import FakeClock
from cloudk8s.machinery.exposition import page
from cloudk8s.machinery.instruments import Instruments
from cloudk8s.settings import ClusterSettings
from cloudk8s.testing.fake_client import Action, FakeClient
from tests.controllers.harness import node, running

ON = ControllerSettings(allocate_node_cidrs=True, node_cidr_mask_size_ipv6=112)


def cluster(pods: str, services: str = "10.96.0.0/16") -> ClusterSettings:
    return ClusterSettings(data_dir=Path("/nonexistent"), cluster_cidr=pods, service_cluster_ip_range=services)


def with_range(name: str, *ranges: str) -> Object:
    return {**node(name), "spec": {"podCIDR": ranges[0], "podCIDRs": list(ranges)}}


def test_parts_are_handed_out_once_and_in_turn() -> None:
    pool = RangePool("10.0.0.0/22", 24)
    assert [pool.allocate() for _ in range(4)] == [f"10.0.{number}.0/24" for number in range(4)]
    with pytest.raises(RangeExhausted):
        pool.allocate()
    pool.release("10.0.1.0/24")
    pool.release("10.0.0.0/24")
    assert [pool.allocate(), pool.allocate()] == ["10.0.0.0/24", "10.0.1.0/24"]


@pytest.mark.parametrize(
    ("taken", "left"),
    [
        ("10.0.0.0/23", 2), ("10.0.1.128/25", 3), ("10.0.0.0/8", 0), ("10.1.0.0/16", 4), ("fd00::/8", 4),
        ("10.0.3.0/24", 3),
    ],
)  # fmt: skip
def test_what_overlaps_is_not_handed_out(taken: str, left: int) -> None:
    pool = RangePool("10.0.0.0/22", 24)
    pool.occupy(taken)
    assert 4 - len(pool) == left


@pytest.mark.parametrize(("cidr", "length"), [("10.0.0.0/24", 16), ("fd00::/32", 64)])
def test_a_range_that_cannot_be_divided_so_is_refused(cidr: str, length: int) -> None:
    with pytest.raises(SettingsError):
        RangePool(cidr, length)


def ranges(nodes: list[Object]) -> list[list[str]]:
    return [item["spec"].get("podCIDRs", []) for item in nodes]


async def test_every_node_gets_a_range_and_keeps_what_it_has() -> None:
    objects = [with_range("a", "10.0.0.0/24"), node("b"), node("c")]
    async with running(NodeIPAMController, objects=objects, options=ON, settings=cluster("10.0.0.0/16")) as run:
        await run.settle()
        assert ranges(run.client.all(NODES)) == [["10.0.0.0/24"], ["10.0.1.0/24"], ["10.0.2.0/24"]]
        assert run.get(NODES, "b")["spec"]["podCIDR"] == "10.0.1.0/24"


async def test_one_size_is_for_the_family_there_is() -> None:
    for cidr, range in (("10.0.0.0/16", "10.0.0.0/26"), ("fd00::/20", "fd00::/26")):
        options = ControllerSettings(allocate_node_cidrs=True, node_cidr_mask_size=26)
        async with running(NodeIPAMController, objects=[node("a")], options=options, settings=cluster(cidr)) as run:
            await run.settle()
            assert ranges(run.client.all(NODES)) == [[range]]


async def test_dual_stack_gives_one_of_each_family() -> None:
    both = cluster("10.0.0.0/16,fd00:1::/96")
    async with running(NodeIPAMController, objects=[node("a")], options=ON, settings=both) as run:
        await run.settle()
        assert ranges(run.client.all(NODES)) == [["10.0.0.0/24", "fd00:1::/112"]]


async def test_the_range_of_a_deleted_node_is_used_again() -> None:
    async with running(NodeIPAMController, objects=[node("a")], options=ON, settings=cluster("10.0.0.0/24")) as run:
        await run.settle()
        run.client.add(node("b"))
        await run.settle()
        assert ranges(run.client.all(NODES)) == [["10.0.0.0/24"], []]
        assert run.events("b") == [("CIDRNotAvailable", "Node b status is now: CIDRNotAvailable")]
        await run.client.delete(NODES, "a")
        await run.settle(60, step=1)
        assert ranges(run.client.all(NODES)) == [["10.0.0.0/24"]]


async def test_the_services_range_is_left_out() -> None:
    overlapping = cluster("10.0.0.0/22", "10.0.0.0/23")
    async with running(NodeIPAMController, objects=[node("a")], options=ON, settings=overlapping) as run:
        await run.settle()
        assert ranges(run.client.all(NODES)) == [["10.0.2.0/24"]]


async def test_a_write_that_fails_wastes_nothing() -> None:
    def fail(action: Action) -> None:
        if action.verb == "patch" and action.resource == NODES:
            raise Timeout("gone")

    async with running(NodeIPAMController, options=ON, settings=cluster("10.0.0.0/24")) as run:
        stop = run.client.on(fail)
        run.client.add(node("a"))
        await run.settle(0.1)
        stop()
        await run.settle(5)
        assert ranges(run.client.all(NODES)) == [["10.0.0.0/24"]]


async def test_unless_asked_for_nothing_is_handed_out() -> None:
    async with running(NodeIPAMController, objects=[node("a")]) as run:
        await run.settle()
        assert ranges(run.client.all(NODES)) == [[]]


def test_what_is_reserved_is_never_released() -> None:
    pool = RangePool("10.0.0.0/22", 24)
    pool.reserve("10.0.1.0/24")
    pool.release("10.0.0.0/22")
    assert [pool.allocate() for _ in range(3)] == ["10.0.0.0/24", "10.0.2.0/24", "10.0.3.0/24"]


@pytest.mark.parametrize("error", [Timeout("no answer"), ConnectionResetError("reset")])
async def test_a_range_whose_write_has_no_answer_is_kept_for_its_node(error: Exception) -> None:
    """It may be written yet: whoever else got it would share it."""
    asked: list[tuple[str, str]] = []
    lost = iter([True] * 3)

    def lose(action: Action) -> None:
        if action.verb == "patch" and action.resource == NODES:
            asked.append((action.name, action.body["spec"]["podCIDR"]))
            if action.name == "a" and next(lost, False):
                raise error

    async with running(NodeIPAMController, options=ON, settings=cluster("10.0.0.0/16")) as run:
        run.client.on(lose)
        run.client.add(node("a"))
        run.client.add(node("b"))
        await run.settle(5)
        assert {cidr for name, cidr in asked if name == "a"} == {"10.0.0.0/24"}
        assert ranges(run.client.all(NODES)) == [["10.0.0.0/24"], ["10.0.1.0/24"]]
        assert run.events("a")[0] == ("CIDRAssignmentFailed", "Node a status is now: CIDRAssignmentFailed")


async def test_the_range_of_a_node_that_goes_while_its_write_has_no_answer_is_free_again() -> None:
    class Lossy(FakeClient):
        async def patch(self, resource: Resource, name: str, patch: Any, **how: Any) -> Object:
            if (resource, name) != (NODES, "a"):
                return await super().patch(resource, name, patch, **how)
            await self.delete(NODES, name)
            for _ in range(20):
                await asyncio.sleep(0)
            raise Timeout("no answer")

    clock = FakeClock()
    client, one = Lossy(clock=clock), cluster("10.0.0.0/24")
    async with running(NodeIPAMController, options=ON, settings=one, client=client, clock=clock) as run:
        client.add(node("a"))
        await run.settle()
        client.add(node("b"))
        await run.settle()
        assert ranges(client.all(NODES)) == [["10.0.0.0/24"]]


async def test_a_range_that_another_one_gave_meanwhile_frees_ours() -> None:
    def lose(action: Action) -> None:
        if action.verb == "patch" and action.resource == NODES:
            raise Timeout("no answer")

    async with running(NodeIPAMController, options=ON, settings=cluster("10.0.0.0/23")) as run:
        stop = run.client.on(lose)
        run.client.add(node("a"))
        await run.settle(0.1)
        stop()
        given = {"spec": {"podCIDR": "10.0.1.0/24", "podCIDRs": ["10.0.1.0/24"]}}
        await run.client.patch(NODES, "a", given)
        run.client.add(node("b"))
        await run.settle(5)
        assert ranges(run.client.all(NODES)) == [["10.0.1.0/24"], ["10.0.0.0/24"]]


async def test_a_node_that_is_being_deleted_gets_none() -> None:
    going = node("a")
    going["metadata"] |= {"finalizers": ["a.example/hold"], "deletionTimestamp": "2026-01-01T00:00:00Z"}
    async with running(NodeIPAMController, objects=[going], options=ON, settings=cluster("10.0.0.0/16")) as run:
        await run.settle()
        assert ranges(run.client.all(NODES)) == [[]]


async def test_a_range_that_can_not_be_read_stops_nobody_and_is_told_of_once(caplog: pytest.LogCaptureFixture) -> None:
    objects = [with_range("a", "what"), node("b")]
    async with running(NodeIPAMController, objects=objects, options=ON, settings=cluster("10.0.0.0/16")) as run:
        await run.settle()
        assert ranges(run.client.all(NODES)) == [["what"], ["10.0.0.0/24"]]
        await run.client.patch(NODES, "a", {"metadata": {"labels": {"a": "b"}}})
        await run.settle()
        assert len([message for message in caplog.messages if "node a: its range can't be read" in message]) == 1
        await run.client.delete(NODES, "a")
        await run.settle()


def test_ranges_are_counted_under_upstreams_names() -> None:
    instruments = Instruments()
    pool = RangePool("10.0.0.0/22", 24, instruments)
    pool.occupy("10.0.0.0/24")
    pool.release(pool.allocate())
    text = page(instruments.families())
    shown = {
        line.split("{")[0].removeprefix("node_ipam_controller_"): float(line.split()[-1])
        for line in text.splitlines()
        if 'clusterCIDR="10.0.0.0/22"}' in line
    }
    assert shown == {
        "cidrset_cidrs_allocations_total": 2, "cidrset_cidrs_releases_total": 1, "cidrset_usage_cidrs": 0.25,
        "cirdset_max_cidrs": 4, "cidrset_allocation_tries_per_request_sum": 1,
        "cidrset_allocation_tries_per_request_count": 1,
    }  # fmt: skip
